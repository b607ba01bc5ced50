"""What `conman config check` says about the section of WiFi before the daemon takes it."""

from __future__ import annotations

import pytest

from conman_core.testing import FakeContext
from conman_plugins.wifi.driver import WifiDriver


def faults(**texts: str) -> list[tuple[str, str]]:
    return list(WifiDriver.check_settings(FakeContext(WifiDriver, texts).settings))


def test_the_defaults_and_usual_settings_are_right() -> None:
    assert faults() == []
    assert faults(interfaces="wlan0, wl*", country="gb", networks="/etc/known.conf") == []


@pytest.mark.parametrize("country", ["Germany", "G", "Ö1"])
def test_what_is_no_country_is_refused(country: str) -> None:
    assert faults(country=country) == [
        ("country", f"country = {country} is not allowed; allowed: two letters such as GB")
    ]


@pytest.mark.parametrize("networks", ["", "wpa_supplicant.conf", "./known.conf"])
def test_the_list_of_networks_has_a_fixed_place(networks: str) -> None:
    assert faults(networks=networks) == [
        (
            "networks",
            "networks must be an absolute path such as /etc/wpa_supplicant/wpa_supplicant.conf",
        )
    ]


def test_what_can_be_no_radio_is_refused() -> None:
    option = next(option for option in WifiDriver.options() if option.name == "interfaces")
    with pytest.raises(ValueError, match="wlan0 wlan1"):
        option.parse("wlan0 wlan1")

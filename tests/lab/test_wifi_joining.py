"""conman gets online over WiFi: every kind of network, the right one of several."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.wifi_device import KEY, WifiDevice, block, wifi_device

pytestmark = pytest.mark.lab

HOME = b"Home"


@pytest.fixture
def wifi() -> Iterator[WifiDevice]:
    with wifi_device() as made:
        yield made


@pytest.mark.parametrize("security", ["open", "wpa2", "wpa3", "transition"])
def test_a_known_network_is_joined_and_verified(wifi: WifiDevice, security: str) -> None:
    key = None if security == "open" else KEY
    wifi.world.access_point("home", HOME, key, security=security)
    wifi.knows(block(HOME, key))
    wifi.run()
    link = wifi.wifi(wifi.online())
    assert link["verdict"] == "online"
    assert link["addresses"][0].startswith("10.77.1.1")


def test_names_and_keys_of_any_bytes_work(wifi: WifiDevice) -> None:
    ssid, key = b'\x00"Caf\xc3\xa9" #1 \\ \xff\n{}', 'a"b c\\d {} = ~'
    wifi.world.access_point("home", ssid, key)
    wifi.knows(block(ssid, key))
    wifi.run()
    wifi.online()


def test_a_hidden_network_in_the_5_ghz_band_is_joined(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY, hidden=True, channel=36)
    wifi.knows(block(HOME, scan_ssid=1))
    wifi.run()
    wifi.online()


def test_priority_comes_before_signal(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY)
    wifi.world.access_point("office", b"Office", KEY, channel=6)
    wifi.knows(block(b"Office"), block(HOME, priority=2))
    wifi.run()
    wifi.online()
    assert wifi.network() == "Home"


def test_a_bad_block_costs_only_itself(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY)
    wifi.knows('network={\n\tssid="Broken\n\tpsk="x"\n}\n', block(HOME))
    wifi.run()
    wifi.online()


def test_an_enterprise_block_is_passed_through(wifi: WifiDevice) -> None:
    wifi.world.access_point("office", b"Office", security="enterprise", users={"ann": "secret"})
    wifi.knows(
        'network={\n\tssid="Office"\n\tkey_mgmt=WPA-EAP\n\teap=PEAP\n\tidentity="ann"\n'
        '\tpassword="secret"\n\tphase2="auth=MSCHAPV2"\n}\n'
    )
    wifi.run()
    wifi.online()


def test_power_saving_is_off_on_the_radio(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY)
    wifi.knows(block(HOME))
    wifi.run()
    wifi.online()
    assert "Power save: off" in wifi.device.run("iw", "dev", "wlan0", "get", "power_save")

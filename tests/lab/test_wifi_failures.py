"""Why WiFi does not work is said truly, within seconds, and costs nothing that is known."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.wifi_device import KEY, SETTINGS, WifiDevice, block, wifi_device

pytestmark = pytest.mark.lab

HOME = b"Home"


@pytest.fixture
def wifi() -> Iterator[WifiDevice]:
    with wifi_device() as made:
        made.knows(block(HOME))
        yield made


@pytest.mark.parametrize("security", ["wpa2", "wpa3"])
def test_a_wrong_key_is_said_and_the_list_stays_as_it_is(wifi: WifiDevice, security: str) -> None:
    before = wifi.list.read_bytes()
    wifi.world.access_point("home", HOME, "another horse", security=security)
    wifi.run()
    assert "wrong key for Home" in wifi.failed("WRONG_KEY")
    assert wifi.list.read_bytes() == before


def test_a_network_that_is_not_there(wifi: WifiDevice) -> None:
    wifi.world.access_point("other", b"Other", KEY)
    wifi.run()
    assert "Home is not in sight (1 other in sight)" in wifi.failed("NOT_FOUND")


def test_a_device_that_is_refused(wifi: WifiDevice) -> None:
    point = wifi.world.access_point("home", HOME, KEY)
    point.reject(wifi.world.radio.mac)
    wifi.run()
    assert "Home refused this device: " in wifi.failed("REJECTED")


def test_an_access_point_that_does_not_answer(wifi: WifiDevice) -> None:
    point = wifi.world.access_point("home", HOME, KEY)
    point.stop_answering()
    wifi.run()
    assert "Home" in wifi.failed("TIMEOUT", 90)
    point.answer()
    wifi.online()


def test_joined_but_no_address(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY, dhcp=False)
    wifi.run(SETTINGS + "dhcp-timeout = 3s\n")
    assert "joined Home, but its router gave no address" in wifi.failed("NO_ADDRESS")


def test_joined_but_no_internet(wifi: WifiDevice) -> None:
    point = wifi.world.access_point("home", HOME, KEY)
    point.router.sysctl("net.ipv4.ip_forward", "0")
    daemon = wifi.run()
    daemon.wait(lambda s: wifi.wifi(s).get("verdict") in ("offline", "limited"), 60)


def test_a_radio_without_a_country_says_what_to_write(wifi: WifiDevice) -> None:
    wifi.run(SETTINGS.replace("country = GB\n", ""))
    # the lab's kernel was told a country for the access points: then that counts
    wifi.failed("NOT_FOUND")


def test_a_known_network_is_not_joined_where_it_has_no_key(wifi: WifiDevice) -> None:
    wifi.world.access_point("twin", HOME)
    wifi.run()
    assert "takes no key here" in wifi.failed("REJECTED")


def test_the_next_known_network_is_joined_when_one_has_another_key(wifi: WifiDevice) -> None:
    wifi.knows(block(HOME, priority=1), block(b"Office"))
    wifi.world.access_point("home", HOME, "another horse")
    wifi.world.access_point("office", b"Office", KEY, channel=11)
    wifi.run()
    wifi.online()
    assert wifi.network() == "Office"


def test_a_key_corrected_by_hand_is_used_without_a_restart(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, "another horse")
    wifi.run()
    wifi.failed("WRONG_KEY")
    wifi.knows(block(HOME, "another horse"))
    wifi.online(30)


def test_a_radio_that_is_blocked_in_software_is_switched_on(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY)
    block_radio(wifi, True)
    wifi.run()
    wifi.online()


def test_another_wpa_supplicant_keeps_its_radio(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY)
    config = wifi.device.folder / "run/other.conf"
    config.write_text("ctrl_interface=/run/other\n" + block(HOME))
    wifi.device.run("ip", "link", "set", "wlan0", "up")
    wifi.device.start("wpa_supplicant", "-i", "wlan0", "-c", "/run/other.conf", log="other.log")
    wifi.run()
    assert "another wpa_supplicant" in wifi.failed("BUSY")


def block_radio(wifi: WifiDevice, blocked: bool) -> None:
    """Switch the radio off, or on, in software."""
    said = wifi.device.run(
        "sh",
        "-c",
        f"for s in /sys/class/net/wlan0/phy80211/rfkill*/soft; do echo {int(blocked)} >$s; done",
    )
    assert said == ""

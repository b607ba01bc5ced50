"""WiFi goes and comes back: the traffic moves at once, and the network is joined again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.wifi_device import KEY, WifiDevice, block, wifi_device

pytestmark = pytest.mark.lab

HOME = b"Home"
WIRED = """
[conman]
priority = wifi, ethernet
[conman:ethernet]
interfaces = eth0
[conman:wifi]
country = GB
networks = /run/networks.conf
"""


@pytest.fixture
def wifi() -> Iterator[WifiDevice]:
    with wifi_device() as made:
        made.knows(block(HOME))
        yield made


@pytest.fixture
def both() -> Iterator[WifiDevice]:
    """WiFi first, and a cable as the standby."""
    with wifi_device(cable=True) as made:
        made.knows(block(HOME))
        yield made


def both_up(device: WifiDevice) -> None:
    def holds(status: dict[str, Any]) -> bool:
        verdicts = [link["verdict"] for link in status["links"]]
        return status["uplink"] == "wifi:wlan0" and verdicts == ["online", "online"]

    device.daemon.wait(holds, 90)


def test_an_access_point_that_is_switched_off_and_on(both: WifiDevice) -> None:
    point = both.world.access_point("home", HOME, KEY)
    both.run(WIRED)
    both_up(both)
    point.stop()
    both.daemon.wait(lambda s: s["uplink"] == "ethernet:eth0", 20)
    sentence = both.failed("NOT_FOUND")
    assert "Home is not in sight" in sentence
    point.change()
    both.online(90)


def test_an_access_point_that_falls_silent(both: WifiDevice) -> None:
    point = both.world.access_point("home", HOME, KEY)
    both.run(WIRED)
    both_up(both)
    point.silence()
    both.daemon.wait(lambda s: s["uplink"] == "ethernet:eth0", 30)
    point.restore()
    both.online(90)


def test_a_radio_that_is_unplugged_and_plugged_in_again(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY)
    wifi.run()
    wifi.online()
    wifi.world.radio.pull_out()
    wifi.daemon.wait(lambda s: wifi.wifi(s).get("state") == "absent", 20)
    wifi.world.radio.plug_in()
    wifi.online(90)


def test_a_wpa_supplicant_that_is_killed(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY)
    wifi.run()
    wifi.online()
    since = wifi.wifi(wifi.daemon.status())["since"]
    wifi.device.run("pkill", "-KILL", "-x", "wpa_supplicant")
    wifi.daemon.wait(lambda s: wifi.wifi(s)["since"] != since, 30)
    wifi.online()


def test_an_access_point_that_gets_another_key(wifi: WifiDevice) -> None:
    point = wifi.world.access_point("home", HOME, KEY)
    wifi.run()
    wifi.online()
    point.change(key="another horse")
    assert "wrong key for Home" in wifi.failed("WRONG_KEY", 90)
    point.change(key=KEY)
    wifi.online(90)


def test_a_restart_of_conman_leaves_nothing_and_joins_again(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY)
    wifi.run()
    wifi.online()
    assert wifi.daemon.stop() == 0
    assert wifi.device.run("sh", "-c", "pgrep -a wpa_supplicant || :") == ""
    wifi.run()
    wifi.online()


def test_a_killed_conmans_wpa_supplicant_is_ended_by_the_next(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY)
    wifi.run()
    wifi.online()
    wifi.daemon.kill()
    wifi.run()
    wifi.online()
    deadline = time.monotonic() + 10
    while len(wifi.device.run("pgrep", "-x", "wpa_supplicant").split()) != 1:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_another_setting_starts_one_wpa_supplicant_in_place_of_the_other(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY)
    wifi.run()
    wifi.online()
    settings = wifi.device.folder / "run/setup.cfg"
    settings.write_text(settings.read_text() + "power-save = yes\n")
    wifi.conman("conman", "rescan")
    wifi.daemon.wait(lambda s: s["state"] != "online", 30)
    wifi.online()
    assert "Power save: on" in wifi.device.run("iw", "dev", "wlan0", "get", "power_save")
    deadline = time.monotonic() + 15
    while len(wifi.device.run("pgrep", "-x", "wpa_supplicant").split()) != 1:
        assert time.monotonic() < deadline
        time.sleep(0.2)

"""`conman wifi` as a person at the device uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.lab.wifi_device import KEY, SETTINGS, WifiDevice, block, wifi_device

pytestmark = pytest.mark.lab

HOME = b"Home"
CONFIG = ("--config", "/run/setup.cfg")


@pytest.fixture
def wifi() -> Iterator[WifiDevice]:
    with wifi_device() as made:
        (made.device.folder / "run/setup.cfg").write_text(SETTINGS)
        yield made


def command(wifi: WifiDevice, *words: str, stdin: str | None = None) -> str:
    folders = ("RUNTIME_DIRECTORY=/run/conman", "STATE_DIRECTORY=/var/lib/conman")
    return wifi.conman("env", *folders, "conman", "wifi", *words, *CONFIG, stdin=stdin)


def test_scan_shows_what_is_in_sight_with_and_without_a_daemon(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY)
    wifi.world.access_point("cafe", b"Caf\xc3\xa9", security="open", channel=11)
    wifi.knows(block(HOME))
    without = json.loads(command(wifi, "scan", "--json"))["networks"]
    assert {(row["ssid"], row["security"], row["known"]) for row in without} == {
        ("Home", "WPA2", True),
        ("Café", "open", False),
    }
    wifi.run()
    wifi.online()
    table = command(wifi, "scan")
    assert "in use" in next(line for line in table.splitlines() if line.startswith("Home"))


def test_a_network_that_is_added_gets_the_device_online(wifi: WifiDevice) -> None:
    key = 'a"b #c\\d'
    wifi.world.access_point("home", HOME, key)
    wifi.run()
    wifi.failed("NOT_FOUND")
    said = command(wifi, "add", "Home", stdin=f"{key}\n")
    assert "Home works and is saved" in said
    wifi.online()
    assert wifi.list.stat().st_mode & 0o777 == 0o600
    assert "Home" in command(wifi, "list")
    assert key not in wifi.daemon.log()


def test_a_wrong_key_is_said_and_nothing_is_changed(wifi: WifiDevice) -> None:
    wifi.world.access_point("home", HOME, KEY)
    wifi.knows(block(HOME))
    before = wifi.list.read_bytes()
    wifi.run()
    wifi.online()
    refused = command_fails(wifi, "add", "Home", stdin="another horse\n")
    assert "add --now" in refused
    refused = command_fails(wifi, "add", "Home", "--now", stdin="another horse\n")
    assert "wrong key for Home" in refused
    assert wifi.list.read_bytes() == before
    wifi.online()


def test_a_network_that_is_forgotten_is_not_joined_again(wifi: WifiDevice) -> None:
    point = wifi.world.access_point("home", HOME, KEY)
    wifi.knows("# mine\n", block(b"Other"), block(HOME))
    wifi.run()
    wifi.online()
    assert command(wifi, "forget", "Home") == "Home is forgotten\n"
    assert wifi.list.read_text() == "# mine\n" + block(b"Other")
    point.change()
    wifi.failed("NOT_FOUND")


def command_fails(wifi: WifiDevice, *words: str, stdin: str) -> str:
    """Run a command that must fail; return what it said."""
    folders = ("RUNTIME_DIRECTORY=/run/conman", "STATE_DIRECTORY=/var/lib/conman")
    (wifi.device.folder / "run/stdin").write_text(stdin)
    script = 'if "$@" </run/stdin 2>&1; then echo IT WORKED; fi'
    said = wifi.device.run(
        "sh", "-c", script, "sh", "env", *folders, "conman", "wifi", *words, *CONFIG
    )
    assert "IT WORKED" not in said
    return str(said)

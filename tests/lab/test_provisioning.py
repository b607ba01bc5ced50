"""A device without a network opens an access point, and a person gets it online."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab.person import Person
from tests.lab.wifi_device import KEY, SETTINGS, WifiDevice, block, wifi_device

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

HOME = b"HomeNet"
AP, AP_KEY = b"ContinuumBridge", "a good long key"
ASKS = (
    SETTINGS.replace("[conman]\n", "[conman]\nprovision-after = 3s\n")
    + f"dhcp-timeout = 4s\n\n[conman:accesspoint]\npassphrase = {AP_KEY}\n"
)
ALONE = ASKS + "together = no\n"


class Provisioning(WifiDevice):
    """A device that asks, and a person with a phone."""

    def __init__(self, world: Any) -> None:
        super().__init__(world)
        self.person = Person(world.phone())

    def asking(self, limit: float = 60.0) -> dict[str, Any]:
        """Wait until the access point is there."""
        wanted = "provisioning"
        status = self.daemon.wait(lambda s: s[wanted] and s["state"] == wanted, limit)
        return dict(status["provisioning"])

    def quiet(self, limit: float = 60.0) -> None:
        """Wait until the access point is gone."""
        self.daemon.wait(lambda s: not s["provisioning"], limit)

    def no_access_point(self, limit: float = 20.0) -> None:
        """Wait until no radio of the device is an access point any more."""
        deadline = time.monotonic() + limit
        while "type AP" in self.device.run("iw", "dev"):
            assert time.monotonic() < deadline, self.daemon.log()[-3000:]
            time.sleep(0.2)


@contextmanager
def provisioning(**world: Any) -> Iterator[Provisioning]:
    with wifi_device(**world) as made:
        yield Provisioning(made.world)


@pytest.fixture
def it() -> Iterator[Provisioning]:
    with provisioning() as made:
        yield made


@pytest.mark.parametrize("settings", [ASKS, ALONE], ids=["together", "alone"])
def test_the_whole_life_of_a_new_device(it: Provisioning, settings: str) -> None:
    it.world.access_point("home", HOME, KEY)
    it.run(settings)
    asked = it.asking()
    assert asked["ssid"] == "ContinuumBridge"
    it.person.joins(AP, AP_KEY)
    page = it.person.reads("HomeNet", "signal 4 of 4")
    assert "wrong key" not in page.lower()

    assert "is being tried" in it.person.enters("HomeNet", "not the right key")
    it.person.joins(AP, AP_KEY)
    page = it.person.reads("Wrong key for HomeNet")
    assert "not the right key" not in page
    assert not it.list.exists() or "HomeNet" not in it.list.read_text()

    assert "is being tried" in it.person.enters("HomeNet", KEY)
    it.online()
    it.quiet()
    assert "HomeNet" in it.list.read_text()
    it.no_access_point()
    assert "not the right key" not in it.daemon.log()
    assert AP_KEY not in it.daemon.log()


def entered(it: Provisioning, ssid: str, key: str = KEY, **more: str) -> None:
    """Come to the page as soon as it is there, and enter a network."""
    it.asking()
    it.person.joins(AP, AP_KEY)
    assert "is being tried" in it.person.enters(ssid, key, **more)


@pytest.mark.long
def test_a_network_that_is_not_there_is_said(it: Provisioning) -> None:
    it.run(ASKS)
    entered(it, "Elsewhere")
    it.person.joins(AP, AP_KEY)
    it.person.reads("Elsewhere was not found")


@pytest.mark.long
def test_a_router_that_gives_no_address_is_said(it: Provisioning) -> None:
    it.world.access_point("home", HOME, KEY, dhcp=False)
    it.run(ASKS)
    entered(it, "HomeNet")
    it.person.joins(AP, AP_KEY)
    it.person.reads("Joined HomeNet, but the router gave no address")


@pytest.mark.long
def test_a_network_without_internet_is_said(it: Provisioning) -> None:
    point = it.world.access_point("home", HOME, KEY)
    point.router.sysctl("net.ipv4.ip_forward", "0")
    it.run(ASKS)
    entered(it, "HomeNet")
    it.person.joins(AP, AP_KEY)
    it.person.reads("Joined HomeNet, but there is no internet there", limit=80)


@pytest.mark.long
def test_a_hidden_network_is_joined_by_its_name(it: Provisioning) -> None:
    it.world.access_point("home", HOME, KEY, hidden=True)
    it.run(ASKS)
    entered(it, "HomeNet", **{"f.hidden": "yes"})
    it.online()


@pytest.mark.long
def test_with_two_radios_the_page_stays_and_says_what_came_of_it() -> None:
    with provisioning(radios=2) as it:
        it.world.access_point("home", HOME, KEY)
        it.run(ASKS)
        assert it.asking()["interface"] != "wlan0"
        it.person.joins(AP, AP_KEY)
        it.person.enters("HomeNet", "not the right key")
        it.person.reads("Wrong key for HomeNet")  # without joining again
        it.person.enters("HomeNet", KEY)
        it.online()
        it.quiet()


def test_a_cable_ends_it_at_once() -> None:
    with provisioning(cable=True) as it:
        it.world.home.ip("link", "set", "lan0", "down")
        it.run(ASKS)
        it.asking()
        it.world.home.ip("link", "set", "lan0", "up")
        it.daemon.wait_uplink("eth0", 60)
        it.quiet(15)
        it.no_access_point()


@pytest.mark.parametrize("settings", [ASKS, ALONE + "look-every = 5s\n"], ids=["together", "alone"])
def test_a_known_network_that_comes_back_ends_it(it: Provisioning, settings: str) -> None:
    it.knows(block(HOME))
    point = it.world.access_point("home")
    it.run(settings)
    it.asking()
    point.start(HOME, KEY)
    it.online(90)
    it.quiet()


@pytest.mark.long
def test_a_known_network_with_another_key_now_keeps_its_block(it: Provisioning) -> None:
    it.knows(block(HOME, "the old key"))
    before = it.list.read_text()
    it.world.access_point("home", HOME, KEY)
    it.run(ASKS)
    entered(it, "HomeNet", "another wrong one")
    it.person.joins(AP, AP_KEY)
    it.person.reads("Wrong key for HomeNet")
    assert it.list.read_text() == before
    it.person.enters("HomeNet", KEY)
    it.online()
    assert KEY in it.list.read_text()


@pytest.mark.long
def test_hostile_names_around_are_only_names(it: Provisioning) -> None:
    names = [b"<b>bold</b>", b"a'b\"c&d", b"line\nfeed", b"zero\0byte", b"\xff\xfe\xfd"]
    for number, name in enumerate(names):
        it.world.access_point(f"n{number}", name, KEY, channel=(1, 6, 11)[number % 3])
    it.run(ASKS)
    it.asking()
    it.person.joins(AP, AP_KEY)
    shown = ["&lt;b&gt;bold&lt;/b&gt;", "a&#x27;b&quot;c&amp;d", "line\ufffdfeed", "zero\ufffdbyte"]
    page = it.person.reads(*shown, "\ufffd\ufffd\ufffd", limit=70)
    assert "<b>bold" not in page
    assert "\0" not in page
    assert "is being tried" in it.person.enters("zero\ufffdbyte", KEY)
    it.online()


def test_phones_find_the_page_and_nothing_else(it: Provisioning) -> None:
    it.run(ASKS)
    it.asking()
    it.person.joins(AP, AP_KEY)
    asked = it.person.asks("/generate_204", host="connectivitycheck.gstatic.com")
    assert (asked[0], asked[1]["Location"]) == (302, "http://10.0.0.1/")
    at_portal = it.person.asks(
        "/hotspot-detect.html", host="captive.apple.com", address="192.0.2.1"
    )
    assert at_portal[0] == 302
    with pytest.raises(ConnectionRefusedError):
        it.person.connects(443)
    assert it.person.connects(80)


@pytest.mark.long
def test_an_access_point_whose_program_dies_comes_back(it: Provisioning) -> None:
    it.run(ASKS)
    it.asking()
    it.device.run("pkill", "-KILL", "-f", "hostapd .*conman-ap0")
    it.person.joins(AP, AP_KEY, 90)
    it.person.reads("Connect")


def test_a_person_opens_and_ends_it_by_hand(it: Provisioning) -> None:
    it.world.access_point("home", HOME, KEY)
    it.knows(block(HOME))
    it.run(ASKS.replace("[conman]", "[conman]\nprovision = never"))
    it.online()
    refused = it.device.conman("provision", "--config", "/run/setup.cfg")
    assert (refused.returncode, "conman provision --yes" in refused.stderr) == (1, True)
    words = ("provision", "--yes", "--timeout", "10m", "--config", "/run/setup.cfg")
    shown = it.device.conman(*words, limit=60).stdout
    assert AP_KEY in shown
    assert "http://10.0.0.1/" in shown
    it.person.joins(AP, AP_KEY)
    assert it.device.conman("provision", "stop").returncode == 0
    it.online()
    it.quiet()

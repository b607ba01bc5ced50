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
        status = self.daemon.wait(lambda s: s["provisioning"], limit)
        assert status["state"] == "provisioning"
        return dict(status["provisioning"])

    def quiet(self, limit: float = 60.0) -> None:
        """Wait until the access point is gone."""
        self.daemon.wait(lambda s: not s["provisioning"], limit)

    def interfaces(self) -> str:
        return self.device.run("iw", "dev")


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
    assert "type AP" not in it.interfaces()
    assert "not the right key" not in it.daemon.log()
    assert AP_KEY not in it.daemon.log()

"""conman with serial modems on the lab's device: the real pppd dials, and every fault has words."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab.modems.world import ModemWorld, modem_world
from tests.netns.device import Daemon

pytestmark = [pytest.mark.lab, pytest.mark.long]

SETTINGS = """\
[conman]
priority = ethernet, wwan, sakis3g

[conman:sakis3g]
dialer = pppd
apn = internet
"""
LONG = 60.0  #: seconds; emulation is slow


class SerialDevice:
    """A device with a serial modem, and conman on it."""

    def __init__(self, world: ModemWorld) -> None:
        self.world = world
        self.device = world.device
        self.daemon: Daemon

    def run(self, more: str = "", settings: str = SETTINGS) -> Daemon:
        self.daemon = self.device.run_conman(settings + more)
        return self.daemon

    def link(self, status: dict[str, Any]) -> dict[str, Any]:
        """The record of the modem's link, empty if there is none yet."""
        links = (link for link in status["links"] if link["name"].startswith("sakis3g:"))
        return next(links, {})

    def online(self, limit: float = LONG) -> dict[str, Any]:
        """Wait until the modem carries the traffic and that is verified; return its link."""
        return self.link(
            self.daemon.wait(
                lambda s: (s["uplink"] or "").startswith("sakis3g:") and s["state"] == "online",
                limit,
            )
        )

    def failed(self, reason: str, limit: float = LONG) -> str:
        """Wait until the link has failed for a reason; return the sentence."""
        status = self.daemon.wait(lambda s: self.link(s).get("reason") == reason, limit)
        return str(self.link(status)["sentence"])


@contextmanager
def serial(model: str = "e220", **settings: Any) -> Iterator[SerialDevice]:
    """Give a device that is removed whatever happens."""
    with modem_world(model, **settings) as world:
        yield SerialDevice(world)


def test_a_serial_modem_is_dialled_and_brings_the_device_online() -> None:
    with serial() as it:
        started = time.monotonic()
        it.run()
        link = it.online()
        print(f"started to online {time.monotonic() - started:.1f} s")
        assert link["interface"] == "ppp10"
        assert link["metered"]
        assert link["addresses"] == [f"{it.world.modem.calls()[0]['address']}/32"]
        assert sorted(link["dns"]) == ["8.8.8.8", "9.9.9.9"]
        told = it.device.conman("status").stdout
        print(told)
        print(it.daemon.log()[-6000:])
        print(it.device.ip("address", "show", "dev", "ppp10"))
        print(it.device.run("sh", "-c", "cat /etc/resolv.conf; ls -la /run/conman/drivers/sakis3g"))

"""The small internet of the bench, with conman and meters on its device."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import time
from collections.abc import Iterator
from typing import Any

from tests.netns.device import Daemon
from tests.netns.internet import Internet
from tests.netns.measure import UdpMeter
from tests.netns.namespaces import Bench, Namespace, run

PERIOD = 0.005  #: seconds between the packets that are counted
AFTERMATH = 0.5  #: seconds watched after traffic has moved: losses come late
UPLINKS = ("eth0", "eth1")


class RealCables(Bench):
    """Lays cables whose link events the kernel treats as those of a network card.

    It reports a loss of carrier at most once a second, but for a device that lies on another one
    at once (net/core/link_watch.c, linkwatch_urgent_event). A veth seems to lie on another one
    unless both of its ends have the same number.
    """

    _numbers = itertools.count(100)

    def cable(self, left: Namespace, left_name: str, right: Namespace, right_name: str) -> None:
        """Lay a cable, both ends up."""
        number = str(next(self._numbers))
        run(
            *("ip", "link", "add", left_name, "index", number, "netns", left.name),
            *("type", "veth", "peer", "name", right_name, "index", number, "netns", right.name),
        )
        left.ip("link", "set", left_name, "up")
        right.ip("link", "set", right_name, "up")


class Lab:
    """One internet for all trials; each run starts conman afresh on it."""

    def __init__(self, net: Internet) -> None:
        self.net = net
        self.device = net.device
        self.daemon: Daemon | None = None
        self._bystander: Namespace | None = None

    def ready(self) -> Daemon:
        """Start conman with both cables in; return once both links are verified."""
        self.stop()
        self.repair()
        self.daemon = self.device.run_conman()
        self.daemon.wait(both_verified)
        return self.daemon

    def repair(self) -> None:
        """Plug all cables in and let all routers forward."""
        for interface in UPLINKS:
            self.net.cable_in(interface)
        for router in self.net.routers:
            router.restore()

    def set_up(self, interface: str, limit: float = 10.0) -> None:
        """Set an interface up and wait until the kernel says that it runs."""
        self.device.ip("link", "set", interface, "up")
        deadline = time.monotonic() + limit
        while "state UP" not in self.device.ip("-o", "link", "show", "dev", interface):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{interface} does not come up")
            time.sleep(0.01)

    def stop(self) -> None:
        """End conman, if it runs."""
        if self.daemon and self.daemon.process.poll() is None:
            self.daemon.stop()
        self.daemon = None

    def release(self) -> None:
        """End conman and undo all that it did: interfaces are down, nothing is configured."""
        self.stop()
        done = self.device.conman("release")
        if done.returncode:
            raise RuntimeError(f"conman release: {done.stderr}")

    def forget(self) -> None:
        """Forget all leases and what conman remembers, as after a first installation."""
        for name in ("dhcpcd", "conman"):
            folder = self.device.folder / "var/lib" / name
            shutil.rmtree(folder, ignore_errors=True)
        (self.device.folder / "var/lib/dhcpcd").mkdir()

    @contextlib.contextmanager
    def meter(self) -> Iterator[UdpMeter]:
        """Give a meter that has started to send."""
        meter = UdpMeter(self.device, period=PERIOD)
        try:
            wait_for(meter)
            yield meter
        finally:
            meter.stop()

    def link_event(self) -> None:
        """Pull a cable of the device that conman has nothing to do with."""
        if self._bystander is None:
            self._bystander = self.net.bench.namespace("bystander")
            self.net.bench.cable(self.device, "other0", self._bystander, "lan0")
        self._bystander.ip("link", "set", "lan0", "down")

    def end_link_event(self) -> None:
        """Plug it in again."""
        if self._bystander:
            self._bystander.ip("link", "set", "lan0", "up")


def wait_for(meter: UdpMeter, limit: float = 10.0) -> None:
    """Wait for the first packet of a meter."""
    deadline = time.monotonic() + limit
    while not meter.sent:
        if meter.process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the meter does not send")
        time.sleep(0.01)


def both_verified(status: dict[str, Any]) -> bool:
    """Whether eth0 carries the traffic and both links reach the internet."""
    online = [link for link in status["links"] if link["verdict"] == "online"]
    return status["uplink"] == "ethernet:eth0" and len(online) == len(UPLINKS)

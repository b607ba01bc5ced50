"""A device with WiFi in a small internet: access points with routers, perhaps a cable, phones.

    device wlan0 ))) lan0 NAME wan0 --\
                                       far: 1.1.1.1  8.8.8.8  9.9.9.9  198.51.100.1
    device eth0  --  lan0 wired wan0 --/

As in tests/netns/internet.py, but that the links are radios: everybody hears everybody until
`air.cut`, and an access point is silent until its `start`.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from ipaddress import IPv4Interface
from typing import Any

from tests.lab.accesspoint import AccessPoint
from tests.lab.cache import ROOT
from tests.lab.medium import Medium
from tests.lab.radios import Air, Radio
from tests.lab.station import Station
from tests.netns.device import Device
from tests.netns.internet import SITE, SITES, Internet
from tests.netns.namespaces import Bench, bench
from tests.netns.router import Router


class WifiWorld(Internet):
    """The device has `radios` radios (wlan0, wlan1...) and, if wished, a cable (eth0)."""

    def __init__(
        self, made: Bench, *, radios: int = 1, cable: bool = False, country: str | None = "GB"
    ) -> None:
        self.bench = made
        self.shared_lan = False
        self.far = made.namespace("far")
        self._build_far()
        self.device = Device(made)
        self.air = Air(country)
        self.radios = [self.air.radio(self.device, f"wlan{number}") for number in range(radios)]
        self.access_points: list[AccessPoint] = []
        self._networks = 0
        if cable:
            self.home = self.backup = self._next_router("wired")
            made.cable(self.device, "eth0", self.home, "lan0")
            self.device.ip("link", "set", "eth0", "down")
            self.home.configure_lan()
            self._serve(self.home)

    @property
    def radio(self) -> Radio:
        """The first radio of the device."""
        return self.radios[0]

    def access_point(
        self,
        role: str,
        ssid: bytes | None = None,
        key: str | None = None,
        *,
        dhcp: bool = True,
        **settings: object,
    ) -> AccessPoint:
        """Set an access point up, with the internet behind it.

        With an `ssid` it goes on the air at once, with the settings of `AccessPoint.start`.
        `role` is a short name. `dhcp=False`: nobody behind it gives an address.
        """
        router = self._next_router(role)
        point = AccessPoint(router, self.air.radio(router, "lan0"))
        self.access_points.append(point)
        router.ip("link", "set", "lan0", "up")
        router.configure_lan()
        self._serve(router, dhcp=dhcp)
        if ssid is not None:
            point.start(ssid, key, **settings)  # type: ignore[arg-type]
        return point

    def medium(self) -> Medium:
        """Put a program in place of the kernel's air, to have signals and losses of pairs."""
        argv = (sys.executable, "-m", "tests.lab.medium")
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        started = self.bench.start(argv, "medium.log", cwd=ROOT, env=environment, **pipes)
        return Medium(started)

    def phone(self, role: str = "phone") -> Station:
        """Somebody's phone."""
        return Station(self.bench, self.air, role)

    def close(self) -> None:
        """End every process, then unplug the radios, while they still are where they were."""
        for point in self.access_points:
            point.answer()  # a hostapd that sleeps would not hear that it has to end
        for process in reversed(self.bench.processes[:]):
            self.bench.stop(process)
        self.air.close()

    def _next_router(self, role: str) -> Router:
        self._networks += 1
        far_end = f"203.0.113.{4 * self._networks + 1}/30"
        return self._router(role, IPv4Interface(f"10.77.{self._networks}.1/24"), far_end)

    @staticmethod
    def _serve(router: Router, *, dhcp: bool = True) -> None:
        router.dns_start(SITES, SITE)
        if dhcp:
            router.dhcp_start()


@contextlib.contextmanager
def wifi_world(
    *, prefix: str = "cm", radios: int = 1, cable: bool = False, country: str | None = "GB"
) -> Iterator[WifiWorld]:
    """Give a world with radios that is removed whatever happens."""
    with bench(prefix) as made:
        world = WifiWorld(made, radios=radios, cable=cable, country=country)
        try:
            yield world
        finally:
            world.close()

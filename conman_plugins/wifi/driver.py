"""WiFi links: each radio is one, joined to the best known network in sight."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from conman_core import (
    ConnectError,
    Connection,
    DriverContext,
    Kind,
    Link,
    LinkDriver,
    Option,
    Reason,
    Unavailable,
)
from conman_core.errors import SystemFault
from conman_core.model import DriverEvent, FormField, link_name
from conman_plugins.wifi.details import details
from conman_plugins.wifi.elsewhere import elsewhere
from conman_plugins.wifi.entered import choice_of, entered
from conman_plugins.wifi.knownfile import KnownFile
from conman_plugins.wifi.lookout import Lookout
from conman_plugins.wifi.machine import Machine
from conman_plugins.wifi.membership import JOIN_LIMIT, LONGEST_DHCP
from conman_plugins.wifi.memory import Memory
from conman_plugins.wifi.overlook import look_around
from conman_plugins.wifi.places import KNOWN, NAME
from conman_plugins.wifi.repair import repair
from conman_plugins.wifi.scan import Cell, strongest_by_ssid
from conman_plugins.wifi.settings import faults
from conman_plugins.wifi.station import Station

_MOST_CHOICES = 100  #: of the form: the strongest
_MOST_OFFERED = 400  #: remembered of all that were


class WifiDriver(LinkDriver):
    """Offers each WiFi radio as a link."""

    api_version: ClassVar[int] = 1
    connect_limit: ClassVar[float] = 3 * JOIN_LIMIT + LONGEST_DHCP
    apply_limit: ClassVar[float] = 55.0
    recover_limit: ClassVar[float] = 20.0

    def __init__(self, context: DriverContext, machine: Machine | None = None) -> None:
        super().__init__(context)
        self._machine = machine or Machine()
        self._known = KnownFile(Path(context.settings["networks"]))
        self._memory = Memory(context.store)
        self._stations: dict[str, Station] = {}  # by interface
        self._lookouts: dict[str, asyncio.Task[None]] = {}
        self._offered: dict[str, Cell] = {}  # by the name that the form shows
        self._closing: set[asyncio.Future[None]] = set()
        self._events: asyncio.Queue[DriverEvent] = asyncio.Queue()

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return (
            Option(
                "interfaces",
                Kind.INTERFACES,
                "",
                "Radios to use, best first: names, or patterns such as wl*. "
                "Without it every radio is used.",
            ),
            Option(
                "country",
                Kind.TEXT,
                "",
                "Where the device is, as two letters such as GB: which channels may be used. "
                "Without it country= of the list of networks counts, then the kernel's.",
            ),
            Option("networks", Kind.TEXT, KNOWN, "The list of known networks."),
            Option(
                "security",
                Kind.CHOICE,
                "auto",
                "Which security to use where an access point offers WPA2 and WPA3: "
                "auto takes WPA2 there, as many radios fail at WPA3.",
                ("auto", "wpa2", "wpa3"),
            ),
            Option(
                "power-save",
                Kind.SWITCH,
                "no",
                "Let the radio sleep between packets: saves power, answers later.",
            ),
            Option(
                "dhcp-timeout",
                Kind.DURATION,
                "30s",
                f"How long to wait for a DHCP server, at most {LONGEST_DHCP / 60:g}m.",
            ),
        )

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        return faults(settings)

    def probe(self) -> Sequence[Link] | Unavailable:
        found = self._machine.stations(self.context.settings["interfaces"])
        for interface in [name for name in self._stations if name not in found]:
            self._forget(interface)
        if not found:
            sentence = "no WiFi radio: plug one in, or see what the kernel said: dmesg | grep -i wl"
            return Unavailable(Reason.NO_DEVICE, sentence)
        return [Link(NAME, name, name, preference=place) for place, name in enumerate(found)]

    async def connect(self, link: Link) -> Connection:
        return await self._station(link.interface or link.device).connect()

    async def disconnect(self, link: Link) -> None:
        if station := self._stations.get(link.interface or link.device):
            await station.disconnect()

    async def events(self) -> AsyncIterator[DriverEvent]:
        while True:
            yield await self._events.get()

    async def details(self, link: Link) -> Mapping[str, str]:
        station = self._stations.get(link.interface or link.device)
        return await details(station) if station else {}

    async def recover(self, link: Link, step: int) -> bool:
        return await repair(self._station(link.interface or link.device), step)

    async def alternative(self, link: Link) -> bool:
        station = self._stations.get(link.interface or link.device)
        return station is not None and await elsewhere(station)

    async def lend(self, link: Link) -> bool:
        await self._station(link.interface or link.device).lend()
        return True

    async def close(self) -> None:
        for interface in list(self._stations):
            self._forget(interface)
        if self._closing:
            await asyncio.wait(set(self._closing))

    async def form(self) -> Sequence[FormField]:
        seen = {cell.name: cell for cell in reversed(self._seen())}
        best = [choice_of(cell) for cell in reversed(seen.values())][:_MOST_CHOICES]
        # what was offered may be chosen later, when it was not heard for a moment
        self._offered = dict([*self._offered.items(), *seen.items()][-_MOST_OFFERED:])
        return (
            FormField("ssid", "Network", choices=tuple(best)),
            FormField("key", "Key", "secret", required=False),
            FormField("hidden", "The network is hidden", "switch", required=False),
        )

    async def look(self) -> None:
        await asyncio.gather(*(look_around(each) for each in self._stations.values()))

    def validate(self, values: Mapping[str, str]) -> None:
        entered(values, self._offered)

    async def apply(self, values: Mapping[str, str]) -> None:
        network = entered(values, self._offered)
        radios = self._machine.stations(self.context.settings["interfaces"])
        if not radios:
            raise ConnectError(Reason.NO_DEVICE, "there is no WiFi radio to try it with")
        network = await self._station(radios[0]).try_out(network)
        try:
            self._known.add(network)
        except SystemFault as error:
            sentence = f"{network.name} works, but is not saved: {error}"
            raise ConnectError(Reason.MISCONFIGURED, sentence) from error

    def _seen(self) -> list[Cell]:
        cells = [cell for station in self._stations.values() for cell in station.sight.cells]
        return strongest_by_ssid(cells)

    def _station(self, interface: str) -> Station:
        station = self._stations.get(interface)
        if station is None:
            link = link_name(NAME, interface)
            station = self._stations[interface] = Station(
                self.context,
                link,
                interface,
                known=self._known,
                memory=self._memory,
                machine=self._machine,
                tell=self._events.put_nowait,
            )
            lookout = Lookout(self.context, link, station, self._events.put_nowait)
            self._lookouts[interface] = asyncio.create_task(
                lookout.run(), name=f"driver:lookout {interface}"
            )
        return station

    def _forget(self, interface: str) -> None:
        """End what belongs to a radio that is gone."""
        self._lookouts.pop(interface).cancel()
        closing = asyncio.ensure_future(self._stations.pop(interface).close())
        self._closing.add(closing)  # the loop itself keeps only a weak reference
        closing.add_done_callback(self._closing.discard)

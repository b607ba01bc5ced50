"""Wired links: which interfaces, and their address by DHCP or by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from conman_core import (
    ConnectError,
    Connection,
    ConnectionChanged,
    DriverContext,
    Kind,
    Link,
    LinkDriver,
    Lost,
    Option,
    Reason,
    Unavailable,
)
from conman_core.driver import Lease
from conman_core.inventory import Interface, Inventory
from conman_core.model import DriverEvent
from conman_plugins.ethernet.choice import choose, holder_of_static, why_none
from conman_plugins.ethernet.details import details
from conman_plugins.ethernet.static import faults, misconfigured, static_connection

NAME = "ethernet"
SECTION = f"[conman:{NAME}]"

_LONGEST_DHCP = 120.0
_DEFAULT_DHCP = 30.0


class EthernetDriver(LinkDriver):
    """Offers wired interfaces as links."""

    api_version: ClassVar[int] = 1
    connect_limit: ClassVar[float] = _LONGEST_DHCP + 15.0

    def __init__(self, context: DriverContext, inventory: Inventory | None = None) -> None:
        super().__init__(context)
        self._inventory = inventory or Inventory()
        self._clients: dict[str, _Client] = {}  # by the link's name
        self._holder: str | None = None  # the interface that may have the static address
        self._events: asyncio.Queue[DriverEvent] = asyncio.Queue()

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return (
            Option(
                "interfaces",
                Kind.INTERFACES,
                "",
                "Interfaces to use, best first: names, or patterns such as en*. "
                "Without it every wired interface is used.",
            ),
            Option(
                "address",
                Kind.CHOICE,
                "dhcp",
                "Where the address comes from: dhcp asks the network, static takes static-address.",
                ("dhcp", "static"),
            ),
            Option(
                "static-address",
                Kind.INTERFACE_ADDRESS,
                "",
                "The address with its prefix length, for address = static.",
            ),
            Option("gateway", Kind.ADDRESS, "", "The router, for address = static."),
            Option(
                "dns",
                Kind.ADDRESSES,
                "",
                "DNS servers; with DHCP they are used in place of those that the network names.",
            ),
            Option(
                "dhcp-timeout",
                Kind.DURATION,
                f"{_DEFAULT_DHCP:g}s",
                f"How long to wait for a DHCP server, at most {_LONGEST_DHCP / 60:g}m.",
            ),
        )

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        return faults(settings)

    def probe(self) -> Sequence[Link] | Unavailable:
        wanted = self.context.settings["interfaces"]
        present = self._inventory.interfaces()
        chosen = choose(wanted, present)
        if not chosen:
            return Unavailable(Reason.NO_DEVICE, why_none(wanted, present))
        return [
            Link(NAME, interface.name, interface.name, preference=place, note=_note(interface))
            for place, interface in enumerate(chosen)
        ]

    def details(self, link: Link) -> Mapping[str, str]:
        return details(self._inventory, link.interface or link.device)

    async def connect(self, link: Link) -> Connection:
        await self.disconnect(link)
        while link.name in self._clients:  # another call was quicker
            await self.disconnect(link)
        name = link.interface or link.device
        settings = self.context.settings
        fixed = static_connection(name, settings) if settings["address"] == "static" else None
        interface = self._inventory.describe(name)
        if interface is None:
            raise ConnectError(Reason.NO_DEVICE, f"{name} is gone; plug its device in again")
        if interface.carrier is False:
            raise ConnectError(
                Reason.NO_CARRIER,
                f"{name} has no signal on its cable; plug it in at both ends and check the switch",
            )
        if fixed is None:
            return await self._lease(link, name)
        self._must_be_first(name)
        return fixed

    def _must_be_first(self, name: str) -> None:
        """Raise ConnectError if another interface may have the static address."""
        wanted, present = self.context.settings["interfaces"], self._inventory.interfaces()
        self._holder = holder_of_static(wanted, present, self._holder)
        if self._holder != name:
            raise misconfigured(
                f"the static address is that of {self._holder}, which comes first, and {name}"
                f" cannot have it too; to have it on {name} write interfaces = {name}"
            )

    async def disconnect(self, link: Link) -> None:
        if client := self._clients.get(link.name):
            await self._end(link.name, client)

    async def events(self) -> AsyncIterator[DriverEvent]:
        while True:
            yield await self._events.get()

    async def _lease(self, link: Link, name: str) -> Connection:
        client = _Client(self.context.dhcp(name))
        self._clients[link.name] = client
        try:
            # a task of its own, so that `disconnect` can end it
            client.task = first = asyncio.create_task(self._first_lease(client.lease, name))
            await asyncio.wait({first})
            connection = None if first.cancelled() else first.result()
            if connection is None or client.unwanted:
                raise ConnectError(Reason.LOST, f"{name} was taken down while it asked by DHCP")
        except BaseException:  # cancelled, too: nothing may be left behind
            await self._end(link.name, client)
            raise
        client.task = asyncio.create_task(self._follow(link.name, name, client.lease))
        return connection

    async def _end(self, link: str, client: _Client) -> None:
        client.unwanted = True
        async with client.ending:  # a second caller returns when all is done, too
            if self._clients.get(link) is not client:
                return
            if client.task and not client.task.done():
                client.task.cancel()
                await asyncio.wait({client.task})
            await client.lease.release()
            del self._clients[link]

    async def _first_lease(self, lease: Lease, name: str) -> Connection:
        limit = min(self.context.settings["dhcp-timeout"] or _DEFAULT_DHCP, _LONGEST_DHCP)
        try:
            async with asyncio.timeout(limit):
                return self._with_dns(await lease.acquire())
        except TimeoutError:
            raise ConnectError(
                Reason.NO_ADDRESS,
                f"no DHCP server answered on {name} within {limit:g} s; check that its cable leads"
                f" to a router that gives addresses, or write address = static in {SECTION}",
            ) from None

    async def _follow(self, link: str, name: str, lease: Lease) -> None:
        async for connection in lease.changes():
            if connection:
                event: DriverEvent = ConnectionChanged(link, self._with_dns(connection))
            else:
                sentence = f"the DHCP lease of {name} is lost; check the router that gave it"
                event = Lost(link, Reason.NO_ADDRESS, sentence)
            self._events.put_nowait(event)

    def _with_dns(self, connection: Connection) -> Connection:
        servers = self.context.settings["dns"]
        return replace(connection, dns=servers) if servers else connection


def _note(interface: Interface) -> str:
    return "no signal on the cable" if interface.carrier is False else ""


@dataclass(slots=True)
class _Client:
    """The DHCP client of a link; `task` waits for its first lease, later for its changes."""

    lease: Lease
    task: asyncio.Task[Any] | None = None
    unwanted: bool = False  #: `disconnect` has begun
    ending: asyncio.Lock = field(default_factory=asyncio.Lock)

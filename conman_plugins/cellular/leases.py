"""DHCP on the interfaces of modems: a client for each link, from `connect` to `disconnect`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from conman_core import ConnectError, Connection, ConnectionChanged, DriverContext, Lost, Reason
from conman_core.driver import Lease
from conman_core.model import DriverEvent

Check = Callable[[Connection], None]  #: raises ConnectError for a lease that cannot be used


class Leases:
    """The DHCP clients of a driver's links. `tell` takes what happens to a lease later."""

    def __init__(self, context: DriverContext, tell: Callable[[DriverEvent], None]) -> None:
        self._context = context
        self._tell = tell
        self._clients: dict[str, _Client] = {}  # by the link's name

    def connections(self) -> dict[str, Connection]:
        """Return what each link has now, by its name."""
        return {name: each.has for name, each in self._clients.items() if each.has}

    async def acquire(self, link: str, interface: str, limit: float, check: Check) -> Connection:
        """Ask for an address; metered, as all of a modem's are.

        Raises ConnectError, NO_ADDRESS if no server answers within `limit` seconds. Then, and
        when cancelled, nothing is left running.
        """
        while link in self._clients:
            await self.end(link)
        client = _Client(self._context.dhcp(interface))
        self._clients[link] = client
        try:
            # a task of its own, so that `end` can end it
            client.task = first = asyncio.create_task(_first(client.lease, limit))
            await asyncio.wait({first})
            if first.cancelled() or client.unwanted:
                raise ConnectError(Reason.LOST, f"{interface} was taken down while it asked")
            connection = first.result()
            check(connection)
        except BaseException:  # cancelled, too: nothing may be left behind
            await self._end(link, client)
            raise
        client.has = connection
        client.task = asyncio.create_task(self._follow(link, interface, client))
        return connection

    async def end(self, link: str) -> None:
        """Give the address back. Never raises; a link without a client is fine."""
        if client := self._clients.get(link):
            await self._end(link, client)

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

    async def _follow(self, link: str, interface: str, client: _Client) -> None:
        async for connection in client.lease.changes():
            if connection:
                client.has = replace(connection, metered=True)
                self._tell(ConnectionChanged(link, client.has))
            else:
                sentence = f"the DHCP lease of {interface} is lost; the modem may have hung up"
                self._tell(Lost(link, Reason.NO_ADDRESS, sentence))


async def _first(lease: Lease, limit: float) -> Connection:
    try:
        async with asyncio.timeout(limit):
            return replace(await lease.acquire(), metered=True)
    except TimeoutError:
        sentence = f"the modem gave no address within {limit:g} s"
        raise ConnectError(Reason.NO_ADDRESS, sentence) from None


@dataclass(slots=True)
class _Client:
    """The DHCP client of a link; `task` waits for its first lease, later for its changes."""

    lease: Lease
    task: asyncio.Task[Any] | None = None
    has: Connection | None = None
    unwanted: bool = False  #: `end` has begun
    ending: asyncio.Lock = field(default_factory=asyncio.Lock)

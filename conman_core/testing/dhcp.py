"""A DHCP client that finds what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from ipaddress import IPv4Address, IPv4Interface
from typing import TYPE_CHECKING

from conman_core.errors import ConnectError
from conman_core.model import Address, Connection, Family

if TYPE_CHECKING:
    from conman_core.testing.fakes import FakeContext

#: As a step of `script_dhcp`: no server answers.
SILENCE = "silence"
_RELEASE_TURNS = 3  #: of the event loop: a real one takes its time, too
DhcpStep = Connection | ConnectError | str


def lease_on(interface: str, host: int = 20) -> Connection:
    """Return a lease as a usual home router gives it: 192.0.2.<host>/24 for an hour."""
    router = IPv4Address("192.0.2.1")
    return Connection(
        interface,
        (Address(IPv4Interface(f"192.0.2.{host}/24"), 3600.0, 3600.0),),
        {Family.IPV4: router},
        (router,),
    )


class FakeLease:
    """A DHCP client. The test may `renew` or `lose` its lease; see FakeContext.script_dhcp."""

    def __init__(self, context: FakeContext, interface: str) -> None:
        self.interface = interface
        self.running = False
        self._context = context
        self._changes: asyncio.Queue[Connection | None] = asyncio.Queue()

    async def acquire(self) -> Connection:
        if any(lease.running for lease in self._context.leases_on(self.interface)):
            self._context.complain(f"a second DHCP client was started on {self.interface}")
        self.running = True
        try:
            await asyncio.sleep(0)
            step = self._context.next_dhcp_step(self.interface)
            if isinstance(step, ConnectError):
                raise step
            while isinstance(step, str):  # SILENCE
                await asyncio.Event().wait()
            await asyncio.sleep(0)
            return step
        except BaseException:
            self.running = False
            raise

    async def changes(self) -> AsyncIterator[Connection | None]:
        while self.running:
            change = await self._changes.get()
            if self.running:
                yield change

    async def release(self) -> None:
        for _ in range(_RELEASE_TURNS):
            await asyncio.sleep(0)
        self.running = False
        self._changes.put_nowait(None)

    def renew(self, connection: Connection) -> None:
        """Let the server give another lease."""
        self._changes.put_nowait(connection)

    def lose(self) -> None:
        """Let the lease run out."""
        self._changes.put_nowait(None)

"""One radio as a client: which networks it sees, and which it is in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from conman_core import ConnectError, Connection, DriverContext, Lost, Reason
from conman_core.model import DriverEvent, Retry
from conman_plugins.wifi.choice import Candidate, candidates
from conman_plugins.wifi.country import checked
from conman_plugins.wifi.knownfile import KnownFile
from conman_plugins.wifi.looking import scan
from conman_plugins.wifi.machine import Machine
from conman_plugins.wifi.membership import Membership
from conman_plugins.wifi.memory import Memory
from conman_plugins.wifi.network import Network
from conman_plugins.wifi.sight import Sight
from conman_plugins.wifi.supplicant import Supplicant

T = TypeVar("T")

#: the looks until a network is not there, as one may miss it; True: it is asked for by its name
_LOOKS, _HIDDEN_LOOKS = (False, False, True), (False, True, True)
_LATEST = 2.0  #: seconds that the core takes at most to act on an event


class Station:
    """The radio `interface` for the link called `link`. `tell` takes what it notices by itself."""

    def __init__(
        self,
        context: DriverContext,
        link: str,
        interface: str,
        *,
        known: KnownFile,
        memory: Memory,
        machine: Machine,
        tell: Callable[[DriverEvent], None],
    ) -> None:
        self.interface = interface
        self.known = known
        self.radio = machine.radio(interface)
        self.supplicant = Supplicant(context, interface, self._ended)
        self.turn = asyncio.Lock()  #: whoever moves the radio holds it
        self.sight = Sight(context, link, self.supplicant, known, memory)
        self._context = context
        self._link = link
        self._machine = machine
        self._tell = tell
        self._member: Membership | None = None
        self._ready: Connection | None = None  #: of a network that was tried out and is joined
        self._trying = False  #: a trial has the radio
        self._late = 0.0  #: until then a disconnect may be a late answer to the trial's begin
        self._works: set[asyncio.Task[Any]] = set()  #: that a trial may end
        self._trials: set[asyncio.Task[Any]] = set()
        self._leaving: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def network(self) -> Network | None:
        """The network that the radio is in."""
        joined = self._member and self._member.joined and self.supplicant.running
        return self._member.network if self._member and joined else None

    # -- what the core asks for

    async def connect(self) -> Connection:
        """Join the best known network in sight and get an address there. Raises ConnectError."""
        connection = await self._apart(self._connect(), self._works, self._leave)
        if not self.network:  # gone, or taken by a trial, between its end and now
            raise ConnectError(Reason.LOST, f"{self.interface} lost its network at once")
        return connection

    async def give_way(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something that a trial may cut short. Raises ConnectError if that happened."""
        await self._apart(work, self._works, name=f"driver:look {self.interface}")

    async def _apart(
        self,
        work: Coroutine[Any, Any, T],
        tasks: set[asyncio.Task[Any]],
        undo: Callable[[], Awaitable[None]] | None = None,
        name: str | None = None,
    ) -> T:
        """Do something in a task of its own, so that who needs the radio can have it at once."""
        task = asyncio.create_task(work, name=name)
        tasks.add(task)
        task.add_done_callback(tasks.discard)
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled() and not task.exception() and undo:  # it had just succeeded
                await undo()
            raise
        if task.cancelled():
            why = "is not used any more" if self._closed else "is needed to try a network out"
            raise ConnectError(Reason.LOST, f"{self.interface} {why}")
        return task.result()

    async def _connect(self) -> Connection:
        async with self.turn:
            ready, self._ready = self._ready, None
            if ready and self.network:
                return ready
            await self._leave()
            await self.start()
            failure: ConnectError | None = None
            for candidate in await self.sight.look():
                try:
                    return await self._enter(candidate)
                except ConnectError as error:
                    self.sight.failed.add(candidate.network.ssid)
                    failure = failure or error
                    if not self.supplicant.running:
                        break
            if failure:
                raise failure
            raise ConnectError(Reason.NOT_FOUND, self.sight.why_none())

    async def disconnect(self) -> None:
        """Leave the network; the radio goes on looking around."""
        if self._trying or (self._ready and asyncio.get_running_loop().time() < self._late):
            return  # it is about the network that the trial took the radio from
        self._ready = None
        await self._leave()

    async def try_out(self, network: Network) -> Network:
        """Join a network that is not known yet; what is known stays as it is. Raises ConnectError.

        Returns it as it was found: hidden only if nobody sees it who does not ask for its name. If
        it works the next `connect` returns the connection. Else the radio goes back to what it did
        before.
        """
        for task in self._works:
            task.cancel()
        return await self._apart(self._try_out(network), self._trials, self._leave)

    async def _try_out(self, network: Network) -> Network:
        async with self.turn:
            self._trying = True
            try:
                if self.network:
                    self._tell(Lost(self._link, Reason.LOST, f"{network.name} is tried out"))
                await self._leave()
                await self.start()
                found = await self._find(network)
                self._ready = await self._enter(found)
                return found.network
            finally:
                self._trying = False
                self._late = asyncio.get_running_loop().time() + _LATEST
                self._tell(Retry(self._link, f"{network.name} was tried out"))

    async def _find(self, network: Network) -> Candidate:
        for hidden in _HIDDEN_LOOKS if network.hidden else _LOOKS:
            asked = [network.ssid] if hidden else []
            cells = await scan(self.supplicant, (), asked)
            if found := candidates([replace(network, hidden=hidden)], cells):
                return found[0]
        sentence = f"{network.name} was not found: check its name, and that it is near"
        raise ConnectError(Reason.NOT_FOUND, sentence)

    async def lend(self) -> None:
        """Let go of the radio: nobody looks around with it until it is needed again."""
        for task in self._works:
            task.cancel()
        async with self.turn:
            self._ready = None
            await self._leave()
            await self.supplicant.stop()

    async def restart(self, between: Callable[[], None] | None = None) -> None:
        """Start wpa_supplicant anew, and do something while it is down. Raises ConnectError."""
        async with self.turn:
            network = self.network
            await self._leave()
            await self.supplicant.stop()
            if between:
                between()
            if network:
                sentence = f"its radio is started anew; {network.name} is joined again"
                self._tell(Lost(self._link, Reason.LOST, sentence))
            await self.start()

    async def close(self) -> None:
        """End everything. Never raises."""
        self._closed = True
        for task in self._works | self._trials:
            task.cancel()
        await self._leave()
        await self.supplicant.stop()  # whoever works with it gives up
        async with self.turn:
            await self._leave()
            await self.supplicant.stop()

    # -- joining and leaving

    async def _enter(self, candidate: Candidate) -> Connection:
        member = Membership(self._context, self._link, self.supplicant, candidate, self._tell)
        try:
            connection = await member.enter()
        finally:
            self._member = member
            if not member.entered:
                await self._leave()
        self.sight.joined(candidate)
        return connection

    async def _leave(self) -> None:
        """Leave to the end, even if cancelled; and wait for who leaves already."""
        member, self._member = self._member, None
        if member:
            self._leaving = asyncio.create_task(member.leave())
        if self._leaving:
            await asyncio.shield(self._leaving)

    def _ended(self, sentence: str) -> None:
        if self._member and self._member.joined:
            self._tell(Lost(self._link, Reason.LOST, f"{sentence}; it is started again"))

    # -- the radio

    async def start(self) -> None:
        """Make the radio ready to look around. Raises ConnectError."""
        if busy := self._machine.rival(self.interface):
            raise ConnectError(Reason.BUSY, busy)
        self.radio.switch_on()
        if not self._closed:
            await self.supplicant.start(self._country())
        if self._closed:
            await self.supplicant.stop()
            raise ConnectError(Reason.LOST, f"{self.interface} is not used any more")

    def _country(self) -> str:
        country = self._context.settings["country"] or self.sight.listed().country
        return checked(str(country or self.radio.country()), self.interface)

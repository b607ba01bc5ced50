"""Being in one network: joining it, having an address there, and noticing its loss."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any

from conman_core import ConnectError, Connection, ConnectionChanged, DriverContext, Lost, Reason
from conman_core.driver import Lease
from conman_core.model import DriverEvent
from conman_plugins.wifi.choice import Candidate
from conman_plugins.wifi.events import Connected, Disconnected, Event, TempDisabled, reason_words
from conman_plugins.wifi.joining import Attempt, Step
from conman_plugins.wifi.network import settings
from conman_plugins.wifi.supplicant import Supplicant

JOIN_LIMIT = 25.0  #: seconds for one network: two tries of a wrong key take 10 s
REJOIN_LIMIT = 4.0  #: after a break wpa_supplicant gets so long to find the network again
LONGEST_DHCP = 120.0
_DEFAULT_DHCP = 30.0


class Membership:
    """The one network that a radio is in; `enter` it first. `tell` takes what happens to it."""

    def __init__(
        self,
        context: DriverContext,
        link: str,
        supplicant: Supplicant,
        candidate: Candidate,
        tell: Callable[[DriverEvent], None],
    ) -> None:
        self.network = candidate.network
        self.joined = False
        self.entered = False  #: joined, and with an address
        self._candidate = candidate
        self._context = context
        self._link = link
        self._supplicant = supplicant
        self._tell = tell
        self._lease: Lease | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def enter(self) -> Connection:
        """Join and get an address. Raises ConnectError; then, or if cancelled, `leave` it."""
        if self._candidate.misfit:
            raise ConnectError(Reason.REJECTED, self._candidate.misfit)
        await self._join()
        connection = await self._acquire()
        self.entered = True
        return connection

    async def leave(self) -> None:
        """Give up address and network. Never raises; may come twice."""
        lease, self._lease, self.joined = self._lease, None, False
        for task in list(self._tasks):
            task.cancel()
        if lease:
            await lease.release()
        with contextlib.suppress(ConnectError):  # then there is nobody left to take down
            if self._supplicant.running:
                await self._supplicant.order("DISCONNECT")
                await self._supplicant.order("REMOVE_NETWORK all")

    # -- joining

    async def _join(self) -> None:
        policy = self._context.settings["security"]
        pairs = settings(self.network, self._candidate.offers, policy)
        number = await self._supplicant.add(pairs)
        attempt = Attempt(self.network.name)
        with self._supplicant.listen() as events:
            await self._supplicant.order(f"SELECT_NETWORK {number}")
            try:
                async with asyncio.timeout(JOIN_LIMIT):
                    while (step := attempt.take(await self._next(events))) is not Step.JOINED:
                        if step is Step.PUSH:
                            await self._supplicant.order(f"SELECT_NETWORK {number}")
                        elif step is Step.FAILED and attempt.failure:
                            raise ConnectError(attempt.failure.reason, attempt.failure.sentence)
            except TimeoutError:
                failure = attempt.gave_up(JOIN_LIMIT)
                raise ConnectError(failure.reason, failure.sentence) from None
        self.joined = True
        self._spawn(self._watch())
        await self._supplicant.order(f"SET ps {int(self._context.settings['power-save'])}")

    async def _next(self, events: asyncio.Queue[Event | None]) -> Event:
        event = await events.get()
        if event is None:
            what = f"wpa_supplicant ended while it joined {self.network.name}"
            raise ConnectError(Reason.LOST, what)
        return event

    async def _acquire(self) -> Connection:
        lease = self._lease = self._context.dhcp(self._supplicant.interface)
        limit = min(self._context.settings["dhcp-timeout"] or _DEFAULT_DHCP, LONGEST_DHCP)
        try:
            async with asyncio.timeout(limit):
                connection = await lease.acquire()
        except TimeoutError:
            sentence = f"joined {self.network.name}, but its router gave no address"
            raise ConnectError(Reason.NO_ADDRESS, f"{sentence} within {limit:g} s") from None
        self._spawn(self._follow(lease))
        return connection

    # -- while joined

    async def _watch(self) -> None:
        """Follow what happens to the network; tell when it stays away."""
        with self._supplicant.listen() as events:
            while (event := await events.get()) is not None:
                if not isinstance(event, Disconnected):
                    continue
                why = await self._stays_away(events, reason_words(event.reason))
                if why:
                    self.joined = False
                    sentence = f"{self.network.name} is lost: {why}; known networks are looked for"
                    self._tell(Lost(self._link, Reason.LOST, sentence))
                    return

    async def _stays_away(self, events: asyncio.Queue[Event | None], why: str) -> str:
        """Give wpa_supplicant time to join again; empty if it did, else what it said last."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(REJOIN_LIMIT):
                while True:
                    match await events.get():
                        case Connected():
                            return ""
                        case TempDisabled(reason="WRONG_KEY"):
                            return "it refuses the key now"
                        case Disconnected(reason=code):
                            why = reason_words(code)
                        case None:
                            return why
        return why

    async def _follow(self, lease: Lease) -> None:
        async for connection in lease.changes():
            if connection:
                self._tell(ConnectionChanged(self._link, connection))
            else:
                sentence = f"the router of {self.network.name} does not renew the address"
                self._tell(Lost(self._link, Reason.NO_ADDRESS, sentence))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

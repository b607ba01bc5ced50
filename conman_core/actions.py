"""What is done to one link: connecting, disconnecting, checking; each a task whose end is an event.

Nothing here waits on the caller's behalf: drivers, checks and children may take their time.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from conman_core import track as t
from conman_core.entry import Entry
from conman_core.errors import ConnectError, DriverBug, SystemFault
from conman_core.guard import Guard
from conman_core.model import Connection, Reason
from conman_core.network import Network
from conman_core.reach import Checker, PathMemory, Targets
from conman_core.track import Held

log = logging.getLogger(__name__)


class Actions:
    """Starts and ends the tasks of links. `poke` is called after everything that changed one."""

    def __init__(
        self,
        network: Network,
        targets: Callable[[str], Targets],
        clock: Callable[[], float],
        poke: Callable[[], None],
    ) -> None:
        self.network = network
        self._targets = targets
        self._clock = clock
        self._poke = poke
        self._checker = Checker()
        self._tasks: set[asyncio.Task[None]] = set()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a fault of conman itself, please report it: %s", error, exc_info=error)
        self._poke()

    # -- connecting

    def connect(self, entry: Entry) -> None:
        """Start to connect a link."""
        entry.track = t.attempt(entry.track, self._clock())
        entry.connecting = self._spawn(self._connect(entry))

    async def _connect(self, entry: Entry) -> None:
        try:
            entry.ours = False
            if entry.link.interface is not None:
                await self.network.prepare(entry.link.interface)
                entry.ours = True
                self.sync_carrier(entry)
                self._adopt(entry, entry.link.interface)
            connection = await entry.guard.connect(entry.link)
            if entry.link.interface is None:
                await self.network.prepare(connection.interface)
                entry.ours = True
        except (ConnectError, DriverBug, SystemFault) as error:
            entry.connecting = None
            reason = error.reason if isinstance(error, ConnectError) else Reason.BROKEN
            entry.track = t.attempt_failed(entry.track, self._clock(), reason, str(error))
        else:
            entry.connecting = None
            self.connected(entry, connection)

    def _adopt(self, entry: Entry, interface: str) -> None:
        """Take over, once, what is on the interface already: it may well work."""
        if entry.adopted or entry.connection is not None:
            return
        entry.adopted = True
        entry.connection = self.network.found(interface)
        if entry.connection is not None:
            entry.track = t.connected(entry.track, Held.ADOPTED)
            self._poke()

    def connected(self, entry: Entry, connection: Connection) -> None:
        """Take a connection that the driver described, new or changed."""
        same = entry.connection is not None and _path(entry.connection) == _path(connection)
        entry.connection = connection
        entry.track = t.connected(entry.track, Held.OWN, same=same)
        entry.track = replace(entry.track, metered=entry.metered)
        self.sync_carrier(entry)
        if not same:
            self.stop_checking(entry)
            entry.memory = PathMemory()
        self._poke()

    def sync_carrier(self, entry: Entry) -> None:
        """Take the carrier from the kernel's present state of the link's interface."""
        state = self.network.interface(entry.interface) if entry.interface else None
        if state is None:
            return
        if not (state.up and state.carrier):
            self.stop_checking(entry)
        entry.track = t.carrier(entry.track, self._clock(), state.up and state.carrier)

    # -- disconnecting

    def drop(self, entry: Entry, reason: Reason | None = None, sentence: str = "") -> None:
        """End a link's connection, or its attempt: lost if there is a reason, else on purpose.

        The driver ends its side first, as it may have to say good-bye over the link; meanwhile
        the link counts as busy. A lost link carries no traffic from this moment on.
        """
        interface = entry.interface if entry.metric is not None else None
        for task in (entry.connecting, entry.checking):
            if task is not None:
                task.cancel()
        if interface is not None and reason is not None:
            self.network.unconfigure(interface)
        entry.checking = None
        entry.connection = entry.configured = entry.metric = entry.finding = None
        now = self._clock()
        entry.track = t.disconnected(entry.track, now, reason, sentence)
        entry.track = replace(entry.track, checking=False, attempt_started=now)
        entry.connecting = self._spawn(self._disconnect(entry, entry.guard, interface))

    async def _disconnect(self, entry: Entry, guard: Guard, interface: str | None) -> None:
        try:
            await guard.disconnect(entry.link)
        finally:
            if interface is not None:
                self.network.unconfigure(interface)
            if entry.connecting is asyncio.current_task():
                entry.connecting = None
                entry.track = replace(entry.track, attempt_started=None)

    # -- checking

    def check(self, entry: Entry) -> None:
        """Start a round of checks."""
        entry.track = t.round_began(entry.track, self._clock())
        entry.checking = self._spawn(self._check(entry))

    def stop_checking(self, entry: Entry) -> None:
        """Forget a round that is under way: what it checks is not there any more."""
        if entry.checking is not None:
            entry.checking.cancel()
            entry.checking = None
        entry.track = replace(entry.track, checking=False)

    async def _check(self, entry: Entry) -> None:
        if entry.connection is None:
            return
        targets = self._targets(entry.link.driver)
        connection = replace(entry.connection, metered=entry.metered)
        finding = await self._checker.check(connection, targets, entry.memory)
        if entry.checking is asyncio.current_task():
            entry.checking, entry.finding, entry.memory = None, finding, finding.memory
            now = self._clock()
            entry.track = t.round_ended(entry.track, now, finding.verdict, finding.sentence)

    # -- configuring

    def configure(self, entry: Entry, metric: int) -> None:
        """Bring the kernel to what the link's connection and metric say."""
        connection = entry.connection
        if connection is None:
            return
        try:
            if entry.configured != connection:
                self.network.configure(connection, metric)
            elif entry.metric != metric:
                self.network.set_metric(connection.interface, metric)
        except SystemFault as fault:
            entry.metric = metric  # whatever of it is in the kernel has to go
            self.drop(entry, Reason.LOST, str(fault))
            failed = replace(entry.track, failures=entry.track.failures + 1)
            entry.track = replace(failed, retry_at=self._clock() + t.back_off(failed))
        else:
            entry.configured, entry.metric = connection, metric


def _path(connection: Connection) -> tuple[object, ...]:
    """Return what decides where packets go: not lifetimes, which every renewal changes."""
    return (
        connection.interface,
        frozenset(address.interface for address in connection.addresses),
        tuple(connection.gateways.items()),
    )

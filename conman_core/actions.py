"""What is done to one link: connecting, disconnecting, checking; each a task whose end is an event.

Nothing here waits on the caller's behalf: drivers, checks and children may take their time. And no
end of a task, foreseen or not, may leave a link marked as busy: it would be left alone for ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from conman_core import track as t
from conman_core.causes import reason_of, repairable, report
from conman_core.entry import Entry
from conman_core.errors import ConnectError, DriverBug, SystemFault
from conman_core.guard import Guard
from conman_core.model import Connection, Link, Reason, Verdict
from conman_core.network import Network
from conman_core.reach import Checker, Finding, PathMemory, Targets
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
        #: gives the links in use on an interface; set by the roster
        self.links_on: Callable[[str], list[Entry]] = lambda _: []
        self._targets = targets
        self._clock = clock
        self._poke = poke
        self._checker = Checker()
        self._tasks: set[asyncio.Task[None]] = set()
        self._leaving: dict[str, asyncio.Task[None]] = {}  # by interface

    async def close(self) -> None:
        """End all that is under way."""
        tasks = set(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=1.0)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that ends with conman; whatever its end is, the links are looked at then."""
        task = asyncio.create_task(work)
        self._tasks.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            report(error)
        self._poke()

    # -- connecting

    def connect(self, entry: Entry) -> None:
        """Start to connect a link."""
        if entry.track.occupied:
            return
        entry.track = t.attempt(entry.track, self._clock())
        entry.connecting = self.spawn(self._connect(entry))

    async def _connect(self, entry: Entry) -> None:
        try:
            connection = await self._bring_up(entry, entry.link)
        except (ConnectError, DriverBug, SystemFault) as error:
            self._failed(entry, reason_of(error), str(error), curable=repairable(error))
        except asyncio.CancelledError:
            if entry.connecting is asyncio.current_task():  # it is not `drop` that ended it
                self._failed(entry, Reason.TIMEOUT, "connecting was cut short", curable=False)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the link is tried again
            report(error)
            sentence = f"conman failed: {type(error).__name__}: {error}"
            self._failed(entry, Reason.BROKEN, sentence, curable=False)
        else:
            entry.connecting = None
            self.connected(entry, connection)

    def _failed(self, entry: Entry, reason: Reason, sentence: str, *, curable: bool) -> None:
        entry.connecting, now = None, self._clock()
        entry.track = t.attempt_failed(entry.track, now, reason, sentence, repairable=curable)

    async def _bring_up(self, entry: Entry, link: Link) -> Connection:
        entry.ours = False
        if link.interface is not None:
            await self._make_ready(entry, link.interface)
            self.sync_carrier(entry)
            self._adopt(entry, link.interface)
        connection = await entry.guard.connect(link)
        try:
            if link.interface is None:
                await self._make_ready(entry, connection.interface)
            self._must_be_free(entry, connection.interface)
        except (ConnectError, SystemFault):
            await entry.guard.disconnect(link)
            raise
        return connection

    async def _make_ready(self, entry: Entry, interface: str) -> None:
        while (leaving := self._leaving.get(interface)) is not None:
            await asyncio.wait({leaving})  # another link still ends its connection there
        self._must_be_free(entry, interface)
        await self.network.prepare(interface)
        entry.ours = True

    def _must_be_free(self, entry: Entry, interface: str) -> None:
        """Raise ConnectError if another link has its connection on an interface.

        Each would take the other's routes for stale ones of its own.
        """
        for other in self.links_on(interface):
            if other is not entry and other.connection is not None:
                raise ConnectError(Reason.BUSY, f"{interface} is used as {other.link.name}")

    def _adopt(self, entry: Entry, interface: str) -> None:
        """Take over, once, what is on the interface already: it may well work."""
        if entry.adopted or entry.connection is not None:
            return
        entry.adopted = True
        entry.connection = self.network.found(interface)
        if entry.connection is not None:
            entry.track = t.connected(entry.track, Held.ADOPTED)
            self._poke()

    def changed(self, entry: Entry, connection: Connection) -> None:
        """Take a connection in place of the one that the link has."""
        fixed, wanted = entry.link.interface, connection.interface
        try:
            if fixed is not None and wanted != fixed:
                raise ConnectError(Reason.BROKEN, f"the link is on {fixed}, not on {wanted}")
            self._must_be_free(entry, wanted)
        except ConnectError as error:
            log.warning("%s: a changed connection is passed over: %s", entry.link.name, error)
        else:
            self.connected(entry, connection)

    def connected(self, entry: Entry, connection: Connection) -> None:
        """Take a connection that the driver described, new or changed."""
        before = entry.connection
        same = before is not None and _path(before) == _path(connection)
        if before is not None and before.interface != connection.interface:
            self.network.unconfigure(before.interface)
            entry.configured = entry.metric = None
        entry.connection, entry.metered_found = connection, connection.metered
        entry.track = t.connected(entry.track, Held.OWN, same=same)
        entry.track = replace(entry.track, metered=entry.metered)
        self.sync_carrier(entry)
        if not same:
            self.stop_checking(entry)
            entry.memory = PathMemory()
        self._poke()

    def sync_carrier(self, entry: Entry) -> None:
        """Take the carrier from the kernel's present state of the link's interface."""
        name = entry.interface
        state = self.network.interface(name) if name else None
        if state is None:
            return
        if not (state.up and state.carrier):
            self.stop_checking(entry)
        why = t.NO_SIGNAL if state.up else f"{name} is down; set it up with: ip link set {name} up"
        entry.track = t.carrier(entry.track, self._clock(), state.up and state.carrier, why)

    # -- disconnecting

    def drop(self, entry: Entry, reason: Reason | None = None, sentence: str = "") -> None:
        """End a link's connection, or its attempt: lost if there is a reason, else on purpose.

        The driver ends its side first, as it may have to say good-bye over the link; nothing else
        is begun before that. A lost link carries no traffic from this moment on.
        """
        if entry.track.leaving:
            entry.track = replace(entry.track, reason=reason, sentence=sentence)
            return
        interface, configured = entry.interface, entry.metric is not None
        for task in (entry.connecting, entry.checking):
            if task is not None:
                task.cancel()
        if interface is not None and configured and reason is not None:
            self.network.unconfigure(interface)
            configured = False
        entry.checking = None
        entry.connection = entry.configured = entry.metric = entry.finding = None
        entry.track = t.disconnected(entry.track, self._clock(), reason, sentence)
        entry.track = replace(entry.track, checking=False, leaving=True)
        entry.connecting = self.spawn(
            self._disconnect(entry, entry.guard, entry.link, interface if configured else None)
        )
        if interface is not None:
            self._leaving[interface] = entry.connecting

    async def _disconnect(
        self, entry: Entry, guard: Guard, link: Link, configured: str | None
    ) -> None:
        try:
            await guard.disconnect(link)
        finally:
            if configured is not None:
                self.network.unconfigure(configured)
            for interface in [i for i, task in self._leaving.items() if task is entry.connecting]:
                del self._leaving[interface]
            entry.connecting = None
            entry.track = replace(entry.track, leaving=False)

    # -- checking

    def check(self, entry: Entry) -> None:
        """Start a round of checks."""
        if entry.connection is not None:
            entry.track = t.round_began(entry.track, self._clock())
            entry.checking = self.spawn(self._check(entry, entry.connection))

    def stop_checking(self, entry: Entry) -> None:
        """Forget a round that is under way: what it checks is not there any more."""
        if entry.checking is not None:
            entry.checking.cancel()
            entry.checking = None
        entry.track = replace(entry.track, checking=False)

    async def _check(self, entry: Entry, connection: Connection) -> None:
        connection = replace(connection, metered=entry.metered)
        try:
            targets = self._targets(entry.link.driver)
            finding = await self._checker.check(connection, targets, entry.memory)
        except Exception as error:  # noqa: BLE001 - a link that is checked no more would die unseen
            report(error)
            sentence = f"conman failed to check it: {type(error).__name__}: {error}"
            finding = Finding(Verdict.LIMITED, sentence)
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
        else:
            entry.configured, entry.metric = connection, metric


def _path(connection: Connection) -> tuple[object, ...]:
    """Return what decides where packets go: not lifetimes, which every renewal changes."""
    return (
        connection.interface,
        frozenset(address.interface for address in connection.addresses),
        tuple(connection.gateways.items()),
    )

"""Carries out what the scheduler decides, and feeds it what happens.

One loop: events change the tracks, `decide` looks at all of them, its actions are started as
tasks, whose ends are events again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from conman_core.actions import Actions
from conman_core.driver import Store
from conman_core.entry import Entry
from conman_core.herald import Herald
from conman_core.logbook import Logbook
from conman_core.network import Network
from conman_core.reach import Targets
from conman_core.repairs import Repairs
from conman_core.roster import Roster
from conman_core.schedule import Decision, Moment, Policy, Situation, decide
from conman_core.trafficwatch import Count, TrafficWatch, counters_of

if TYPE_CHECKING:
    from conman_core.usage import Seen
    from conman_core.usagewatch import UsageWatch


class Engine:
    """All links of the machine. To be used from one event loop."""

    def __init__(
        self,
        network: Network,
        policy: Policy,
        targets: Callable[[str], Targets],
        herald: Herald,
        logbook: Logbook,
        *,
        clock: Callable[[], float] = time.monotonic,
        counters: Count = counters_of,
        usage: Store | None = None,
        count: Callable[[str], Seen | None] | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.policy = policy
        self.network = network
        self.herald = herald
        self.clock = clock
        self.situation = Situation(started=clock(), lost=(clock(), clock()))
        self.starting = True  #: until all drivers have told which links there are
        self._online = False  #: some link was verified when last looked at
        self.after_step: list[Callable[[], None]] = []  #: called when all links were looked at
        self._served: tuple[object, ...] = ()  #: what names and foreign routes were set for
        self._poked = asyncio.Event()
        self.actions = Actions(network, targets, clock, self.poke)
        self.roster = Roster(self.actions, clock, logbook.ladder)
        self.traffic = TrafficWatch(self.roster.in_use, self.poke, clock, counters)
        self.usage: UsageWatch | None = None  #: made when there is a link that it has to count
        self._usage_store, self._count, self._wall = usage, count, wall
        self.repairs = Repairs(self.roster.entries, self.actions, logbook, herald, clock)

    @property
    def entries(self) -> dict[str, Entry]:
        """All links that were ever offered, by name."""
        return self.roster.entries

    def moment(self) -> Moment:
        """Return the links in use as the scheduler sees them now."""
        tracks = [entry.track for entry in self.roster.in_use()]
        return Moment(tracks, self.situation, self.policy, self.clock())

    async def close(self) -> None:
        """End what is under way; connections stay as they are."""
        if self.usage:
            self.usage.close()
        await self.actions.close()

    def poke(self) -> None:
        """Decide again: something has changed."""
        self._poked.set()

    async def run(self) -> None:
        """Decide and act until cancelled."""
        while True:
            await asyncio.sleep(0)  # waiting for an event that is there gives nobody else a turn
            self._poked.clear()
            wake_at = self.step()
            delay = None if wake_at is None else max(wake_at - self.clock(), 0)
            try:
                async with asyncio.timeout(delay):
                    await self._poked.wait()
            except TimeoutError:
                continue

    def step(self) -> float | None:
        """Decide once and start what was decided; return when to decide again at the latest."""
        now = self.clock()
        for entry in self.roster.in_use():
            usable = entry.guard.usable(now, entry.link.name)
            entry.track = replace(entry.track, callable=usable)
        self._hurry()
        self._look_at_usage()
        tracks = [entry.track for entry in self.roster.in_use()]
        decision = decide(tracks, self.situation, self.policy, now)
        self.situation = decision.situation
        self._configure(decision)
        for name, rung in decision.recover:
            self.repairs.start(self.entries[name], rung)
        for name in decision.elsewhere:
            self.repairs.look_elsewhere(self.entries[name])
        for name in decision.connect:
            self.actions.connect(self.entries[name])
        for name in decision.disconnect:
            why = self.entries[name].track.spent or "it is metered and no longer needed"
            self.herald.say(f"{name} is disconnected: {why}")
            self.actions.drop(self.entries[name])
        for name in decision.check:
            self.actions.check(self.entries[name])
        self._serve(decision)
        self.repairs.remember()
        self.herald.tell(self.entries.values(), self.moment(), starting=self.starting)
        self.traffic.look_at_links()
        for look in tuple(self.after_step):
            look()
        if decision.connect or decision.disconnect or decision.check or decision.recover:
            self.poke()  # what was started moves the time at which the next thing is due
        return decision.wake_at

    def _hurry(self) -> None:
        """Once nothing reaches the internet any more, back-off is the wrong virtue."""
        online = any(entry.track.verified for entry in self.roster.in_use())
        if self._online and not online:
            self.roster.retry_all()
        self._online = online

    def _look_at_usage(self) -> None:
        if self.usage is None:
            if not any(entry.counts for entry in self.roster.in_use()):
                return
            # most machines have no link with a bill, and do not pay for this
            from conman_core.usagewatch import UsageWatch, bytes_of

            self.usage = UsageWatch(
                *(self.roster.in_use, self.poke, self.herald, self._usage_store, self.clock),
                wall=self._wall,
                count=self._count or bytes_of,
            )
            self.actions.spawn(self.usage.run())
        self.usage.look_at_links()

    def _configure(self, decision: Decision) -> None:
        # The lowest metric first: the link that takes over has its routes before another gives up.
        for name, metric in sorted(decision.metrics.items(), key=lambda item: item[1]):
            self.actions.configure(self.entries[name], metric)

    def _serve(self, decision: Decision) -> None:
        entry = self.entries.get(decision.uplink or "")
        served: tuple[object, ...] = (decision.uplink, frozenset(decision.metrics))
        if entry is not None and entry.connection is not None:
            served = (*served, entry.track.verified, entry.connection.dns)
        if served != self._served:
            self._served = served
            self.use_uplink()

    async def look_for_owners(self) -> None:
        """Note other programs that have come to manage the interfaces of working links."""
        for entry in self.roster.in_use():
            if entry.connection is not None and entry.ours and entry.interface:
                await self.network.look_for_owner(entry.interface)

    def use_uplink(self) -> None:
        """Point names, and the routes of others on our interfaces, at the uplink."""
        entry = self.entries.get(self.situation.uplink or "")
        if entry is None or entry.connection is None:
            return
        self.network.use_dns(entry.connection.dns)
        if entry.track.verified:
            ours = (other.interface for other in self.roster.in_use() if other.ours)
            self.network.remove_foreign_defaults([name for name in ours if name])

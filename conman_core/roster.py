"""The list of links: who is on it, and what events from outside do to each."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace

from conman_core import remedies
from conman_core import track as t
from conman_core.actions import Actions
from conman_core.entry import Entry, Wishes
from conman_core.guard import Guard
from conman_core.ladder import Ladder
from conman_core.model import (
    ConnectionChanged,
    DriverEvent,
    IPInterface,
    Link,
    Lost,
    Reason,
    Retry,
)
from conman_core.offers import Settled
from conman_core.track import Held, Track

log = logging.getLogger(__name__)

MOST_ABSENT = 64  #: devices that are gone are remembered, but not without end


class Roster:
    """All links that were ever offered, by name."""

    def __init__(
        self,
        actions: Actions,
        clock: Callable[[], float],
        remembered: Callable[[str], Ladder],
    ) -> None:
        self.entries: dict[str, Entry] = {}
        self._actions = actions
        self._actions.links_on = self._on
        self._clock = clock
        self._remembered = remembered

    def in_use(self) -> list[Entry]:
        """Return the links that may carry traffic: offered, and not refused."""
        return [entry for entry in self.entries.values() if entry.present and not entry.refused]

    def offers_changed(
        self, settled: Settled, guards: Mapping[str, Guard], wishes: Callable[[str], Wishes]
    ) -> None:
        """Take the links that all drivers offer now; one that is offered no longer is gone.

        `wishes` gives the user's word on a driver's links.
        """
        for name, entry in self.entries.items():
            if entry.present and name not in settled.used and name not in settled.refused:
                used = entry.link.driver in guards
                gone, unused = f"{entry.link.device} is gone", "is not used any more"
                self._gone(entry, gone if used else f"driver {entry.link.driver} {unused}")
        for name, (link, why) in settled.refused.items():
            self._refuse(self._entry(link, guards[link.driver]), why)
            self.entries[name].link = link
        for link, rank in settled.used.values():
            entry = self._entry(link, guards[link.driver])
            if not entry.present or entry.refused:
                entry.track = t.retry_now(entry.track, self._clock())
            entry.link, entry.present, entry.refused = link, True, ""
            entry.wishes = wishes(link.driver)
            entry.track = replace(
                entry.track,
                rank=rank,
                preference=link.preference,
                metered=entry.metered,
                may_repair=entry.wishes.recover,
            )
        self._forget()

    def _entry(self, link: Link, guard: Guard) -> Entry:
        entry = self.entries.get(link.name)
        if entry is None:
            ladder = self._remembered(link.name)
            track = Track(link.name, 0, retry_at=self._clock(), ladder=ladder)
            entry = self.entries[link.name] = Entry(link, guard, track)
        elif entry.guard is not guard:  # the driver was loaded anew: its old object knows the link
            if entry.busy:
                self._actions.drop(entry)
            entry.guard = guard
            entry.track = remedies.driver_renewed(entry.track)
        return entry

    def _refuse(self, entry: Entry, why: str) -> None:
        if entry.busy:
            self._actions.drop(entry)
        entry.present, entry.refused = True, why

    def _gone(self, entry: Entry, sentence: str) -> None:
        if entry.busy:
            self._actions.drop(entry, Reason.NO_DEVICE, sentence)
        entry.present, entry.refused = False, ""
        entry.track = replace(entry.track, reason=Reason.NO_DEVICE, sentence=sentence)

    def _forget(self) -> None:
        absent = [name for name, entry in self.entries.items() if not entry.present]
        for name in absent[:-MOST_ABSENT]:
            entry = self.entries[name]
            if not entry.busy and entry.repairing is None:
                del self.entries[name]

    # -- what happens

    def interface_changed(self, name: str, *, came_up: bool) -> None:
        """Take a change of an interface's state; setting it down made the kernel drop routes."""
        for entry in self._on(name):
            self._actions.sync_carrier(entry)
            if came_up:
                entry.configured = None

    def interface_gone(self, name: str) -> None:
        """Take the news that an interface exists no more."""
        for entry in self._on(name):
            if entry.connection is not None or entry.track.attempt_started is not None:
                self._actions.drop(entry, Reason.NO_DEVICE, f"{name} was unplugged")

    def configuration_lost(self, name: str) -> None:
        """Configure an interface again: something of ours may be missing there."""
        for entry in self._on(name):
            entry.configured = None

    def address_gone(self, name: str, address: IPInterface, reason: Reason) -> bool:
        """Take the removal of an address; return whether it was a link's.

        One that was only found there has expired; one of a living lease was removed by somebody
        and comes back.
        """
        hit = False
        for entry in self._on(name):
            connection = entry.connection
            if connection and address in {known.interface for known in connection.addresses}:
                hit = True
                entry.configured = None
                if entry.track.held is Held.ADOPTED:
                    self._actions.drop(entry, reason, f"the address {address} has expired")
        return hit

    def route_gone(self, name: str, metric: int) -> bool:
        """Take the removal of a route of ours; return whether it was one in use."""
        entries = [entry for entry in self._on(name) if entry.metric == metric]
        for entry in entries:
            entry.configured = None
        return bool(entries)

    def retry_all(self) -> None:
        """Try every link that failed at once, and check every link that is not verified."""
        for entry in self.in_use():
            entry.track = t.retry_now(entry.track, self._clock())

    def _on(self, interface: str) -> list[Entry]:
        return [entry for entry in self.in_use() if entry.interface == interface]

    def driver_event(self, event: DriverEvent) -> None:
        """Take what a driver noticed. Late news of a link that is not connected counts nothing."""
        entry = self.entries.get(getattr(event, "link", ""))
        if entry is None or not entry.present or entry.refused:
            return
        match event:
            case Lost(_, reason, sentence) if entry.track.held is Held.OWN:
                self._actions.drop(entry, reason, sentence)
            case ConnectionChanged(_, connection) if entry.track.held is Held.OWN:
                self._actions.changed(entry, connection)
            case Retry(_, sentence):
                log.info("%s: %s", entry.link.name, sentence)
                entry.track = t.retry_now(entry.track, self._clock())

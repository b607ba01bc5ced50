"""Counts the bytes of links that have a bill or a limit, and tells when little of it is left."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

from conman_core import usage as u
from conman_core.driver import Store
from conman_core.entry import Entry, Limit
from conman_core.herald import Herald
from conman_core.ledger import this_boot
from conman_core.usage import Seen
from conman_core.usagebook import UsageBook

LOOK_EVERY = 2.0  #: seconds; a look reads three small files. What vanishes with ppp0 is not counted
REST = 60.0  #: seconds, while nothing flows
BELIEVE = 3600.0  #: seconds online in which a clock that is right after all would have been set
_CLOCK_IS_SET = 1_735_689_600.0  #: 2025-01-01; a clock that says less was never set
_SYSFS = Path("/sys/class/net")

Count = Callable[[str], Seen | None]


def bytes_of(interface: str, root: Path = _SYSFS) -> Seen | None:
    """Return what an interface has received and sent since it came into being."""
    folder = root / interface
    try:
        number = (folder / "ifindex").read_text().strip()  # never given twice within one boot
        ways = ("statistics/rx_bytes", "statistics/tx_bytes")
        return Seen(number, sum(int((folder / way).read_text()) for way in ways))
    except (OSError, ValueError):  # it has just gone
        return None


class UsageWatch:
    """`entries` gives the links in use; `poke` is called when one has to give way, or need not."""

    def __init__(
        self,
        entries: Callable[[], list[Entry]],
        poke: Callable[[], None],
        herald: Herald,
        store: Store | None,
        clock: Callable[[], float],
        *,
        wall: Callable[[], float] = time.time,
        count: Count = bytes_of,
        boot_id: str | None = None,
    ) -> None:
        self.book = UsageBook(store, clock)
        self._entries = entries
        self._poke = poke
        self._herald = herald
        self._clock = clock
        self._wall = wall
        self._count = count
        self._boot_id = this_boot() if boot_id is None else boot_id
        self._needed = asyncio.Event()
        self._looked_at = clock()
        self._counted: list[tuple[str, Limit]] = []
        self._behind: dict[str, float] = {}  #: seconds online with a clock in an earlier month

    def look_at_links(self) -> None:
        """Begin to count if there is a link that is worth it; to be called before links are used.

        A new link is looked up at once: it may have to give way from the start on.
        """
        entries = self._entries()
        counted = [(entry.link.name, entry.wishes.limit) for entry in entries if entry.counts]
        if counted != self._counted or self._clock() - self._looked_at >= REST:
            self._counted = counted
            self.look()
        if any(_flows(entry) for entry in entries):
            self._needed.set()

    async def run(self) -> None:
        """Count until cancelled. Costs nothing while no link with a bill is connected."""
        while True:
            await self._needed.wait()
            self.look()
            await asyncio.sleep(LOOK_EVERY)
            if not any(_flows(entry) for entry in self._entries()):
                self._needed.clear()
                self.look()

    def close(self) -> None:
        """Count to the end, and write it down."""
        self.look()
        self.book.save()

    def look(self) -> None:
        """Count what has come and gone since the last time."""
        entries = self._entries()
        online = any(entry.track.verified for entry in entries)
        passed = self._clock() - self._looked_at if online else 0.0
        self._looked_at = self._clock()
        for entry in entries:
            if entry.counts:
                self._look_at(entry, passed)
            elif entry.track.spent:
                self._free(entry, "")

    def _look_at(self, entry: Entry, passed: float) -> None:
        name, limit = entry.link.name, entry.wishes.limit
        before = self.book.usage(name)
        after = self._turned(name, before, limit.day, passed)
        seen = self._count(entry.interface or "")
        if seen is not None:
            after = u.counted(after, seen._replace(source=f"{self._boot_id}/{seen.source}"))
        after, level = u.told(after, limit)
        entry.usage = after
        if after != before:
            turned = after.month.name != before.month.name
            self.book.keep(name, after, at_once=turned or level is not None)
        if level is not None:
            self._tell(entry, after, level)
        if (spent := u.spent(after, limit)) != entry.track.spent:
            self._free(entry, spent)

    def _turned(self, name: str, usage: u.Usage, first: int, passed: float) -> u.Usage:
        now = self._wall()
        if now < _CLOCK_IS_SET:
            return usage
        month = u.month_of(date.fromtimestamp(now), first)  # local: bills are
        behind = self._behind.get(name, 0.0) + passed if month < usage.month.name else 0.0
        self._behind[name] = behind
        return u.in_month(usage, month, believe=behind >= BELIEVE)

    def _free(self, entry: Entry, spent: str) -> None:
        entry.track = replace(entry.track, spent=spent)
        self._poke()

    def _tell(self, entry: Entry, usage: u.Usage, level: int) -> None:
        name, limit = entry.link.name, entry.wishes.limit
        then = ""
        if level == max(u.LEVELS):
            then = "; it goes on (data-limit-action = warn)"
            if limit.stop:
                then = "; it is not used any more while another link works"
        reached = f"{level} % of its limit are reached"
        sentence = f"{name} has {u.sentence(usage, limit)}: {reached}{then}"
        self._herald.say(sentence, event="usage", link=name, percent=level)


def _flows(entry: Entry) -> bool:
    return entry.counts and entry.connection is not None

"""Looks at the packets of metered links and has those checked that send without an answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from conman_core.entry import Entry
from conman_core.evidence import Counters, Evidence, asked, looked
from conman_core.model import Connection

LOOK_EVERY = 1.0  #: seconds, while a metered link works; a look reads two small files
_SYSFS = Path("/sys/class/net")

Count = Callable[[str], Counters | None]


def counters_of(interface: str, root: Path = _SYSFS) -> Counters | None:
    """Return an interface's counters (Documentation/ABI/testing/sysfs-class-net-statistics)."""
    folder = root / interface / "statistics"
    try:
        return Counters(
            int((folder / "rx_packets").read_text()), int((folder / "tx_packets").read_text())
        )
    except (OSError, ValueError):  # it has just gone
        return None


@dataclass(slots=True)
class _Watched:
    connection: Connection
    evidence: Evidence = Evidence()  # noqa: RUF009 - it cannot be changed
    asked: bool = False  #: a check is due, or under way, because of its silence


class TrafficWatch:
    """`entries` gives the links in use; `poke` is called when one is to be checked."""

    def __init__(
        self,
        entries: Callable[[], list[Entry]],
        poke: Callable[[], None],
        clock: Callable[[], float],
        counters: Count,
    ) -> None:
        self._entries = entries
        self._poke = poke
        self._clock = clock
        self._counters = counters
        self._watched: dict[str, _Watched] = {}
        self._needed = asyncio.Event()

    def look_at_links(self) -> None:
        """Begin to watch if there is a link that is worth it; to be called when links changed."""
        if any(_wanted(entry) for entry in self._entries()):
            self._needed.set()

    async def run(self) -> None:
        """Watch until cancelled. Costs nothing while no metered link works."""
        while True:
            await self._needed.wait()
            entries = [entry for entry in self._entries() if _wanted(entry)]
            names = {entry.link.name for entry in entries}
            self._watched = {name: w for name, w in self._watched.items() if name in names}
            if not entries:
                self._needed.clear()
                continue
            for entry in entries:
                self._look(entry)
            await asyncio.sleep(LOOK_EVERY)

    def _look(self, entry: Entry) -> None:
        connection = entry.connection
        counters = self._counters(entry.interface or "")
        if connection is None or counters is None or entry.track.checking:
            return
        watched = self._watched.get(entry.link.name)
        if watched is None or watched.connection is not connection:
            watched = self._watched[entry.link.name] = _Watched(connection)
        if watched.asked:  # it is still verified: the check was good
            watched.asked, watched.evidence = False, asked(watched.evidence)
        now = self._clock()
        watched.evidence = looked(watched.evidence, counters, now)
        if watched.evidence.doubtful(now):
            watched.asked = True
            entry.track = replace(entry.track, round_started=None)  # a round is due
            self._poke()


def _wanted(entry: Entry) -> bool:
    return entry.track.verified and entry.metered

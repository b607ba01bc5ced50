"""What repairs each link has had: budgets and waits that survive restarts and reboots.

Times are written as seconds before, or after, the moment of writing. How long ago that was tells
the kernel's clock within one boot, else the wall clock, unless that cannot be: it may start in
1970 at every boot and jump later. Then the time that nobody knows counts little, so that budgets
hold, but not nothing, so that no wait is for ever. One case cannot be told from the passing of
time: a wall clock that was set, but days behind, and is put right across a reboot; that gives the
budgets back once.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from conman_core.driver import Store
from conman_core.errors import SystemFault
from conman_core.ladder import (
    AT_ONCE,
    LONGEST_REST,
    MOST_CLIMBS,
    MOST_STEPS,
    Climb,
    Ladder,
    lately,
)
from conman_core.ledger import this_boot

log = logging.getLogger(__name__)

MOST_LINKS = 64  #: links come and go, as USB devices get new names; the file must not grow
UNKNOWN = 900.0  #: what a time of unknown length counts, at each start
_CLOCK_IS_SET = 1_735_689_600.0  #: 2025-01-01; a clock that says less was never set
_LONGEST_NAME = 256


class Logbook:
    """The ladders of all links, on disk. `clock` is the scheduler's; belongs to one thread.

    A disk that cannot be written stops no repair: `fault` says why, and what was done is known
    until conman ends.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        boot_id: str | None = None,
    ) -> None:
        self._store = store
        self._clock, self._wall = clock, wall
        self._boot_id = this_boot() if boot_id is None else boot_id
        self.fault: str | None = None
        self._seen: dict[str, Ladder] = {}
        values = self._store.load()
        elapsed = _elapsed(values, self._boot_id, clock(), wall())
        begun = clock() - (UNKNOWN if elapsed is None else elapsed)
        self._links = dict(_ladders(values.get("links"), begun))
        if elapsed is None and self._links:
            self._save()  # or the time would not add up over several starts

    def ladder(self, link: str) -> Ladder:
        """Return what is remembered of a link by its name."""
        return self._links.get(link, Ladder())

    def keep(self, ladders: Mapping[str, Ladder]) -> None:
        """Take the ladders of all present links; what of them must last is written at once."""
        changed = False
        for link, ladder in ladders.items():
            if self._seen.get(link) is not ladder:
                changed |= self._note(link, _lasting(ladder))
        self._seen = dict(ladders)
        if changed:
            self._forget()
            self._save()

    def _note(self, link: str, ladder: Ladder) -> bool:
        if ladder == self.ladder(link):
            return False
        self._links.pop(link, None)
        if ladder != Ladder():
            self._links[link] = ladder
        return True

    def _forget(self) -> None:
        """Forget the links beyond MOST_LINKS whose latest step was longest ago."""
        if len(self._links) > MOST_LINKS:
            newest = sorted(self._links, key=lambda link: self._links[link].climbs[-1:])
            for link in newest[:-MOST_LINKS]:
                del self._links[link]

    def _save(self) -> None:
        try:
            self._store.save(self._dump())
        except SystemFault as error:
            if self.fault != str(error):
                log.warning("%s; repairs are counted only until conman ends", error)
            self.fault = str(error)
        else:
            self.fault = None

    def _dump(self) -> dict[str, Any]:
        now = self._clock()
        links = {
            link: {
                "climbs": [[round(now - at, 3), step] for at, step in lately(ladder, now)],
                "active": ladder.active,
                "step": ladder.step,
                "wait": round(max(ladder.not_before - now, 0.0), 3),
                "tops": ladder.tops,
                "worked": ladder.worked,
            }
            for link, ladder in self._links.items()
        }
        return {"boot": self._boot_id, "clock": now, "wall": self._wall(), "links": links}


def _lasting(ladder: Ladder) -> Ladder:
    """Return what of a ladder outlives conman: after a start the link is given a fresh look."""
    if ladder.bare:  # another version of the driver may have one
        return Ladder(climbs=ladder.climbs, worked=ladder.worked)
    return replace(ladder, pending=False, bare=None, sentence="")


def _elapsed(values: Mapping[str, Any], boot_id: str, now: float, wall: float) -> float | None:
    """Return the seconds since the file was written, None if nobody can tell."""
    clock, written = _number(values.get("clock")), _number(values.get("wall"))
    same_boot = bool(boot_id) and values.get("boot") == boot_id
    if same_boot and clock is not None and clock <= now:
        return now - clock
    if written is None or not _CLOCK_IS_SET <= written <= wall:
        return None
    return wall - written


def _ladders(links: Any, written: float) -> Iterator[tuple[str, Ladder]]:
    """Read what `_dump` wrote at `written`; what has another shape is passed over."""
    items = list(links.items()) if isinstance(links, dict) else []
    for link, record in items[:MOST_LINKS]:
        if isinstance(record, dict) and len(link) <= _LONGEST_NAME:
            yield link, _ladder(record, written)


def _ladder(record: Mapping[str, Any], written: float) -> Ladder:
    found = record.get("climbs")
    climbs = [_climb(item, written) for item in found] if isinstance(found, list) else []
    wait = min(_number(record.get("wait")) or 0.0, LONGEST_REST)
    return Ladder(
        climbs=tuple(sorted(climb for climb in climbs if climb)[-MOST_CLIMBS:]),
        active=record.get("active") is True,
        step=_whole(record.get("step"), MOST_STEPS - 1),
        not_before=written + wait if wait > 0 else AT_ONCE,
        tops=_whole(record.get("tops"), 100),
        worked=record.get("worked") is True,
    )


def _climb(item: Any, written: float) -> Climb | None:
    if not isinstance(item, list) or len(item) != 2:
        return None
    ago, step = _number(item[0]), _whole(item[1], MOST_STEPS - 1)
    return None if ago is None or ago < 0 else Climb(written - ago, step)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number beyond what a float holds
        return None


def _whole(value: Any, most: int) -> int:
    return min(max(value, 0), most) if type(value) is int else 0

"""The recovery ladder of one link: which step of its driver's repairs comes next, and when. Pure.

Steps are numbered as the driver counts them, from 0. Times are seconds of the scheduler's clock,
which never jumps; those of an earlier life of conman may lie before its zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

NEVER = float("inf")
AT_ONCE = float("-inf")

DAY = 86_400.0  #: budgets are for so long
#: how often each step may be taken in a day; the last number holds for all further ones. Without
#: a limit a dead line behind a healthy radio would have that radio reset for ever.
BUDGETS = (12, 4, 3, 2, 1)
MOST_STEPS = 8  #: further ones are not taken: a driver that never says False has no end else
MOST_CLIMBS = sum(BUDGETS) + (MOST_STEPS - len(BUDGETS)) * BUDGETS[-1]  #: in a day, all steps
#: how long each step may take to show effect before the next; each further one has twice as long
COOL_DOWNS = (30.0, 120.0, 600.0)
LONGEST_COOL_DOWN = 3_600.0
FIRST_REST = 900.0  #: at the top before it starts over at step 0; doubled each time
LONGEST_REST = 21_600.0
WELL = 600.0  #: a link that has worked for so long starts at step 0 when it fails again


class Climb(NamedTuple):
    """One step that was taken, or at least begun."""

    at: float
    step: int


@dataclass(frozen=True, slots=True)
class Ladder:
    """What was done for one link. `climbs` are those of the last day, oldest first."""

    climbs: tuple[Climb, ...] = ()
    active: bool = False  #: a step was taken, and the link has not worked for WELL since
    step: int = 0  #: the next one
    not_before: float = AT_ONCE  #: when the next one may come
    tops: int = 0  #: how often the top was reached since it last worked for WELL
    pending: bool = False  #: the link has not worked since the latest step
    worked: bool = False  #: it reached the internet once, in this life of conman or an earlier one
    bare: bool | None = None  #: its driver has no steps at all; None: it was not asked yet
    sentence: str = ""  #: what went wrong with the latest step


def budget(step: int) -> int:
    """Return how often a step may be taken in a day."""
    return BUDGETS[min(step, len(BUDGETS) - 1)]


def cool_down(step: int) -> float:
    """Return the seconds after a step that the next one has to wait: 30, 120, 600 ... 3600."""
    further = max(step - len(COOL_DOWNS) + 1, 0)
    return float(min(COOL_DOWNS[min(step, len(COOL_DOWNS) - 1)] * 2**further, LONGEST_COOL_DOWN))


def rest(tops: int) -> float:
    """Return the seconds of rest at the top: 15 minutes, doubled up to 6 hours."""
    return float(min(FIRST_REST * 2 ** min(max(tops - 1, 0), 10), LONGEST_REST))


def lately(ladder: Ladder, now: float) -> tuple[Climb, ...]:
    """Return the climbs of the last day."""
    return tuple(climb for climb in ladder.climbs if now - climb.at < DAY)


def free_at(ladder: Ladder, step: int, now: float) -> float:
    """Return when the budget allows a step, AT_ONCE if it does now."""
    taken = [climb.at for climb in lately(ladder, now) if climb.step == step]
    allowed = budget(step)
    return AT_ONCE if len(taken) < allowed else taken[-allowed] + DAY


def next_step(ladder: Ladder, now: float) -> tuple[int, float]:
    """Return the step to be taken next and from when on.

    One whose budget is used up is passed over for a higher one that is free: what came back so
    often was not cured by it.
    """
    steps = range(ladder.step, MOST_STEPS)
    times = {step: max(free_at(ladder, step, now), ladder.not_before) for step in steps}
    step = min(steps, key=lambda step: (max(times[step], now), step))
    return step, times[step]


def begin(ladder: Ladder, step: int, now: float) -> Ladder:
    """Note that a step begins.

    From then on it counts, and what comes next waits: a step that takes conman or the machine
    down with it must not be the first thing that they do when they are back.
    """
    climbs = (*lately(ladder, now), Climb(now, step))[-MOST_CLIMBS:]
    begun = replace(ladder, climbs=climbs, active=True, pending=True, sentence="")
    ready = now + cool_down(step)
    above = (
        higher for higher in range(step + 1, MOST_STEPS) if free_at(begun, higher, ready) <= ready
    )
    following = next(above, None)
    if following is None:
        return _top(begun, now, at_least=cool_down(step))
    return replace(begun, step=following, not_before=ready)


def ended(ladder: Ladder, now: float, *, climbed: bool, sentence: str = "") -> Ladder:
    """Note the end of the step that began last; `climbed` is False if there is no such step.

    `sentence` says what went wrong with it; it counts all the same.
    """
    *before, latest = ladder.climbs
    if climbed:  # its cool-down, or the rest, begins only now
        later = ladder.not_before + max(now - latest.at, 0.0)
        return replace(ladder, not_before=later, bare=False, sentence=sentence)
    undone = replace(ladder, climbs=tuple(before))
    if undone.step:
        undone = _top(undone, now)
    if latest.step:
        return replace(undone, bare=False)
    return replace(undone, bare=True, active=False, pending=False)


def _top(ladder: Ladder, now: float, at_least: float = 0.0) -> Ladder:
    tops = ladder.tops + 1
    return replace(ladder, step=0, tops=tops, not_before=now + max(rest(tops), at_least))


def online(ladder: Ladder, lasting: float) -> Ladder:
    """Note that the link works, for how many seconds without a break. What was done stays known."""
    if lasting >= WELL and (ladder.active or ladder.tops):
        return Ladder(climbs=ladder.climbs, worked=True, bare=ladder.bare)
    if ladder.pending or not ladder.worked:
        return replace(ladder, pending=False, worked=True)
    return ladder

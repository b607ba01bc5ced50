"""When a person is asked for settings, and when no longer. Pure: no clock, no I/O.

Times are seconds of one clock that never jumps; the caller passes the present one.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from conman_core.errors import ConmanError
from conman_core.ladder import NEVER

START_LIMIT = 60.0  #: seconds until what was told to ask must have something to show
DEFAULT_TIMEOUT = 300.0  #: seconds without anybody there
AHEAD = 10.0  #: seconds before that who asks gets ready; at most half of the waiting
LONGEST_PAUSE = 600.0  #: until it is tried again to ask, after failures in a row
LONGEST_TIMEOUT = 86_400.0
_MOST_FAILURES = 10


class When(enum.StrEnum):
    """The user's setting."""

    BOOT = "boot"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Rules:
    """The user's settings; `after` in seconds."""

    when: When = When.BOOT
    after: float = 60.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What holds now: the links that reach the internet, and what else speaks against asking."""

    online: frozenset[str] = frozenset()
    #: a cable works as far as the router, and nobody asked for more: a firewall, most likely
    wired: bool = False
    been_online: bool = False  #: since the machine was switched on
    able: bool = True  #: there is somebody who can ask


@dataclass(frozen=True, slots=True)
class Asking:
    """A person is being asked, or is about to be."""

    since: float
    by_hand: bool = False
    before: frozenset[str] = frozenset()  #: the links that were online when it began
    timeout: float | None = None  #: seconds without anybody there
    attended: float | None = None  #: when somebody was there last
    shown: bool = False  #: there is something for a person to find


@dataclass(frozen=True, slots=True)
class Course:
    """What one decision hands to the next."""

    waiting: float  #: since then nothing works, and nobody is asked
    asking: Asking | None = None
    failures: int = 0  #: in a row, to ask at all
    soon: bool = False  #: it is about to begin, if nothing works until then


class Move(NamedTuple):
    """What to do now: `start` True to ask, False to stop, None for nothing.

    `wake_at` is when to look again.
    """

    course: Course
    start: bool | None = None
    sentence: str = ""
    wake_at: float = NEVER


def decide(course: Course, facts: Facts, rules: Rules, now: float) -> Move:
    """Return whether to begin or to end asking. The same arguments give the same move."""
    if course.asking is not None:
        return _go_on(course, course.asking, facts, now)
    if facts.online or facts.wired:
        return Move(replace(course, waiting=now, failures=0, soon=False))
    late = rules.when is When.BOOT and facts.been_online
    if rules.when is When.NEVER or late or not facts.able:
        return Move(replace(course, soon=False))
    pause = _pause(course, rules)
    at = course.waiting + pause
    if now < at:
        soon_at = at - min(AHEAD, pause / 2)
        soon = now >= soon_at
        return Move(replace(course, soon=soon), wake_at=at if soon else soon_at)
    sentence = f"nothing has worked for {rules.after:g} s"
    return Move(replace(course, asking=Asking(now), soon=False), True, sentence)


def _pause(course: Course, rules: Rules) -> float:
    grown = rules.after * 2.0 ** min(course.failures, _MOST_FAILURES)
    return max(rules.after, min(grown, LONGEST_PAUSE))


def _go_on(course: Course, asking: Asking, facts: Facts, now: float) -> Move:
    if new := sorted(facts.online - asking.before):
        return _stop(course, now, f"{new[0]} is online")
    if facts.wired and not asking.by_hand:
        return _stop(course, now, "a cable works as far as its router")
    before = asking.before & facts.online  # a link that comes back counts
    course = replace(course, asking=replace(asking, before=before))
    if not asking.shown:
        at = asking.since + START_LIMIT
        if now >= at:
            return failed(course, now, f"nothing could be shown within {START_LIMIT:g} s")
        return Move(course, wake_at=at)
    timeout = DEFAULT_TIMEOUT if asking.timeout is None else asking.timeout
    at = (asking.since if asking.attended is None else asking.attended) + timeout
    if now >= at:
        return _stop(course, now, f"nobody has been there for {timeout:g} s")
    return Move(course, wake_at=at)


def _stop(course: Course, now: float, sentence: str) -> Move:
    return Move(Course(waiting=now), False, sentence)


def by_hand(course: Course, facts: Facts, now: float, timeout: float | None) -> Move:
    """Begin to ask because a person wants it; while that goes on already, begin its time anew."""
    if course.asking is not None:
        timeout = course.asking.timeout if timeout is None else timeout
        again = replace(course.asking, timeout=timeout, attended=now)
        return Move(replace(course, asking=again))
    asking = Asking(now, by_hand=True, before=facts.online, timeout=timeout)
    return Move(replace(course, asking=asking, soon=False), True, "a person wants it")


def again(course: Course, now: float) -> Course:
    """Note that who asked is not there any more: somebody has to show something anew."""
    if course.asking is None:
        return course
    return replace(course, asking=replace(course.asking, since=now, shown=False))


def shown(course: Course, now: float, *, timeout: float | None, attended: bool) -> Course:
    """Note that there is something for a person to find, and whether somebody was just there."""
    asking = course.asking
    if asking is None:
        return course
    if not asking.shown:
        # the time of waiting for a person begins when there is something to find
        asking = replace(asking, shown=True, attended=now)
    if attended:
        asking = replace(asking, attended=now)
    if asking.timeout is None:
        asking = replace(asking, timeout=timeout)
    return replace(course, asking=asking, failures=0)


def failed(course: Course, now: float, sentence: str) -> Move:
    """Note that nobody can be asked; it is tried again later."""
    if course.asking is None:
        return Move(course)
    return Move(Course(waiting=now, failures=course.failures + 1), False, sentence)


def lasting(value: Any) -> float | None:
    """Return the timeout of a request, None for the usual one. Raises ConmanError."""
    if value is None:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and 0 < value <= LONGEST_TIMEOUT:
        return float(value)
    raise ConmanError("the timeout is a number of seconds, at most a day")

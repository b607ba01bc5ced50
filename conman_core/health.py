"""What is remembered about a driver's failures, and when it gets its next chance. Pure."""

from __future__ import annotations

import enum
from dataclasses import dataclass

FIRST_PAUSE = 60.0
LONGEST_PAUSE = 3600.0
#: a fault in one of these concerns every link of the driver
_WHOLE_DRIVER = frozenset({"__init__", "probe"})
_COST = {"__init__": 3, "probe": 2, "connect": 1}


class State(enum.StrEnum):
    """How a driver is."""

    OK = "ok"
    BROKEN = "broken"  #: it broke its contract; it gets another chance at `retry_at`
    STUCK = "stuck"  #: a call has neither returned nor let itself be cancelled


@dataclass(frozen=True, slots=True)
class Health:
    """The state of a driver for people and for the core.

    `since` is wall-clock time in seconds of the epoch, None while ok; `retry_at` is on the
    core's clock, None when there is nothing to wait for. `failures` counts those in a row.
    """

    state: State = State.OK
    since: float | None = None
    sentence: str = ""
    failures: int = 0
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class _Fault:
    sentence: str
    since: float
    failures: int
    retry_at: float


def pause_after(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row: 60, doubling to an hour."""
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(max(failures, 1) - 1, 10)))


class Faults:
    """The open faults of one driver, by method and link.

    They are kept apart so that one bad link, or a failing extra such as `details`, never costs
    another link its driver.
    """

    def __init__(self) -> None:
        self._faults: dict[tuple[str, str], _Fault] = {}

    def add(self, method: str, link: str, sentence: str, *, now: float, wall: float) -> bool:
        """Record a failure; return whether it is news, not the same as the last one there."""
        before = self._faults.pop((method, link), None)
        failures = before.failures + 1 if before else 1
        self._faults[method, link] = _Fault(
            sentence,
            before.since if before else wall,
            failures,
            now + pause_after(failures),
        )
        return before is None or before.sentence != sentence

    def clear(self, method: str, link: str) -> bool:
        """Forget a fault because the call worked; return whether there was one."""
        return self._faults.pop((method, link), None) is not None

    def keep_links(self, offered: frozenset[str]) -> None:
        """Forget the faults of links that are gone: one that is plugged in again starts anew."""
        for method, link in list(self._faults):
            if link and link not in offered:
                del self._faults[method, link]

    def forgive(self, now: float) -> None:
        """Give everything another chance now; the count goes on if it fails again."""
        for key, fault in self._faults.items():
            retry_at = min(now, fault.retry_at)
            self._faults[key] = _Fault(fault.sentence, fault.since, fault.failures, retry_at)

    def waits(self, now: float, link: str | None = None) -> bool:
        """Whether the driver, or one link of it, has to wait for its next chance."""
        return any(
            fault.retry_at > now
            for (method, where), fault in self._faults.items()
            if method in _WHOLE_DRIVER or (method == "connect" and where == link)
        )

    def health(self) -> Health:
        """Return the open fault that costs most, the newest of equals, as health; or OK."""
        if not self._faults:
            return Health()
        worst = max(reversed(self._faults), key=lambda key: _COST.get(key[0], 0))
        fault = self._faults[worst]
        return Health(State.BROKEN, fault.since, fault.sentence, fault.failures, fault.retry_at)

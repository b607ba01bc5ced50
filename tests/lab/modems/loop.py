"""What a modem's process waits for: files that become readable, and moments."""

from __future__ import annotations

import heapq
import itertools
import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class HasFileno(Protocol):
    """A file, a socket, anything with a descriptor."""

    def fileno(self) -> int: ...


@dataclass(order=True)
class Timer:
    """Something to do at a moment, unless it is cancelled before."""

    moment: float
    number: int
    action: Callable[[], object] | None = field(compare=False)

    def cancel(self) -> None:
        self.action = None


class Loop:
    """Calls what is due, one after the other. `close` ends it."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._actions: dict[int, Callable[[], object]] = {}
        self._timers: list[Timer] = []
        self._numbers = itertools.count()
        self._open = True

    def watch(self, source: int | HasFileno, action: Callable[[], object]) -> None:
        """Call `action` whenever there is something to read."""
        key = self._selector.register(source, selectors.EVENT_READ)
        self._actions[key.fd] = action

    def forget(self, source: int | HasFileno) -> None:
        """Watch it no more; to be called before it is closed."""
        key = self._selector.unregister(source)
        del self._actions[key.fd]

    def later(self, seconds: float, action: Callable[[], object]) -> Timer:
        """Call `action` once, after some time."""
        timer = Timer(time.monotonic() + seconds, next(self._numbers), action)
        heapq.heappush(self._timers, timer)
        return timer

    def close(self) -> None:
        """Let `run` return."""
        self._open = False

    def run(self) -> None:
        while self._open:
            self.turn()

    def turn(self, limit: float | None = None) -> None:
        """Wait for the next thing to do, at most `limit` seconds, and do what is due."""
        if self._timers:
            due = max(0.0, self._timers[0].moment - time.monotonic())
            limit = due if limit is None else min(due, limit)
        for key, _ in self._selector.select(limit):
            action = self._actions.get(key.fd)  # an earlier one may have made it forgotten
            if self._open and action:
                action()
        while self._open and self._timers and self._timers[0].moment <= time.monotonic():
            timer = heapq.heappop(self._timers)
            if timer.action:
                timer.action()

"""Virtual time."""

from __future__ import annotations

import asyncio
import heapq
import itertools

_PATIENCE = 5  #: turns of the event loop in which nobody asks for an earlier time


class FakeClock:
    """Time that passes only while everybody sleeps: it jumps to the next one to wake."""

    def __init__(self, start: float = 1000.0) -> None:
        self.now = start
        self._sleepers: list[tuple[float, int]] = []
        self._numbers = itertools.count()

    async def sleep(self, seconds: float) -> None:
        """Return when the clock has reached the time; never waits for real."""
        me = (self.now + max(seconds, 0.0), next(self._numbers))
        heapq.heappush(self._sleepers, me)
        try:
            turns = 0
            while turns < _PATIENCE:
                await asyncio.sleep(0)
                turns = turns + 1 if self._sleepers[0] == me else 0
            self.now = max(self.now, me[0])
        finally:
            self._sleepers.remove(me)
            heapq.heapify(self._sleepers)

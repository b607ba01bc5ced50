"""How often something may happen. Pure; for both ends, the page's and the daemon's."""

from __future__ import annotations

from collections import deque

SUBMITS, SUBMITS_IN = 10, 60.0  #: of all clients together, in seconds


class Often:
    """Allows something `most` times within `seconds`."""

    def __init__(self, most: int, seconds: float) -> None:
        self._seconds = seconds
        self._times: deque[float] = deque(maxlen=most)

    def allow(self, now: float) -> bool:
        """Count it; False, and not counted: too often."""
        if len(self._times) == self._times.maxlen and now - self._times[0] < self._seconds:
            return False
        self._times.append(now)
        return True


def submits() -> Often:
    """Return how often settings may be tried: each may take the access point away for a while."""
    return Often(SUBMITS, SUBMITS_IN)

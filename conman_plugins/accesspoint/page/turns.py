"""Whose turn it is when many come at once: whoever was served least lately. Pure.

So somebody who just wants the page gets it at once, however much a crowd of others asks for.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence

_HALF = 4.0  #: seconds after which a turn counts half
_MOST_CLIENTS = 512  #: remembered; there are 254 addresses


class Turns:
    """Remembers how much each client had."""

    def __init__(self) -> None:
        self._had: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str, now: float) -> None:
        """Count a turn of a client's."""
        self._had[client] = self._lately(client, now) + 1, now
        self._had.move_to_end(client)
        if len(self._had) > _MOST_CLIENTS:
            self._had.popitem(last=False)

    def order(self, waiting: Sequence[str], now: float) -> list[int]:
        """Return the places of those who wait, in the order of their turns.

        One who waits several times gets one turn among the others' for each.
        """
        owed: Counter[str] = Counter()
        keys = []
        lately = {client: self._lately(client, now) for client in set(waiting)}
        for client in waiting:
            keys.append(lately[client] + owed[client])
            owed[client] += 1
        return sorted(range(len(waiting)), key=keys.__getitem__)

    def _lately(self, client: str, now: float) -> float:
        count, since = self._had.get(client, (0.0, now))
        return float(count * 0.5 ** ((now - since) / _HALF))

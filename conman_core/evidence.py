"""What the traffic of other programs tells of a link. Pure: no clock, no I/O.

Where bytes cost money a link is asked rarely. But when packets go out and none comes back, it is
worth asking at once. A program that only sends and never gets an answer (logging, say) looks the
same, so each time that the link proves to be good its silence is taken for longer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

PATIENCE = 3.0  #: seconds of one-sided traffic until the link is asked
LONGEST_PATIENCE = 720.0  #: as often as a metered link is asked anyway


class Counters(NamedTuple):
    """Packets of an interface since it came up, received and sent."""

    rx: int
    tx: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was seen of one connection so far."""

    seen: Counters | None = None
    unanswered_since: float | None = None  #: packets have gone out since then, none came in
    patience: float = PATIENCE

    def doubtful(self, now: float) -> bool:
        """Tell whether the link should be asked now."""
        since = self.unanswered_since
        return since is not None and now - since >= self.patience


def looked(before: Evidence, counters: Counters, now: float) -> Evidence:
    """Note what the counters say now."""
    seen = before.seen
    after = replace(before, seen=counters)
    if seen is None or counters.rx < seen.rx or counters.tx < seen.tx:  # they began anew
        return replace(after, unanswered_since=None)
    if counters.rx > seen.rx:
        return replace(after, unanswered_since=None, patience=PATIENCE)
    if counters.tx > seen.tx and before.unanswered_since is None:
        return replace(after, unanswered_since=now)
    return after


def asked(before: Evidence) -> Evidence:
    """Note that the link was asked for its silence, and is good.

    The answers count as nothing: what they add to the counters is not looked at.
    """
    return Evidence(patience=min(before.patience * 2, LONGEST_PATIENCE))

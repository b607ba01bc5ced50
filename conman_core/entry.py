"""Everything that the daemon knows of one link at run time."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from conman_core.guard import Guard
from conman_core.model import Connection, Link
from conman_core.reach import Finding, PathMemory
from conman_core.track import Held, Track

if TYPE_CHECKING:
    from conman_core.usage import Usage


def wall_clock(ahead: float = 0.0) -> str:
    """Return the present time, or so many seconds after it, as ISO 8601 in UTC to the ms."""
    now = datetime.now(UTC)
    with contextlib.suppress(OverflowError):  # beyond the calendar
        now += timedelta(seconds=ahead)
    return now.isoformat(timespec="milliseconds")


class Limit(NamedTuple):
    """The user's word on what each link of a driver may use in a month."""

    bytes: int | None = None
    stop: bool = False  #: a link beyond it gives way to others
    day: int = 1  #: on which a month of the bill begins


class Wishes(NamedTuple):
    """The user's word on all links of a driver."""

    metered: bool | None = None  #: None leaves it to the driver
    recover: bool = True  #: conman may use the driver's repairs
    limit: Limit = Limit()


@dataclass(slots=True)
class Entry:
    """One link: what its driver offers, what is known of it, and what is under way for it.

    `present` is False once its device is gone; the entry stays, so that a dongle that comes and
    goes keeps its history. `metric` is the one in the kernel, None while nothing is configured.
    """

    link: Link
    guard: Guard
    track: Track
    present: bool = True
    wishes: Wishes = Wishes()  # noqa: RUF009 - it cannot be changed
    refused: str = ""  #: why this link is not used although its driver offers it
    connection: Connection | None = None
    finding: Finding | None = None
    memory: PathMemory = field(default_factory=PathMemory)
    metric: int | None = None
    configured: Connection | None = None
    connecting: asyncio.Task[None] | None = None  #: or disconnecting, see `Track.leaving`
    checking: asyncio.Task[None] | None = None
    repairing: asyncio.Task[None] | None = None
    metered_found: bool = False  #: what its latest connection said of its bill
    ours: bool = False  #: its interface was free when last looked at: conman manages it
    adopted: bool = False  #: adoption was tried, it is tried once
    shown: tuple[object, ...] = ()  #: what was last logged and announced
    usage: Usage | None = None  #: what it used this month, if that is counted
    since: str = field(default_factory=wall_clock)

    @property
    def interface(self) -> str | None:
        """The kernel's interface, by the connection or else by the driver's offer."""
        return self.connection.interface if self.connection else self.link.interface

    @property
    def metered(self) -> bool:
        """Whether its bytes cost money."""
        if self.wishes.metered is not None:
            return self.wishes.metered
        return self.link.metered or self.metered_found

    @property
    def counts(self) -> bool:
        """Whether its bytes are counted: it has a bill, or a limit."""
        return self.metered or self.wishes.limit.bytes is not None

    @property
    def state(self) -> str:
        """For people: absent, unused, idle, connecting, connected or failed."""
        track = self.track
        if not self.present:
            return "absent"
        if self.refused:
            return "unused"
        if track.held is not Held.NONE:
            return "connected" if track.carrier else "failed"
        if track.attempt_started is not None:
            return "connecting"
        return "failed" if track.failures or track.reason else "idle"

    @property
    def busy(self) -> bool:
        """Whether there is anything that would have to be taken down."""
        return self.connection is not None or self.connecting is not None

"""What the links use in each month of their bills. Pure: no clock, no I/O.

A month is named by its year and month, such as `2026-11`, and begins on the day that the user
says. The clock may be wrong: it may start in 1970, or be put forward or back at any time. So a
month turns only forward. The one before is kept: if the clock has shown an earlier month for long
enough to be believed, the count goes on there, with what was counted since.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from conman_core.entry import Limit

LEVELS = (100, 80)  #: percent of a limit that a person hears of, once a month


class Seen(NamedTuple):
    """An interface's counter; `source` is another one whenever it has begun anew."""

    source: str
    bytes: int


class Month(NamedTuple):
    """What one link used in a month, and of which level a person has heard."""

    name: str = ""  #: empty while the clock has never been set
    used: int = 0
    told: int = 0


class Usage(NamedTuple):
    """The account of one link."""

    month: Month = Month()
    before: Month = Month()
    seen: Seen | None = None


def month_of(day: date, first: int) -> str:
    """Return the name of the month of a bill that a day belongs to."""
    begun = day if day.day >= first else day.replace(day=1) - timedelta(days=1)
    return f"{begun.year:04}-{begun.month:02}"


def ends(month: str, first: int) -> date | None:
    """Return the day on which the month after this one begins; None if it is no month."""
    try:
        begun = date.fromisoformat(f"{month}-01")
        return (begun + timedelta(days=31)).replace(day=first)
    except (ValueError, OverflowError):
        return None


def counted(usage: Usage, seen: Seen) -> Usage:
    """Take what the counter says now. What a new link had counted before is not known to be ours.

    A counter that has begun anew counts in full: it is that of a device that was plugged in again,
    or of a machine that was started.
    """
    last = usage.seen
    if last is None:
        new = 0
    elif last.source == seen.source and seen.bytes >= last.bytes:
        new = seen.bytes - last.bytes
    else:
        new = seen.bytes
    return usage._replace(seen=seen, month=usage.month._replace(used=usage.month.used + new))


def in_month(usage: Usage, name: str, *, believe: bool = False) -> Usage:
    """Take the month that the clock shows; `believe` it even if it is an earlier one."""
    month, before = usage.month, usage.before
    if not month.name:
        return usage._replace(month=month._replace(name=name))
    if name > month.name:
        return usage._replace(month=Month(name), before=month)
    if name == month.name or not believe:
        return usage
    same = before if before.name == name else Month()
    joined = Month(name, month.used + same.used, max(month.told, same.told))
    return usage._replace(month=joined, before=before if before.name < name else Month())


def told(usage: Usage, limit: Limit) -> tuple[Usage, int | None]:
    """Return the level that a person is to hear of now, if there is one, and note it."""
    share = usage.month.used * 100 // limit.bytes if limit.bytes else 0
    level = next((level for level in LEVELS if share >= level), 0)
    noted = usage._replace(month=usage.month._replace(told=level))
    return noted, level if level > usage.month.told else None


def spent(usage: Usage, limit: Limit) -> str:
    """Say that a link is to give way to others, empty if it need not."""
    if not limit.stop or limit.bytes is None or usage.month.used < limit.bytes:
        return ""
    end = ends(usage.month.name, limit.day)
    until = f" until {end.isoformat()}" if end else " for this month"
    return f"its limit of {amount(limit.bytes)} is used up{until}"


def sentence(usage: Usage, limit: Limit) -> str:
    """Say what was used: `used 412 MB of 500 MB this month`."""
    most = f" of {amount(limit.bytes)}" if limit.bytes is not None else ""
    return f"used {amount(usage.month.used)}{most} this month"


def amount(number: int) -> str:
    """Return a number of bytes as bills have it: `820 kB`, `412 MB`, `1.25 GB`."""
    if number < 1_000_000:
        return f"{number // 1000} kB"
    if number < 1_000_000_000:
        return f"{number / 1e6:.3g} MB" if number < 100_000_000 else f"{number // 1_000_000} MB"
    return f"{number / 1e9:.2f}".rstrip("0").rstrip(".") + " GB"

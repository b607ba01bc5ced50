"""Times and amounts as people read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from conman_core.cli.tables import clean

_UNITS = ("", "k", "M", "G", "T", "P")


def moment(value: Any) -> datetime | None:
    """Return the moment of an ISO 8601 text, None if it is none."""
    try:
        found = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def age(value: Any, now: datetime | None = None) -> str:
    """Return how long ago an ISO 8601 moment was, such as `2 h 5 min`; empty if unknown.

    A moment in the future, as after the clock was set back, is unknown too.
    """
    since = moment(value)
    seconds = int(((now or datetime.now(UTC)) - since).total_seconds()) if since else -1
    if seconds < 0:
        return ""
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes % 60} min"
    return f"{days} d {hours % 24} h"


def clock(value: Any) -> str:
    """Return the local date and time of an ISO 8601 moment, or the text as it is."""
    found = moment(value)
    try:
        return f"{found.astimezone():%Y-%m-%d %H:%M:%S}" if found else clean(value)
    except (OverflowError, ValueError, OSError):  # a year that the local clock cannot show
        return clean(value)


def amount(value: Any) -> str:
    """Return a number of bytes in at most five characters, such as `1.2M`; `-` if unknown."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        return "-"
    number, unit = float(min(value, 10**17)), 0
    while number >= 999.5:
        number, unit = number / 1000, unit + 1
    digits = 1 if unit and number < 9.95 else 0
    return f"{number:.{digits}f}{_UNITS[unit]}"

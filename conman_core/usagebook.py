"""What each link used this month, on disk: a file of its own that outlives restarts and reboots."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from conman_core.driver import Store
from conman_core.errors import SystemFault
from conman_core.usage import Month, Seen, Usage

log = logging.getLogger(__name__)

MOST_LINKS = 64  #: links come and go, as USB devices get new names; the file must not grow
EVERY = 60.0  #: seconds between writes at the least,
WORTH = 1_000_000  #: for so many bytes; what a power cut costs of the count
_LONGEST = 256


class UsageBook:
    """The accounts by link name. A disk that cannot be written is said once: `fault`."""

    def __init__(self, store: Store | None, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self.fault: str | None = None
        self._links = _read(store.load() if store else {})
        self._written = {name: usage.month.used for name, usage in self._links.items()}
        self._saved_at = float("-inf")

    def usage(self, link: str) -> Usage:
        """Return the account of a link by its name."""
        return self._links.get(link, Usage())

    def keep(self, link: str, usage: Usage, *, at_once: bool = False) -> None:
        """Take an account; it is written now and then, `at_once` if it must last."""
        known = link in self._links
        self._links.pop(link, None)
        self._links[link] = usage  # the one that was used last is the last
        grown = abs(usage.month.used - self._written.get(link, 0)) >= WORTH
        due = self._clock() - self._saved_at >= EVERY
        if at_once or not known or (grown and due):
            self.save()

    def save(self) -> None:
        """Write all accounts."""
        for link in list(self._links)[:-MOST_LINKS]:
            del self._links[link]
        self._saved_at = self._clock()
        self._written = {name: usage.month.used for name, usage in self._links.items()}
        if self._store is None or not (self._links or self.fault):
            return
        try:
            self._store.save({"links": {name: _dump(each) for name, each in self._links.items()}})
        except SystemFault as error:
            if self.fault != str(error):
                log.warning("%s; what links use is counted only until conman ends", error)
            self.fault = str(error)
        else:
            self.fault = None


def _dump(usage: Usage) -> dict[str, Any]:
    return {
        "month": list(usage.month),
        "before": list(usage.before),
        "seen": list(usage.seen) if usage.seen else None,
    }


def _read(values: Mapping[str, Any]) -> dict[str, Usage]:
    """Read what was written; what has another shape is passed over."""
    links = values.get("links")
    items = list(links.items()) if isinstance(links, dict) else []
    return {
        name: Usage(_month(record.get("month")), _month(record.get("before")), _seen(record))
        for name, record in items[-MOST_LINKS:]
        if isinstance(record, dict) and len(name) <= _LONGEST
    }


def _month(value: Any) -> Month:
    match value:
        case [str(name), int(used), int(told)] if used >= 0 and len(name) <= _LONGEST:
            return Month(name, used, told)
    return Month()


def _seen(record: Mapping[str, Any]) -> Seen | None:
    match record.get("seen"):
        case [str(source), int(number)] if number >= 0:
            return Seen(source, number)
    return None

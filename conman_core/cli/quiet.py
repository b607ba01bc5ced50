"""What a command that runs strangers' code lets through of its log: sentences, no tracebacks."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from conman_core.cli.tables import complain

_OWN = "conman_core"
_FORMAT = "%(levelname)-7s %(name)s: %(message)s"


class _Sentences(logging.Handler):
    """Says the first line of each record. What is wrong by conman's own log is in the report."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < logging.ERROR or not record.name.startswith(_OWN):
            try:
                text = record.getMessage()
            except Exception:  # noqa: BLE001 - a stranger's arguments
                text = f"{record.name} logs what cannot be shown"
            complain(next(iter(text.splitlines()), ""))


@contextmanager
def quietly(level: str = "warning") -> Iterator[None]:
    """Show on standard error what is logged meanwhile; all of it, tracebacks too, if `debug`."""
    handler: logging.Handler = _Sentences()
    if level == "debug":
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(_FORMAT))
    root = logging.getLogger()
    before = root.level
    root.setLevel(level.upper())
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)

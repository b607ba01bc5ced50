"""Sees what code does to the machine, whichever way it does it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

_STARTS = {"subprocess.Popen", "os.posix_spawn", "os.system", "os.fork", "os.forkpty", "os.exec"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class _Witness:
    """Hears from the interpreter which files are opened for writing and what is started."""

    def __init__(self) -> None:
        self.seen: list[str] | None = None
        self._installed = False

    def listen(self) -> list[str]:
        if not self._installed:
            sys.addaudithook(self._hook)  # there is no way to remove one
            self._installed = True
        self.seen = []
        return self.seen

    def _hook(self, event: str, args: tuple[Any, ...]) -> None:
        if self.seen is None:
            return
        if event in _STARTS:
            self.seen.append(f"started a program: {event} {args[0] if args else ''}")
        elif event == "open" and isinstance(args[2], int) and args[2] & _WRITES:
            path = os.fsdecode(args[0]) if isinstance(args[0], (str, bytes)) else str(args[0])
            if "__pycache__" not in path and path != os.devnull:
                self.seen.append(f"opened {path} for writing")


_witness = _Witness()


@contextlib.contextmanager
def witness() -> Iterator[list[str]]:
    """Give a list that fills with what the process opens for writing, or starts."""
    seen = _witness.listen()
    try:
        yield seen
    finally:
        _witness.seen = None

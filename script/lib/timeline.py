"""Prints what happens as it happens: aligned, in colour on a terminal, plain in a pipe."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LABEL, LABEL_AND_DOTS = 31, 45  # columns


class Timeline:
    """Lines with a time, what happened, and what came of it."""

    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._colour = self.terminal and not os.environ.get("NO_COLOR")
        self._width = LABEL if self.terminal else LABEL_AND_DOTS
        self.start = time.monotonic()

    def heading(self, text: str) -> None:
        """Print a heading."""
        print(f"\n{self.paint(text, '1')}", flush=True)

    def text(self, text: str, indent: int = 10) -> None:
        """Print further lines below an entry."""
        for line in text.rstrip("\n").split("\n"):
            print(f"{' ' * indent}{line}".rstrip(), flush=True)

    def note(self, text: str) -> None:
        """Print a further result of the entry above."""
        self.text(text, indent=self._width + 13)

    def command(self, words: str, output: str) -> None:
        """Print a command as it is typed, and its output."""
        print(f"\n    {self.paint('$ ' + words, '1')}", flush=True)
        self.text(output, indent=4)
        print(flush=True)

    @contextmanager
    def entry(self, label: str) -> Iterator[Entry]:
        """Print a time and what happens now, then signs of life until the result is known."""
        moment = f"{time.monotonic() - self.start:6.1f} s  "
        entry = Entry()
        done = threading.Event()
        print(f"{moment}{label}", end="", flush=True)
        ticker = threading.Thread(
            target=self._tick, args=(f"{moment}{label}", entry, done), daemon=True
        )
        ticker.start()
        try:
            yield entry
        finally:
            done.set()
            ticker.join()
            arrow = self.paint("->", "32" if entry.good else "1;31")
            result = f"{arrow} {entry.result}" if entry.result else ""
            if self.terminal:
                padded = f"{label:{self._width}}"
                print(f"\r\033[K{self.paint(moment, '2')}{padded}{result}", flush=True)
            else:
                pad = max(self._width - len(label) - entry.dots, 1)
                print(f"{' ' * pad}{result}", flush=True)

    def _tick(self, line: str, entry: Entry, done: threading.Event) -> None:
        started = time.monotonic()
        while not done.wait(0.1 if self.terminal else 0.9):
            if self.terminal:
                waited = time.monotonic() - started
                print(f"\r\033[K{line:{self._width + 10}}.. {waited:.1f} s", end="", flush=True)
            else:
                print(".", end="", flush=True)
                entry.dots += 1

    def paint(self, text: str, code: str) -> str:
        """Colour a text, if the terminal wants colour."""
        return f"\033[{code}m{text}\033[0m" if self._colour else text


class Entry:
    """What came of one event; set `result` before the block ends."""

    def __init__(self) -> None:
        self.result = ""
        self.good = True
        self.dots = 0

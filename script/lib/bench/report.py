"""Shows progress while the bench runs, and its results as a table or as JSON."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import threading
import time
from collections.abc import Iterator
from statistics import median
from typing import Any, TextIO

from script.lib.bench.figures import Figure, Result, Trial, Unit

_HEADER = ("", "median", "min", "max", "limit", "")


class Progress:
    """One line for each trial: a dot for each run, or on a terminal a clock."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._terminal = stream.isatty() and os.environ.get("TERM") != "dumb"
        self._line = ""

    def say(self, text: str) -> None:
        """Print a line of its own."""
        print(text, file=self._stream, flush=True)

    @contextlib.contextmanager
    def trial(self, trial: Trial, runs: int) -> Iterator[Progress]:
        """Show a trial until the block ends; `tick` after each run."""
        self._line = f"  {trial.name:14}"
        self._put(self._line)
        started, done = time.monotonic(), threading.Event()
        clock = threading.Thread(target=self._clock, args=(started, runs, done), daemon=True)
        clock.start()
        try:
            yield self
        finally:
            done.set()
            clock.join()
            took = f" {time.monotonic() - started:.0f} s"
            self.say(f"\r\033[K{self._line}{took}" if self._terminal else took)

    def tick(self) -> None:
        """Show that one more run is done."""
        self._line += "."
        self._put(".")

    def _clock(self, started: float, runs: int, done: threading.Event) -> None:
        while self._terminal and not done.wait(0.2):
            waited = f"{time.monotonic() - started:.0f} s, {runs} runs"
            self._put(f"\r\033[K{self._line}  {waited}")

    def _put(self, text: str) -> None:
        print(text, end="", file=self._stream, flush=True)


def machine() -> dict[str, Any]:
    """Describe where it was measured: ratios travel, times do not."""
    return {
        "kernel": platform.release(),
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
    }


def as_json(results: list[Result], runs: int, where: dict[str, Any]) -> dict[str, Any]:
    """Return everything for machines."""
    return {
        "runs": runs,
        "kept": all(result.kept for result in results),
        "machine": where,
        "trials": [result.as_json() for result in results],
    }


def print_table(results: list[Result], where: dict[str, Any]) -> None:
    """Print an aligned table."""
    rows = [_row(result, figure) for result in results for figure in result.trial.figures]
    widths = [max(map(len, column)) for column in zip(_HEADER, *rows, strict=True)]
    print(_aligned(_HEADER, widths))
    for result in results:
        print(_bold(f"{result.trial.name}: {result.trial.about}"))
        for figure in result.trial.figures:
            print(_aligned(_row(result, figure), widths))
        if result.failure:
            print(f"  FAILED: {result.failure}")
    cpus, load = where["cpus"], where["load"]
    print(f"\nkernel {where['kernel']}, Python {where['python']}, {cpus} CPUs, load {load}")
    if load > cpus:
        print("The machine was busy with other work: times are larger than they should be.")


def _row(result: Result, figure: Figure) -> tuple[str, ...]:
    values = result.values.get(figure.key)
    if not values:
        return (f"  {figure.label}", "-", "-", "-", "", "")
    numbers = (shown(number, figure.unit) for number in (median(values), min(values), max(values)))
    if figure.limit is None:
        return (f"  {figure.label}", *numbers, "", "")
    limit = f"{figure.judged} {shown(figure.limit, figure.unit)}"
    return (
        f"  {figure.label}",
        *numbers,
        limit,
        "kept" if result.judgement(figure) else "EXCEEDED",
    )


def shown(value: float, unit: Unit) -> str:
    """Return a value for people."""
    if unit == "count":
        return f"{value:g}"
    if unit == "times":
        return f"{value:.2f} x"
    if unit == "MiB":
        return f"{value:.1f} MiB"
    return f"{value:.2f} s" if abs(value) >= 1 else f"{value * 1000:.1f} ms"


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    first, *numbers, last = cells
    middle = "".join(f"  {c:>{w}}" for c, w in zip(numbers, widths[1:-1], strict=True))
    return f"{first:{widths[0]}}{middle}  {last}".rstrip()


def _bold(text: str) -> str:
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"\033[1m{text}\033[0m" if colour else text

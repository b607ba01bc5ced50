"""The page under attack: what a good client and the daemon notice of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from script.lib.bench.browsers import visit
from tests.accesspoint.pagekit import Site

EVERY = 0.5  #: seconds between two good clients
BEAT = 0.02
GIVE_UP = 10.0
KINDS = ("held", "bodies", "flood")


class Pulse:
    """How late two things are that should happen every 20 ms.

    One is a task on the event loop of the daemon's door, the other a thread beside it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._late: dict[str, list[float]] = {"beat": [], "task": []}
        self._ended = threading.Event()
        self._beating = asyncio.run_coroutine_threadsafe(self._beat(), loop)
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def since(self) -> dict[str, float]:
        """Return how late each was at worst since this was asked the last time."""
        before, self._late = self._late, {"beat": [], "task": []}
        return {name: max(late, default=0.0) for name, late in before.items()}

    def end(self) -> None:
        """Watch no more."""
        self._ended.set()
        self._thread.join()
        self._beating.cancel()

    async def _beat(self) -> None:
        while True:
            due = time.monotonic() + BEAT
            await asyncio.sleep(BEAT)
            self._late["beat"].append(time.monotonic() - due)

    def _work(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            self._late["task"].append(time.monotonic() - due)
            due = time.monotonic() + BEAT


class Visitor:
    """A good client that comes every half second, each time from an address nobody has seen."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._numbers = itertools.count()
        self.took: list[float] = []
        self.failed = 0

    def come(self, seconds: float) -> None:
        """Load the page again and again."""
        self.took, self.failed = [], 0
        began = due = time.monotonic()
        while due < began + seconds:
            time.sleep(max(0.0, due - time.monotonic()))
            self._load()
            due = max(due + EVERY, time.monotonic())

    def _load(self) -> None:
        number = next(self._numbers)
        began = time.monotonic()
        try:
            answer = visit(self._port, f"127.0.{number // 250}.{2 + number % 250}", GIVE_UP)
        except OSError:
            answer = b""
        self.took.append(time.monotonic() - began)
        if not (answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"</html>")):
            self.failed += 1


def siege(site: Site, seconds: float) -> dict[str, float]:
    """Watch for a while without attacks, a third of the time, then with all of them."""
    pid, visitor = site.pid, Visitor(site.door.port)
    pulse = Pulse(site.loop)
    try:
        visitor.come(seconds / 3)
        calm = pulse.since()
        with _attacked(site.door.port) as done:
            visitor.come(seconds)
            late = pulse.since()
    finally:
        pulse.end()
    return {
        "answer": max(visitor.took),
        "usual": median(visitor.took),
        "failed": visitor.failed,
        **{name: max(0.0, late[name] - calm[name]) for name in late},
        "ended": int(site.pid != pid) + len(site.lost),
        "memory": _most_memory(site.pid),
        "flood": round(done["flood"].get("requests", 0) / seconds),
        "thrown_out": done["held"].get("thrown out", 0),
        "bodies": done["bodies"].get("refused", 0),
    }


@contextlib.contextmanager
def _attacked(port: int) -> Iterator[dict[str, dict[str, Any]]]:
    """Attack the page; what the attackers say they did stands in the result after the block.

    All of them keep to one processor, as they would be on another machine.
    """
    core = min(os.sched_getaffinity(0))
    done: dict[str, dict[str, Any]] = {}
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with contextlib.ExitStack() as stack:
        running = {}
        for kind in KINDS:
            argv = [sys.executable, "-m", "script.lib.bench.attacks", kind, str(port), str(core)]
            running[kind] = stack.enter_context(subprocess.Popen(argv, **pipes))
        for kind, process in running.items():
            assert process.stdout
            assert process.stdout.readline() == "begun\n", f"the attacker ({kind}) did not begin"
        yield done
        for kind, process in running.items():
            said, _ = process.communicate(timeout=GIVE_UP)
            assert process.returncode == 0, f"the attacker ({kind}) ended: {process.returncode}"
            done[kind] = json.loads(said)


def _most_memory(pid: int) -> float:
    """Return the largest resident set of a process so far, in MiB (proc_pid_status(5))."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024

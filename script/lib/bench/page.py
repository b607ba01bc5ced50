"""Trials of the page that asks for settings, on this machine: no radio and no root are needed.

It is served by its real process behind the daemon's real door.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

from conman_core import Choice
from script.lib.bench.browsers import Crowd, address, visit
from script.lib.bench.figures import Figure, Run, Trial
from script.lib.bench.lab import Lab
from script.lib.bench.siege import siege
from tests.accesspoint.pagekit import STATE, WIFI, Site, serving

NETWORKS = 20  #: in sight, as in a street of houses
CLIENTS = 20


def load(lab: Lab, run: Run) -> dict[str, float]:
    """Have 20 clients load the page, and what a bare handler returns, in turns."""
    del lab, run
    return loaded(pages=20, rounds=3)


def loaded(*, pages: int, rounds: int) -> dict[str, float]:
    """Return the figures of a crowd in which everybody loads so many pages in each round.

    Each round has clients that nobody has seen: the page's limits are not for them.
    """
    took: dict[str, list[float]] = {"page": [], "bare": []}
    cost: dict[str, list[float]] = {"page": [], "bare": []}
    with street() as site, _bare(site) as (bare_port, bare_pid):
        ways = {"page": (site.door.port, site.pid), "bare": (bare_port, bare_pid)}
        for turn in range(rounds):
            for name in ("page", "bare") if turn % 2 else ("bare", "page"):
                port, pid = ways[name]
                crowd = Crowd(port, clients=CLIENTS, pages=pages, network=1, first=turn * CLIENTS)
                before = _cpu(pid)
                took[name].append(crowd.read_all())
                cost[name].append(_cpu(pid) - before)
    each = CLIENTS * pages
    return {
        "ratio": median(took["page"]) / median(took["bare"]),
        "cpu_ratio": median(cost["page"]) / median(cost["bare"]),
        "page": median(took["page"]) / each,
        "bare": median(took["bare"]) / each,
    }


def besieged(lab: Lab, run: Run) -> dict[str, float]:
    """Load the page as a good client while others attack it."""
    del lab
    with street() as site:
        return siege(site, run.siege)


@contextlib.contextmanager
def street() -> Iterator[Site]:
    """Give a page with many networks."""
    choices = tuple(Choice(f"Network {n}", 95 - 4 * n, True, 2412) for n in range(NETWORKS))
    fields = (replace(WIFI.fields[0], choices=choices), *WIFI.fields[1:])
    state = replace(STATE, forms=(replace(WIFI, fields=fields),))
    with (
        tempfile.TemporaryDirectory(prefix="conman-bench-page-") as folder,
        serving(Path(folder), state) as site,
    ):
        yield site


@contextlib.contextmanager
def _bare(site: Site) -> Iterator[tuple[int, int]]:
    """Serve what the page is now without the page; give the port and the process."""
    _, _, page = visit(site.door.port, address(1, 60_000)).partition(b"\r\n\r\n")
    argv = [sys.executable, "-m", "script.lib.bench.bare"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(b"%d\n" % len(page) + page)
        process.stdin.flush()
        yield int(process.stdout.readline()), process.pid


def _cpu(pid: int) -> float:
    """Return the seconds that the first thread of a process has run (sched-stats in the kernel)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


TRIALS = {
    trial.name: trial
    for trial in (
        Trial(
            "page-load",
            "the page that asks for settings, 20 clients at once",
            (
                Figure("ratio", "page to a bare handler with its bytes", "times", 2.0, "median"),
                Figure("cpu_ratio", "the same in processor time", "times", 2.0, "median"),
                Figure("page", "the page", "s"),
                Figure("bare", "a bare handler", "s"),
            ),
            load,
        ),
        Trial(
            "page-siege",
            "that page under attack: 200 connections, slow ones, 10 MB bodies, a flood",
            (
                Figure("answer", "a good client's page, the slowest", "s", 1.0),
                Figure("usual", "a good client's page, median", "s"),
                Figure("failed", "good clients without a page", "count", 0),
                Figure("beat", "daemon's heartbeat later than without", "s", 0.1),
                Figure("task", "periodic task later than without", "s", 0.1),
                Figure("ended", "ends of the page's process", "count", 0),
                Figure("memory", "the page's memory at its most", "MiB"),
                Figure("flood", "requests of the flood each second", "count"),
                Figure("thrown_out", "connections that were held, thrown out", "count"),
                Figure("bodies", "10 MB bodies refused", "count"),
            ),
            besieged,
            most_runs=5,
        ),
    )
}

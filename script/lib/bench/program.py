"""Trials of conman as a program: how soon it serves, what it costs, how soon it ends."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

from script.lib.bench import memory
from script.lib.bench.figures import Figure, Run, Trial
from script.lib.bench.lab import Lab
from script.lib.bench.quiet import wait_quiet
from tests.netns.device import conman_command
from tests.netns.measure import dhcp_alone

MEASURED_AFTER = 60.0  #: seconds of work before memory is measured
LIBRARIES = "import asyncio, netifaces, pluggy, stevedore; print(flush=True); input()"


def start(lab: Lab, run: Run) -> dict[str, float]:
    """Start on a machine that has never had a lease."""
    return _start(lab, run, known=False)


def start_known(lab: Lab, run: Run) -> dict[str, float]:
    """Start on a machine that remembers its lease, as after a reboot."""
    return _start(lab, run, known=True)


def _start(lab: Lab, run: Run, *, known: bool) -> dict[str, float]:
    lab.release()
    lab.repair()
    if known and run.number == 0:  # the lease that is remembered
        _dhcp(lab, known=True)
    ways = [lambda: _dhcp(lab, known=known), lambda: _conman(lab, known=known)]
    order = (0, 1) if run.number % 2 else (1, 0)
    took = {number: ways[number]() for number in order}
    return {
        "first": took[1],
        "dhcp": took[0],
        "difference": took[1] - took[0],
        "ratio": took[1] / took[0],
    }


def _dhcp(lab: Lab, *, known: bool) -> float:
    """DHCP alone, on an interface that is up already: up to a second of the kernel's less.

    conman has to bring it up by itself within its time.
    """
    lab.set_up("eth0")
    return dhcp_alone(lab.device, "eth0", known=known)


def _conman(lab: Lab, *, known: bool) -> float:
    if not known:
        lab.forget()
    with lab.meter() as meter:
        wait_quiet()
        started = time.monotonic()
        lab.daemon = lab.device.run_conman()
        first = meter.wait_answer(started)
    lab.release()
    return first.received - started


def stop(lab: Lab, run: Run) -> dict[str, float]:
    """Ask it to end as a service manager does, while both links are up."""
    del run
    process = lab.ready().process
    ended = os.pidfd_open(process.pid)
    try:
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        if not select.select([ended], [], [], 30)[0]:
            raise AssertionError("conman does not end")
        took = time.monotonic() - asked
    finally:
        os.close(ended)
    if process.wait():
        raise AssertionError(f"conman ended with code {process.returncode}")
    return {"took": took}


def memory_used(lab: Lab, run: Run) -> dict[str, float]:
    """Look at a daemon that has worked for a while, then at its libraries alone."""
    del run
    started = time.monotonic()
    pid = lab.ready().process.pid
    time.sleep(max(started + MEASURED_AFTER - time.monotonic(), 0))
    alone, shared = memory.pss_alone(pid), memory.pss([pid])
    children = memory.pss(memory.descendants(pid))
    lab.stop()
    libraries = _libraries()
    return {
        "alone": alone,
        "pss": shared,
        "children": children,
        "libraries": libraries,
        "ratio": alone / libraries,
    }


def _libraries() -> float:
    argv = (sys.executable, "-c", LIBRARIES)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdout and process.stdout.readline():  # all is imported
            found = memory.pss_alone(process.pid)
        process.communicate(b"\n")
    if process.returncode:
        raise RuntimeError(f"the libraries cannot be imported: exit {process.returncode}")
    return found


def cli(lab: Lab, run: Run) -> dict[str, float]:
    """Ask for the status, and let a Python do nothing."""
    if run.number == 0:
        lab.ready()
    folders = {"RUNTIME_DIRECTORY": str(lab.device.folder / "run/conman")}
    command = conman_command("status")
    program = command[command.index("STATE_DIRECTORY=/var/lib/conman") + 1 :]
    status = _timed(program, os.environ | folders)
    python = _timed((sys.executable, "-c", "pass"), os.environ)
    return {"status": status, "python": python, "ratio": status / python}


def _timed(argv: tuple[str, ...], env: Mapping[str, str]) -> float:
    started = time.monotonic()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=env)
    return time.monotonic() - started


_START = (
    Figure("first", "to the first answered packet", "s"),
    Figure("dhcp", "DHCP alone, to its address", "s"),
    Figure("difference", "difference", "s", 0.5),
    Figure("ratio", "ratio", "times"),
)
TRIALS_OF_START = (
    Trial("start", "start of conman, no lease known", _START, start),
    Trial("start-known", "start of conman, a lease is remembered", _START, start_known),
)
TRIALS = (
    Trial(
        "memory",
        "memory after 60 s, ethernet only",
        (
            Figure("alone", "daemon as the only Python program", "MiB", 24.0),
            Figure("pss", "daemon, PSS beside others", "MiB"),
            Figure("children", "its children, PSS", "MiB"),
            Figure("libraries", "its libraries alone", "MiB"),
            Figure("ratio", "ratio of daemon to libraries", "times"),
        ),
        memory_used,
        most_runs=3,
    ),
    Trial(
        "stop",
        "from SIGTERM to the end",
        (Figure("took", "time", "s", 5.0),),
        stop,
    ),
    Trial(
        "cli",
        "conman status",
        (
            Figure("status", "conman status", "s"),
            Figure("python", "python3 -c pass", "s"),
            Figure("ratio", "ratio", "times"),
        ),
        cli,
    ),
)

"""What a job of the lab's machine left behind: found, named and removed before the next one."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
PF_KTHREAD = 0x00200000  # linux/sched.h
GRACE = 3.0  # seconds that a daemon has to end after its test; emulation is slow


@dataclass(frozen=True, slots=True)
class State:
    """What was there before a job."""

    processes: frozenset[int]
    namespaces: frozenset[str]
    radios: frozenset[str]
    links: frozenset[str]
    mounts: int


def snapshot() -> State:
    """Look around."""
    mounts = len(Path("/proc/self/mounts").read_bytes().splitlines())
    return State(
        frozenset(processes()), names("/run/netns"), radios(), names("/sys/class/net"), mounts
    )


def names(folder: str) -> frozenset[str]:
    """What is in a folder that need not exist."""
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 - only the names are wanted
    except FileNotFoundError:
        return frozenset()


def radios() -> frozenset[str]:
    """The radios of the machine, also those that lie in namespaces."""
    return names("/sys/kernel/debug/ieee80211")


def processes() -> dict[int, str]:
    """The command line of every living process that is not the kernel's own."""
    found: dict[int, str] = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208 - only the names are wanted
        if not entry.isdigit():
            continue
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            # proc(5): the name may hold anything, so the fields are counted from its end
            fields = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()
            if fields[0] in "ZX" or int(fields[6]) & PF_KTHREAD:
                continue
            line = Path(f"/proc/{entry}/cmdline").read_bytes().replace(b"\0", b" ").strip()
            name = line or Path(f"/proc/{entry}/comm").read_bytes().strip()
            found[int(entry)] = name.decode(errors="replace")
    return found


def processes_left(before: State) -> list[str]:
    """Wait a little for processes of the job to end, kill the rest, and say what they were."""
    deadline = time.monotonic() + GRACE
    while True:
        left = {pid: line for pid, line in processes().items() if pid not in before.processes}
        if not left:
            return []
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
        reap()
    killed = sorted(f"{pid}: {line}" for pid, line in left.items())
    while left and time.monotonic() < deadline + GRACE:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)
        reap()
        left = {pid: line for pid, line in processes().items() if pid not in before.processes}
    return killed


def reap() -> None:
    """Collect what has ended."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def restore(before: State) -> None:
    """Remove the namespaces, radios, links and files of a job."""
    for name in names("/run/netns") - before.namespaces:
        call("ip", "netns", "del", name)
        shutil.rmtree(f"/etc/netns/{name}", ignore_errors=True)
    deadline = time.monotonic() + GRACE
    # those of a removed namespace come back into this one, a little later
    while radios() - before.radios and time.monotonic() < deadline:
        from tests.lab.hwsim import Hwsim

        with Hwsim() as hwsim:
            for radio in hwsim.radios():
                hwsim.remove(radio.ident)
        time.sleep(0.05)
    for name in names("/sys/class/net") - before.links:
        call("ip", "link", "del", name)
    # the latest mounts that are not the machine's own, newest first
    lines = Path("/proc/self/mounts").read_text().splitlines()[before.mounts :]
    for line in reversed(lines):
        target = line.split()[1]
        if not target.startswith("/run/netns"):
            call("umount", "-l", target)
    for path in Path("/tmp").iterdir():
        if path.name != "lab-job":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def call(*argv: str) -> None:
    """Run a program; what it could not do shows in the next test's own words."""
    subprocess.run(argv, check=False, capture_output=True, timeout=30)


def become_reaper() -> None:
    """Get the orphans of one's descendants also when systemd is process 1."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def power_off() -> NoReturn:
    """Switch the machine off at once: nothing on its disk is kept anyway."""
    Path("/proc/sysrq-trigger").write_text("o")
    while True:
        signal.pause()

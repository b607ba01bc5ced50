"""How much memory a process costs, from what the kernel says in /proc."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \d+ *(.*)")
#: the C library, which every process of a machine shares; all else counts as this program's alone
_EVERYBODYS = re.compile(r"(/ld-linux[^/]*|/lib(c|m|pthread|dl)\.so\.\d+|/gconv-modules\.cache)$")


def pss(pids: Iterable[int]) -> float:
    """Return the proportional set size of processes in MiB (proc_pid_smaps(5))."""
    return sum(_kib(f"/proc/{pid}/smaps_rollup", "Pss") for pid in pids) / 1024


def pss_alone(pid: int) -> float:
    """Return what the PSS of a process were if no other process ran its program, in MiB.

    Other Python programs on this machine, the bench's own among them, share the interpreter's
    pages, which makes PSS smaller than on a device where conman is the only one. So each page of
    a mapped file counts in full here, but for the C library's.
    """
    return alone(Path(f"/proc/{pid}/smaps").read_text()) / 1024


def alone(smaps: str) -> int:
    """Return the KiB of a smaps file: PSS of the C library, RSS of everything else."""
    total, key = 0, "Rss"
    for line in smaps.splitlines():
        if mapping := _MAPPING.fullmatch(line):
            key = "Pss" if _EVERYBODYS.search(mapping[1]) else "Rss"
        elif line.startswith(f"{key}:"):
            total += int(line.split()[1])
    return total


def descendants(pid: int) -> list[int]:
    """Return all processes that a process, or a child of it, has started and that still run."""
    children = [
        int(word)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for word in (task / "children").read_text().split()
    ]
    return [found for child in children for found in (child, *descendants(child))]


def _kib(path: str, key: str) -> int:
    for line in Path(path).read_text().splitlines():
        if line.startswith(f"{key}:"):
            return int(line.split()[1])
    raise ValueError(f"{path} has no {key}")

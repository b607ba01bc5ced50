"""Remembers the living child processes in a file, and ends those that a killed conman left.

PR_SET_PDEATHSIG would not do: the kernel clears it when a program changes its credentials
(prctl(2)), as dhcpcd does.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conman_core.errors import SystemFault
from conman_core.store import JsonStore

log = logging.getLogger(__name__)

_PROC = Path("/proc")
_NAME_LENGTH = 15  # TASK_COMM_LEN - 1, linux/sched.h
_RESEND = 0.1  # dhcpcd 9.4 loses a signal that comes while its hook runs
_POLL = 0.01
_LAST_WAIT = 1.0


@dataclass(frozen=True, slots=True)
class Entry:
    """A child as it was started. `start` is in clock ticks after boot; the pid leads a session."""

    pid: int
    start: int
    program: str


@dataclass(frozen=True, slots=True)
class Status:
    """What /proc/PID/stat says (proc_pid_stat(5))."""

    pid: int
    name: str
    state: str
    session: int
    start: int


def parse_status(text: str) -> Status:
    """Read the content of /proc/PID/stat. Raises ValueError."""
    before, closing, after = text.rpartition(")")  # the name may hold spaces and brackets
    pid, opening, name = before.partition(" (")
    fields = after.split()
    if not closing or not opening or len(fields) < 20:
        raise ValueError("not the content of /proc/PID/stat")
    return Status(int(pid), name, fields[0], int(fields[3]), int(fields[19]))


def read_status(pid: int) -> Status | None:
    """Return what the kernel knows about a process; None if there is none."""
    try:
        return parse_status((_PROC / str(pid) / "stat").read_text(errors="replace"))
    except OSError:
        return None


class Register:
    """The living children of this process, kept in a file too. May be used from any thread."""

    def __init__(self, path: Path | None) -> None:
        self._store = JsonStore(path) if path else None
        self._lock = threading.Lock()
        self._entries: dict[int, Entry] = {}

    def add(self, pid: int, program: str) -> None:
        """Remember a child that has just been started and not yet been waited for."""
        status = read_status(pid)
        if status is None:
            log.warning("process %d (%s) is not in /proc and cannot be remembered", pid, program)
            return
        with self._lock:
            self._entries[pid] = Entry(pid, status.start, program)
            self._save()

    def remove(self, pid: int) -> None:
        """Forget a child that has ended."""
        with self._lock:
            if self._entries.pop(pid, None):
                self._save()

    def groups(self) -> frozenset[int]:
        """Return the process groups of the living children."""
        with self._lock:
            return frozenset(self._entries)

    def end_all(self, limit: float) -> None:
        """End the living children with their helpers. Blocks for `limit` seconds and one more."""
        with self._lock:
            entries = list(self._entries.values())
        _end(entries, limit)

    def end(self, pids: Collection[int], limit: float) -> None:
        """End some of the living children, as `end_all` does."""
        with self._lock:
            entries = [entry for pid, entry in self._entries.items() if pid in pids]
        _end(entries, limit)

    def end_leftovers(self, limit: float) -> tuple[str, ...]:
        """End the children that an earlier conman left behind; return their names with pids.

        Blocks for at most `limit` seconds and one more. To be called before the first `add`.
        """
        if not self._store:
            return ()
        found = tuple(_read_entries(self._store.load()))
        left = [entry for entry in found if _members(entry)]
        if left:
            _end(left, limit)
        with self._lock:
            self._save()
        return tuple(f"{entry.program} ({entry.pid})" for entry in left)

    def _save(self) -> None:
        if not self._store:
            return
        children = [
            {"pid": entry.pid, "start": entry.start, "program": entry.program}
            for entry in self._entries.values()
        ]
        try:
            self._store.save({"children": children})
        except SystemFault as error:
            # A child that is not remembered matters only if conman is killed: go on.
            log.warning("children cannot be remembered: %s", error)


def _read_entries(values: dict[str, Any]) -> Iterator[Entry]:
    children = values.get("children", [])
    for child in children if isinstance(children, list) else [children]:
        match child:
            case {"pid": int(pid), "start": int(start), "program": str(program)} if pid > 1:
                yield Entry(pid, start, program)
            case _:
                log.warning("no child process is described by %.100r", child)


def _members(entry: Entry) -> list[int]:
    """Return the pids that are left of a child: itself, or helpers that survived it.

    A number that was given to another process is not ours. It cannot be given away while a helper
    still has it as its session, so helpers without their leader are known by session and name.
    """
    leader = read_status(entry.pid)
    if leader and leader.start != entry.start:
        return []
    name = entry.program.rpartition("/")[2][:_NAME_LENGTH]
    pids = (int(path.name) for path in _PROC.iterdir() if path.name.isdigit())
    return [
        status.pid
        for status in map(read_status, pids)
        if status
        and status.session == entry.pid
        and status.state not in "ZX"
        and status.start >= entry.start
        and (leader or status.name == name)
    ]


def _end(entries: list[Entry], limit: float) -> None:
    started = time.monotonic()
    resend = started
    how = signal.SIGTERM
    while left := {entry.pid: pids for entry in entries if (pids := _members(entry))}:
        now = time.monotonic()
        if now > started + limit + _LAST_WAIT:
            log.warning("processes %s do not end", sorted(left))
            return
        if now > started + limit:
            how = signal.SIGKILL
        if now >= resend:
            resend = now + _RESEND
            for pid in (pid for pids in left.values() for pid in pids):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, how)
        time.sleep(_POLL)

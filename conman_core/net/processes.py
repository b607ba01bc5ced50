"""Which programs run in this network namespace, read from /proc without starting anything."""

from __future__ import annotations

import os
from pathlib import Path

COMM_LENGTH = 15  #: the kernel keeps this much of a program's name, TASK_COMM_LEN of linux/sched.h


class Processes:
    """Looks programs up by name. What was found last is looked at first, so that it is cheap."""

    def __init__(self, proc: Path = Path("/proc")) -> None:
        self._proc = proc
        self._found: dict[str, int] = {}

    def running(self, program: str) -> bool:
        """Tell whether a program runs in the network namespace of the calling thread."""
        name = program[:COMM_LENGTH]
        known = self._found.get(name)
        if known is not None and self.is_here(known, name):
            return True
        self._found.pop(name, None)
        for entry in os.listdir(self._proc):  # noqa: PTH208 - some hundred names, often
            if entry.isdecimal() and self.is_here(int(entry), name):
                self._found[name] = int(entry)
                return True
        return False

    def is_here(self, pid: int, program: str) -> bool:
        """Tell whether a process lives, has this name and shares our network namespace."""
        try:
            handle = os.open(f"{self._proc}/{pid}/comm", os.O_RDONLY | os.O_CLOEXEC)
            try:
                name = os.read(handle, COMM_LENGTH + 1).rstrip(b"\n")
            finally:
                os.close(handle)
        except OSError:
            return False
        return name == program[:COMM_LENGTH].encode() and self.shares_network(pid)

    def shares_network(self, pid: int) -> bool:
        """Tell whether a living process is in the network namespace of the calling thread.

        Compares net/dev, of which each namespace has its own inode: unlike ns/net it may be
        read without CAP_SYS_PTRACE, which a locked-down service does not have. A zombie has none.
        """
        try:
            theirs = (self._proc / str(pid) / "net/dev").stat()
            ours = (self._proc / "thread-self/net/dev").stat()
        except OSError:
            return False
        return (theirs.st_dev, theirs.st_ino) == (ours.st_dev, ours.st_ino)

    def group(self, pid: int) -> int | None:
        """Return the process group of a process; None if it is gone."""
        try:
            stat = (self._proc / str(pid) / "stat").read_text(errors="replace")
            # the name in parentheses may hold anything: proc(5), field 5 counts from after it
            return int(stat.rpartition(")")[2].split()[2])
        except (OSError, ValueError, IndexError):
            return None

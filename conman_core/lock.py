"""One conman for one runtime folder: a lock that ends with the process that holds it."""

from __future__ import annotations

import fcntl
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from conman_core.errors import AlreadyRunning, SystemFault

_HOLDER = re.compile(rb"([1-9][0-9]{0,9}) ([0-9T:+-]{16,40})\n")


class Lock:
    """flock(2) on a file. The kernel ends it with the process, so it is never stale."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock. Raises AlreadyRunning, which names the holder, or SystemFault."""
        try:
            descriptor = self._open()
        except OSError as error:
            raise SystemFault(
                f"{self.path} cannot be locked: {error.strerror}; run conman as root"
            ) from error
        since = datetime.now(UTC).isoformat(timespec="seconds")
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {since}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; nothing happens if it is not held."""
        if self._descriptor is not None:
            # The file stays: removing it would let two programs lock two files of one name.
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(self.path, flags, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            content = os.pread(descriptor, 100, 0)
            os.close(descriptor)
            raise AlreadyRunning(_sentence(content)) from None
        except OSError:
            os.close(descriptor)
            raise
        return descriptor

    def __enter__(self) -> Lock:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _sentence(content: bytes) -> str:
    """Return who runs already, by what the lock file says, and how to stop it."""
    match = _HOLDER.fullmatch(content)
    if not match:  # it was locked a moment ago and has not signed yet
        return "conman is running already; stop it with: sudo systemctl stop conman"
    pid, since = int(match[1]), match[2].decode()
    stop = "sudo systemctl stop conman" if _is_service(pid) else f"sudo kill {pid}"
    return f"conman is running already (pid {pid}, since {since}); stop it with: {stop}"


def _is_service(pid: int) -> bool:
    """Whether systemd runs this process as conman's unit, and would start it again."""
    try:
        return "/conman.service" in Path(f"/proc/{pid}/cgroup").read_text()
    except (OSError, ValueError):
        return False

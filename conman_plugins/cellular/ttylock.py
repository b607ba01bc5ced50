"""The lock files by which programs leave serial ports to one another (FHS 5.9)."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from conman_core import ConnectError, Reason

LOCKS = Path("/var/lock")
_TRIES = 3


def lock(path: str) -> Path | None:
    """Lock a port; return the file to be removed, None where there are no locks.

    Raises ConnectError(BUSY) if a living program has it, as pppd and minicom do.
    """
    file = LOCKS / f"LCK..{path.rpartition('/')[2]}"
    for _ in range(_TRIES):
        try:
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
        except FileExistsError:
            _must_be_stale(file, path)
            continue
        except OSError:  # a system without that folder, or one that we may not write to
            return None
        with os.fdopen(handle, "w") as written:
            written.write(f"{os.getpid():10d}\n")
        return file
    raise ConnectError(Reason.BUSY, f"{path} is locked again and again by others ({file})")


def unlock(file: Path | None) -> None:
    """Remove a lock. Never raises."""
    if file:
        with contextlib.suppress(OSError):
            file.unlink()


def _must_be_stale(file: Path, path: str) -> None:
    """Remove a lock whose program is gone. Raises ConnectError if it lives."""
    try:
        text = file.read_text(errors="replace")
    except OSError:
        return
    found = re.match(r" *([0-9]{1,10})\b", text)
    program = _program(found[1]) if found else ""
    if found and program:
        raise ConnectError(
            Reason.BUSY, f"{program} uses {path}; to end it, as root: kill {found[1]}"
        )
    with contextlib.suppress(OSError):
        file.unlink()


def _program(pid: str) -> str:
    """Return the name of a process, empty if there is none."""
    try:
        return Path(f"/proc/{int(pid)}/comm").read_text(errors="replace").strip()
    except OSError:
        return ""

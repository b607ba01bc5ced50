"""Files that must survive a power cut: atomic writes, and small JSON memories made of them."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import re
import stat
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from conman_core.errors import SystemFault

log = logging.getLogger(__name__)

LARGEST = 1 << 20  #: bytes; a state file beyond this is not ours and must not fill the memory

_REMEDIES = {
    errno.ENOSPC: "the disk is full; free some space, see: df -h {folder}",
    errno.EDQUOT: "the disk quota is used up; free some space in {folder}",
    errno.EROFS: "the file system is read-only; see: findmnt -T {folder}",
    errno.EACCES: "permission denied; run conman as root",
    errno.EPERM: "not permitted; if it was made immutable: chattr -i {path}",
}


def write_atomic(path: Path, data: bytes, mode: int = 0o600, *, keep_owner: bool = False) -> None:
    """Replace a file so that a reader, or a power cut, finds the old content or the new one.

    `keep_owner` keeps owner and mode of a file that is already there; `mode` is for a new one.
    A symbolic link is replaced, not followed. Any number of threads may write at once.
    Raises SystemFault, with `errno` set, and leaves the old content and no temporary file.
    """
    try:
        _replace(path, data, mode, keep_owner)
    except OSError as error:
        raise write_fault(path, error) from error


def write_fault(path: Path, error: OSError) -> SystemFault:
    """Return the error that tells a person why a file could not be written and what to do."""
    remedy = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
    fault = SystemFault(
        f"cannot write {path}: {remedy.format(path=path, folder=path.parent)}",
    )
    fault.errno = error.errno
    return fault


def _replace(path: Path, data: bytes, mode: int, keep_owner: bool) -> None:
    # A thread writes one file at a time, so its id makes the name unique; after a crash the name
    # may be there already and is used again.
    temporary = path.with_name(f".{path.name}.{threading.get_native_id()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "wb", buffering=0) as file:
            _take_over_mode(path, file.fileno(), mode, keep_owner)
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _sync_folder(path.parent)


def remove_torn(path: Path) -> None:
    """Remove what an earlier life that was killed left of `write_atomic` beside a file.

    Only files of this user and exactly that name, whose writer lives no more. Never raises.
    """
    name = re.compile(rf"\.{re.escape(path.name)}\.([1-9][0-9]{{0,9}})\.tmp")
    with contextlib.suppress(OSError):
        for found in os.listdir(path.parent):  # noqa: PTH208 - names are all that is needed
            match = name.fullmatch(found)
            if match and not Path(f"/proc/{match[1]}").exists():
                _remove_own(path.with_name(found))


def _remove_own(path: Path) -> None:
    with contextlib.suppress(OSError):
        status = path.lstat()
        if stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid():
            path.unlink()
            log.info("removed %s, which was left by a write that was cut short", path)


def _take_over_mode(path: Path, handle: int, mode: int, keep_owner: bool) -> None:
    if keep_owner:
        with contextlib.suppress(FileNotFoundError):
            before = path.lstat()
            os.fchown(handle, before.st_uid, before.st_gid)
            mode = before.st_mode & 0o7777
    os.fchmod(handle, mode)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync a folder
            raise
    finally:
        os.close(handle)


class JsonStore:
    """A small memory in one file: a JSON object, readable by its owner only.

    A file that cannot be used never stops the start: it is set aside as `NAME.corrupt`, where
    the latest one is kept for whoever wants to look.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> dict[str, Any]:
        """Return what was saved last; empty if nothing was, or if it cannot be read."""
        remove_torn(self.path)
        try:
            data = self._read()
        except FileNotFoundError:
            return {}
        except OSError as error:
            self._set_aside(error.strerror or str(error))
            return {}
        try:
            values = json.loads(data)
        except (ValueError, RecursionError) as error:
            self._set_aside(f"it is not JSON: {error}" if data else "it is empty")
            return {}
        if not isinstance(values, dict):
            self._set_aside("it is not a JSON object")
            return {}
        return values

    def save(self, values: Mapping[str, Any]) -> None:
        """Replace all that was saved. Nothing is written if the file holds the same already.

        Keys must be text. Raises SystemFault if the file cannot be written, and TypeError or
        ValueError if a value has no JSON form.
        """
        data = json.dumps(dict(values), indent=1, sort_keys=True).encode() + b"\n"
        if len(data) > LARGEST:
            raise ValueError(f"{len(data)} bytes are too many for {self.path}")
        with contextlib.suppress(OSError):
            if self._read() == data:
                return
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise write_fault(self.path, error) from error
        write_atomic(self.path, data)

    def _read(self) -> bytes:
        # O_NONBLOCK: a FIFO in the file's place must not hang the start
        handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(handle, "rb") as file:
            return file.read(LARGEST + 1)

    def _set_aside(self, why: str) -> None:
        aside = self.path.with_name(f"{self.path.name}.corrupt")
        try:
            self.path.replace(aside)
        except OSError as error:
            log.warning("cannot use %s: %s; nor set it aside: %s", self.path, why, error.strerror)
            return
        log.warning("cannot use %s: %s; set aside as %s", self.path, why, aside)


class SharedStore(JsonStore):
    """A memory that several threads of this process may change, each knowing of the others."""

    _locks: ClassVar[dict[Path, threading.Lock]] = {}  # one for each file

    @contextlib.contextmanager
    def changing(self) -> Iterator[dict[str, Any]]:
        """Give what is saved, to be changed; it is saved at the end of the block.

        Nobody else's change comes in between; after an exception nothing is saved. Raises as
        `save` does.
        """
        with self._locks.setdefault(self.path, threading.Lock()):
            values = self.load()
            yield values
            self.save(values)

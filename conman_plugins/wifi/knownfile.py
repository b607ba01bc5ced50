"""The file of known networks: /etc/wpa_supplicant/wpa_supplicant.conf, which users edit by hand.

It is written as a whole, atomically, by one writer at a time: the daemon and the command line add
networks to it. A symbolic link is followed. A file that is a mount of its own (in a container)
cannot be replaced and is written in place. It becomes mode 0600, for it has keys; its owner stays.
The version before stands beside it, mode 0600 too, as `wpa_supplicant.conf.conman-bak`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from conman_core.errors import SystemFault
from conman_core.store import remove_torn, write_atomic, write_fault
from conman_plugins.wifi.network import Network
from conman_plugins.wifi.wpaconf import KnownNetworks, read

log = logging.getLogger(__name__)

BACKUP = ".conman-bak"  #: added to the file's name; `.bak` may be a user's own
LARGEST = 1 << 20  #: bytes
LOCK_LIMIT = 10.0  #: seconds to wait for another writer, who needs some milliseconds
_LOCK_POLL = 0.02
#: what the kernel says when a file can be written, but not replaced
_NOT_REPLACEABLE = frozenset({errno.EBUSY, errno.EROFS, errno.EACCES, errno.EPERM})

Fingerprint = tuple[int, ...]


class KnownFile:
    """The known networks in a file. Any number of processes and threads may use the same file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._loaded: Fingerprint | None = None
        target = Path(os.path.realpath(path))
        for each in (target, target.with_name(target.name + BACKUP)):
            remove_torn(each)

    def load(self) -> KnownNetworks:
        """Read the file; one that is not there knows no network.

        Raises SystemFault if it cannot be read.
        """
        try:
            data, self._loaded = self._read()
        except FileNotFoundError:
            data, self._loaded = b"", None
        return read(data)

    def fingerprint(self) -> Fingerprint | None:
        """Return what tells one version from another; None if there is no file. Reads nothing."""
        try:
            return _fingerprint(self.path.stat())
        except OSError:
            return None

    def changed(self) -> bool:
        """Tell whether the file is another one than was loaded last."""
        return self.fingerprint() != self._loaded

    def add(self, network: Network) -> None:
        """Add a network, or its new key.

        Raises SystemFault if the file cannot be read or written; it is as it was then.
        """
        self._change(lambda known: known.with_network(network))

    def forget(self, ssid: bytes) -> bool:
        """Remove the networks of this SSID; tell whether there were any.

        Raises SystemFault if the file cannot be read or written; it is as it was then.
        """
        return self._change(lambda known: known.without(ssid))

    def _change(self, edit: Callable[[KnownNetworks], bytes]) -> bool:
        target = Path(os.path.realpath(self.path))
        with self._locked(target.parent):
            try:
                before: bytes | None = self._read()[0]
            except FileNotFoundError:
                before = None
            after = edit(read(before or b""))
            if after == (before or b""):
                return False
            _write(target, before, after)
            return True

    def _read(self) -> tuple[bytes, Fingerprint]:
        """Return the content and what tells it from others. Raises FileNotFoundError too."""
        try:
            # O_NONBLOCK: a FIFO in the file's place must not hang the driver
            handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                found = os.fstat(handle)
                if not stat.S_ISREG(found.st_mode):
                    raise SystemFault(f"{self.path} is not a file; see: ls -ldL {self.path}")
                with os.fdopen(handle, "rb", closefd=False) as file:
                    data = file.read(LARGEST + 1)
            finally:
                os.close(handle)
        except (FileNotFoundError, SystemFault):
            raise
        except PermissionError as error:
            sentence = f"{self.path} cannot be read: permission denied; run conman as root"
            raise SystemFault(sentence) from error
        except OSError as error:
            why = error.strerror or str(error)
            raise SystemFault(
                f"{self.path} cannot be read: {why}; see: ls -l {self.path}"
            ) from error
        if len(data) > LARGEST:
            raise SystemFault(
                f"{self.path} has more than {LARGEST} bytes, which no list of networks has;"
                f" look into it: less {self.path}"
            )
        return data, _fingerprint(found)

    @contextlib.contextmanager
    def _locked(self, folder: Path) -> Iterator[None]:
        """Keep other writers out. The folder is locked, since the file is replaced."""
        try:
            folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise write_fault(self.path, error) from error
        try:
            deadline = time.monotonic() + LOCK_LIMIT
            while not _lock(handle):
                if time.monotonic() > deadline:
                    raise SystemFault(
                        f"{self.path} is being changed by another program all the time;"
                        f" see: fuser -v {folder}"
                    )
                time.sleep(_LOCK_POLL)  # flock(2) has no time limit of its own
            yield
        finally:
            os.close(handle)


def _lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:  # some network file systems have no locks
        log.debug("no lock for the known networks: %s", error.strerror)
    return True


def _fingerprint(found: os.stat_result) -> Fingerprint:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _write(target: Path, before: bytes | None, after: bytes) -> None:
    if before is not None:
        if os.geteuid() and not os.access(target, os.W_OK):
            raise write_fault(target, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
        _back_up(target, before)
        try:
            target.chmod(0o600)  # before the new key is in it
        except OSError as error:
            raise write_fault(target, error) from error
    try:
        write_atomic(target, after, 0o600, keep_owner=True)
    except SystemFault as error:
        if before is None or error.errno not in _NOT_REPLACEABLE:
            raise
        _write_in_place(target, after)


def _back_up(target: Path, before: bytes) -> None:
    backup = target.with_name(target.name + BACKUP)
    try:
        write_atomic(backup, before, 0o600)
    except SystemFault as error:
        if error.errno not in _NOT_REPLACEABLE:
            raise
        log.warning("the known networks are changed without a backup: %s", error)


def _write_in_place(target: Path, data: bytes) -> None:
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        with os.fdopen(handle, "wb", buffering=0) as file:
            left = memoryview(data)
            while left:
                left = left[file.write(left) :]
            file.truncate()
            os.fsync(handle)
    except OSError as error:
        raise write_fault(target, error) from error

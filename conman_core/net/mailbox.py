"""A datagram socket with a name in the file system, for others to answer to."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import re
import socket
import struct
from collections.abc import Callable
from pathlib import Path

_LARGEST = 16384  #: bytes of a message: four times what wpa_supplicant and hostapd reply at most
_MOST_AT_ONCE = 1024  #: messages, before others get their turn
_UCRED = struct.Struct("=iII")  # unix(7): pid, uid, gid
_ANCILLARY = socket.CMSG_SPACE(_UCRED.size)
_numbers = itertools.count()


class Mailbox:
    """Belongs to the event loop that made it; only root and this process's user may write to it.

    `take` gets each message with the pid of its sender, 0 if that cannot be seen from here.
    `emptied` is told how many came at once.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        take: Callable[[bytes, int], None],
        emptied: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Make it, and remove what killed processes left under that name. Raises OSError."""
        _sweep(folder, name)
        self.path = folder / f"{name}.{os.getpid()}.{next(_numbers)}"
        self._take = take
        self._emptied = emptied
        self._loop = asyncio.get_running_loop()
        flags = socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_UNIX, flags)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            os.fchmod(self._socket.fileno(), 0o600)  # before bind: unix(7) gives it to the name
            with contextlib.suppress(FileNotFoundError):
                self.path.unlink()
            self._socket.bind(os.fspath(self.path))
        except BaseException:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self.read)

    def send(self, message: bytes, to: Path) -> None:
        """Send a message. Raises BlockingIOError if the other reads none, and other OSErrors."""
        self._socket.sendto(message, os.fspath(to))

    def close(self) -> None:
        """Remove it; what was not read is lost. A second time is fine."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            with contextlib.suppress(OSError):  # the folder may have been removed before
                self.path.unlink()

    def read(self) -> None:
        """Take what is there."""
        count = 0
        while count < _MOST_AT_ONCE:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(_LARGEST, _ANCILLARY)
            except BlockingIOError:
                break
            count += 1
            self._take(data, _sender(ancillary))
        self._emptied(count)


def _sender(ancillary: list[tuple[int, int, bytes]]) -> int:
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return int(_UCRED.unpack_from(data)[0])
    return 0


def _sweep(folder: Path, name: str) -> None:
    """Remove the names of processes that were killed before they could do it."""
    with contextlib.suppress(OSError):  # it only keeps the folder tidy
        for path in folder.iterdir():
            found = re.fullmatch(re.escape(name) + r"\.([0-9]{1,9})\.[0-9]+", path.name)
            if found and not Path(f"/proc/{found[1]}").exists():
                path.unlink(missing_ok=True)

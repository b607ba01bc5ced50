"""What the kernel tells of devices that come and go (NETLINK_KOBJECT_UEVENT).

udev gets the same messages; these are the kernel's own, so nothing has to run for them.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

log = logging.getLogger(__name__)

_PROTOCOL = 15  #: NETLINK_KOBJECT_UEVENT, linux/netlink.h
_KERNEL = 1  #: the group that the kernel sends to; udev's own is 2
_LARGEST = 1 << 14  #: bytes; the kernel's limit is 2 KiB and the path (UEVENT_BUFFER_SIZE)
_BUFFER = 1 << 18
_AT_ONCE = 64
#: of which a modem is made; `net` is watched by the core already
_KINDS = frozenset({("usb", "usb_device"), ("tty", ""), ("usbmisc", ""), ("block", "disk")})
_ACTIONS = frozenset({"add", "remove", "bind"})


@dataclass(frozen=True, slots=True)
class Uevent:
    """One message: `action` is add, remove, change, bind ...; `path` is below /sys."""

    action: str
    path: str
    subsystem: str = ""
    devtype: str = ""

    @property
    def concerns_modems(self) -> bool:
        """A part of a modem may have come or gone."""
        return self.action in _ACTIONS and (self.subsystem, self.devtype) in _KINDS


def parse(data: bytes) -> Uevent | None:
    """Read a message of the kernel's, None if it is none. Never raises."""
    head, *lines = data.split(b"\0")
    action, at, path = head.decode(errors="replace").partition("@")
    if not at or not action.isalpha() or not path.startswith("/"):
        return None  # udev's messages begin with `libudev`
    values = dict(line.decode(errors="replace").partition("=")[::2] for line in lines if line)
    return Uevent(action, path, values.get("SUBSYSTEM", ""), values.get("DEVTYPE", ""))


class Plugs:
    """Listens for modems and parts of them until closed."""

    def __init__(self) -> None:
        self._socket = socket.socket(
            socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, _PROTOCOL
        )
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
            self._socket.bind((0, _KERNEL))
        except OSError:
            self._socket.close()
            raise
        self._changed = asyncio.Event()

    async def changes(self) -> AsyncIterator[None]:
        """Yield each time that something of a modem has come or gone; many at once count once."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._socket, self._read)
        try:
            while True:
                await self._changed.wait()
                self._changed.clear()
                yield
        finally:
            loop.remove_reader(self._socket)

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()

    def _read(self) -> None:
        for _ in range(_AT_ONCE):
            try:
                data, sender = self._socket.recvfrom(_LARGEST)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                log.debug("some news of devices were lost: looking at all of them")
                self._changed.set()
                continue
            event = parse(data) if sender[0] == 0 else None  # any process may send; the kernel is 0
            if event and event.concerns_modems:
                self._changed.set()

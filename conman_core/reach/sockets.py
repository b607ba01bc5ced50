"""Sockets that can only use one link: bound to its device and to its address there."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from types import TracebackType

from conman_core.model import Family
from conman_core.reach.path import Path

_BATCH = 32  #: packets read before the event loop gets its turn again
_LARGEST = 2048

Packet = Callable[[bytes, str], None]  #: is given a packet and the address that it came from


def bound(path: Path, kind: int, protocol: int = 0) -> socket.socket:
    """Return a non-blocking socket that sends and receives over this path only.

    Binding to the device alone would let the kernel choose another of its addresses; binding to
    the address alone would let it choose another device.
    Raises OSError: ENODEV, EADDRNOTAVAIL, EPERM.
    """
    family = socket.AF_INET if path.family is Family.IPV4 else socket.AF_INET6
    made = socket.socket(family, kind, protocol)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, path.interface.encode())
        made.bind((str(path.source.ip), 0))
    except OSError:
        made.close()
        raise
    return made


def explain(error: OSError) -> str:
    """Return what the kernel said, in the words of strerror(3)."""
    return os.strerror(error.errno).lower() if error.errno else str(error)


class Listener:
    """A datagram or packet socket that is read whenever something is there; closes it at the end.

    However much arrives, the event loop and its timers keep their turn.
    """

    def __init__(
        self,
        sock: socket.socket,
        on_packet: Packet,
        on_error: Callable[[OSError], None] = lambda _: None,
    ) -> None:
        self._socket = sock
        self._on_packet = on_packet
        self._on_error = on_error
        self._loop = asyncio.get_running_loop()

    def __enter__(self) -> Listener:
        self._loop.add_reader(self._socket, self._read)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _read(self) -> None:
        for _ in range(_BATCH):
            try:
                packet, sender = self._socket.recvfrom(_LARGEST)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:  # what became of an earlier send
                self._on_error(error)
                return
            self._on_packet(packet, str(sender[0]))

"""A USB device whose wire is a socket: the kernel's vhci_hcd has the other end.

The USB/IP protocol of requests (URBs), from Documentation/usb/usbip_protocol.rst: every message has
a head of 48 bytes in network order. The host's requests for data stay pending until there is some,
each device's end being the one of a socket pair that `attach` gives to the kernel.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.lab.modems.descriptors import IN

VHCI = Path("/sys/devices/platform/vhci_hcd.0")
HIGH_SPEED = 3
CMD_SUBMIT, CMD_UNLINK, RET_SUBMIT, RET_UNLINK = 1, 2, 3, 4
HEAD = struct.Struct(">IIIII")  # command, seqnum, devid, direction, endpoint
SUBMIT = struct.Struct(">IiIIi8s")  # flags, length, first frame, packets, interval, setup
SIZE = 48
SETUP = struct.Struct("<BBHHH")
STANDARD, TYPE = 0x00, 0x60
GET_STATUS, CLEAR_FEATURE, SET_FEATURE, GET_DESCRIPTOR = 0, 1, 3, 6
GET_CONFIGURATION, SET_CONFIGURATION, GET_INTERFACE, SET_INTERFACE = 8, 9, 10, 11
MOST_QUEUED = 256  # messages for an endpoint that nobody reads; the oldest are lost


class Setup(NamedTuple):
    """The first 8 bytes of a control transfer."""

    kind: int  #: direction in bit 7, then standard, class or vendor, then whom it is for
    request: int
    value: int
    subject: int  #: the interface or endpoint that it is about
    length: int


class Submit(NamedTuple):
    """The host wants to send or to receive."""

    seqnum: int
    endpoint: int  #: with bit 7 set for data to the host
    length: int
    setup: Setup
    data: bytes


class Unlink(NamedTuple):
    """The host wants a request back."""

    seqnum: int
    wanted: int


def parse(buffer: bytearray) -> Submit | Unlink | None:
    """Take the next message out of a buffer, None if it is not complete. Raises ValueError."""
    if len(buffer) < SIZE:
        return None
    command, seqnum, _, direction, endpoint = HEAD.unpack_from(buffer)
    if command == CMD_UNLINK:
        (wanted,) = struct.unpack_from(">I", buffer, HEAD.size)
        del buffer[:SIZE]
        return Unlink(seqnum, wanted)
    if command != CMD_SUBMIT:
        raise ValueError(f"USB/IP: command {command}")
    _, length, _, _, _, setup = SUBMIT.unpack_from(buffer, HEAD.size)
    size = 0 if direction else length
    if len(buffer) < SIZE + size:
        return None
    data = bytes(buffer[SIZE : SIZE + size])
    del buffer[: SIZE + size]
    address = endpoint | (IN if direction else 0)
    return Submit(seqnum, address, length, Setup(*SETUP.unpack(setup)), data)


def submitted(seqnum: int, status: int, length: int, data: bytes = b"") -> bytes:
    """The answer to a Submit; `status` is 0 or a negative errno."""
    head = HEAD.pack(RET_SUBMIT, seqnum, 0, 0, 0)
    return head + struct.pack(">iiIIi8x", status, length, 0, 0, 0) + data


def unlinked(seqnum: int, status: int) -> bytes:
    return HEAD.pack(RET_UNLINK, seqnum, 0, 0, 0) + struct.pack(">i24x", status)


@dataclass
class Handlers:
    """Whom a device asks. A control transfer that is not understood is None: a stall."""

    descriptor: Callable[[int, int], bytes | None]
    control: Callable[[Setup, bytes], bytes | None]
    out: Callable[[int, bytes], object]
    configured: Callable[[int], object]


class Device:
    """One end of the wire. Feed it with `receive`, queue data for the host with `send`."""

    def __init__(self, handlers: Handlers, write: Callable[[bytes], object]) -> None:
        self._handlers = handlers
        self._write = write
        self._buffer = bytearray()
        self._pending: dict[int, deque[tuple[int, int]]] = {}  #: endpoint: (seqnum, length)
        self._queued: dict[int, deque[bytes]] = {}
        self._configuration = 0
        self.silent = False  #: no request is answered, as when the firmware hangs

    def receive(self, data: bytes) -> None:
        """Take bytes of the wire."""
        self._buffer += data
        while message := parse(self._buffer):
            if isinstance(message, Unlink):
                self._unlink(message)
            elif message.endpoint & ~IN == 0:
                self._control(message)
            elif message.endpoint & IN:
                waiting = self._pending.setdefault(message.endpoint, deque())
                waiting.append((message.seqnum, message.length))
                self._flush(message.endpoint)
            else:
                self._write(submitted(message.seqnum, 0, len(message.data)))
                self._handlers.out(message.endpoint, message.data)

    def send(self, endpoint: int, data: bytes) -> None:
        """Queue a message for the host; a longer one than it asks for comes in pieces."""
        queue = self._queued.setdefault(endpoint, deque(maxlen=MOST_QUEUED))
        queue.append(data)
        self._flush(endpoint)

    def queued(self, endpoint: int) -> int:
        """How many messages the host has not fetched."""
        return len(self._queued.get(endpoint, ()))

    def forget(self, endpoint: int) -> None:
        """Drop what the host has not fetched."""
        self._queued.pop(endpoint, None)

    def _flush(self, endpoint: int) -> None:
        waiting, queue = self._pending.get(endpoint), self._queued.get(endpoint)
        while waiting and queue:
            seqnum, length = waiting.popleft()
            data = queue.popleft()
            if len(data) > length:
                queue.appendleft(data[length:])
                data = data[:length]
            self._write(submitted(seqnum, 0, len(data), data))

    def _unlink(self, message: Unlink) -> None:
        for waiting in self._pending.values():
            for request in waiting:
                if request[0] == message.wanted:
                    waiting.remove(request)
                    self._write(unlinked(message.seqnum, -errno.ECONNRESET))
                    return
        self._write(unlinked(message.seqnum, 0))

    def _control(self, message: Submit) -> None:
        setup = message.setup
        standard = setup.kind & TYPE == STANDARD
        if self.silent and not standard:
            # never answered; taken back by CMD_UNLINK when the host's patience ends
            self._pending.setdefault(0, deque()).append((message.seqnum, message.length))
            return
        answer = self._standard(setup) if standard else self._handlers.control(setup, message.data)
        if answer is None:
            self._write(submitted(message.seqnum, -errno.EPIPE, 0))
        elif setup.kind & IN:
            answer = answer[: setup.length]
            self._write(submitted(message.seqnum, 0, len(answer), answer))
        else:
            self._write(submitted(message.seqnum, 0, len(message.data)))

    def _standard(self, setup: Setup) -> bytes | None:
        if setup.request == GET_DESCRIPTOR:
            return self._handlers.descriptor(setup.value >> 8, setup.value & 0xFF)
        if setup.request == SET_CONFIGURATION:
            self._configuration = setup.value & 0xFF
            self._queued.clear()
            self._handlers.configured(self._configuration)
            return b""
        if setup.request == GET_CONFIGURATION:
            return bytes([self._configuration])
        if setup.request == GET_STATUS:
            return b"\0\0"
        if setup.request == GET_INTERFACE:
            return b"\0"
        if setup.request in (SET_INTERFACE, CLEAR_FEATURE, SET_FEATURE):
            return b""
        return None


def is_free(port: int) -> bool:
    """Whether nothing is plugged into a port, and the kernel is done with what was."""
    fields = [line.split() for line in (VHCI / "status").read_text().splitlines()[1:]]
    return any(int(line[1]) == port and line[2] == "004" for line in fields)


def where(port: int) -> str:
    """The kernel's name of the device in a port, such as 1-2; empty before it has one."""
    for line in (VHCI / "status").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1]) == port and fields[6] != "0-0":
            return fields[6]
    return ""


def attach(port: int) -> socket.socket:
    """Plug a device into a port of this process's; the socket is its wire. Raises OSError."""
    ours, theirs = socket.socketpair()
    with theirs:
        words = f"{port} {theirs.fileno()} {(1 << 16) + port + 1} {HIGH_SPEED}"
        (VHCI / "attach").write_text(words)
    return ours

"""Questions to other managers over the system bus, without a D-Bus library.

The state files of NetworkManager are not enough: it writes none for an interface without a
signal, and leaves old ones behind. Facts: D-Bus Specification 0.42, "Message Protocol" and
"Authentication Protocol"; NetworkManager's org.freedesktop.NetworkManager(.Device) interfaces.
"""

from __future__ import annotations

import itertools
import os
import socket
import struct
import time
from pathlib import Path

_NM = "org.freedesktop.NetworkManager"
_CALL, _RETURN, _ERROR = 1, 2, 3
_NO_AUTO_START = 2  # asking must not start a service that an administrator has stopped
_PATH, _INTERFACE, _MEMBER, _REPLY_SERIAL, _DESTINATION, _SIGNATURE = 1, 2, 3, 5, 6, 8
_LARGEST = 1 << 16


class BusError(Exception):
    """The bus, or who was asked, gave no usable answer."""


def manages(bus: Path, interface: str, limit: float = 0.3) -> bool | None:
    """Ask NetworkManager whether it manages an interface; None if it does not answer or know it.

    Blocks for `limit` seconds at most.
    """
    try:
        with _Bus(bus, time.monotonic() + limit) as session:
            root = "/org/freedesktop/NetworkManager"
            found = session.call(_NM, root, _NM, "GetDeviceByIpIface", interface)
            device = _text(found, 0)
            properties = "org.freedesktop.DBus.Properties"
            value = session.call(_NM, device, properties, "Get", f"{_NM}.Device", "Managed")
    except (OSError, BusError):
        return None
    # a variant of signature `b`: length 1, 'b', NUL, padding to 4, a 32-bit boolean
    if len(value) != 8 or value[:3] != b"\x01b\x00":
        return None
    return value[4:] != bytes(4)


def managed_objects(bus: Path, service: str, root: str, limit: float = 0.3) -> bytes | None:
    """Return all that a service says of its objects, as it is in the message; None if nothing.

    The texts in it are as D-Bus writes them: their length in four bytes, UTF-8, NUL.
    Blocks for `limit` seconds at most.
    """
    manager = "org.freedesktop.DBus.ObjectManager"
    try:
        with _Bus(bus, time.monotonic() + limit) as session:
            return session.call(service, root, manager, "GetManagedObjects")
    except (OSError, BusError):
        return None


class _Bus:
    """One short connection to a message bus."""

    def __init__(self, path: Path, deadline: float) -> None:
        self._deadline = deadline
        self._serials = itertools.count(1)
        self._buffer = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            self._wait()
            self._socket.connect(os.fspath(path))
            self._authenticate()
            self.call(
                "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "Hello"
            )
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> _Bus:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def call(self, destination: str, path: str, interface: str, member: str, *words: str) -> bytes:
        """Call a method with text arguments and return the body of its answer."""
        serial = next(self._serials)
        names = {_INTERFACE: interface, _MEMBER: member, _DESTINATION: destination}
        self._send(encode_call(serial, path, names, words))
        while True:
            kind, reply_to, body = self._receive()
            if reply_to == serial and kind == _RETURN:
                return body
            if reply_to == serial and kind == _ERROR:
                raise BusError(f"{member}: refused")

    def _authenticate(self) -> None:
        user = str(os.geteuid()).encode().hex()
        self._send(b"\0AUTH EXTERNAL " + user.encode() + b"\r\n")
        while b"\r\n" not in self._buffer:
            self._fill()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        if not line.startswith(b"OK "):
            raise BusError("the bus refused this user")
        self._send(b"BEGIN\r\n")

    def _receive(self) -> tuple[int, int, bytes]:
        while (size := message_size(self._buffer)) is None or len(self._buffer) < size:
            self._fill()
        message, self._buffer = self._buffer[:size], self._buffer[size:]
        return decode(message)

    def _send(self, data: bytes) -> None:
        self._wait()
        self._socket.sendall(data)

    def _fill(self) -> None:
        self._wait()
        data = self._socket.recv(4096)
        if not data or len(self._buffer) > _LARGEST:
            raise BusError("the bus ended the connection")
        self._buffer += data

    def _wait(self) -> None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise BusError("no answer in time")
        self._socket.settimeout(left)


def encode_call(serial: int, path: str, names: dict[int, str], words: tuple[str, ...]) -> bytes:
    """Return a method call message; all its arguments are text."""
    body = b""
    for word in words:
        body = _pad(body, 4) + _string(word)
    fields = bytes((_PATH, 1)) + b"o\x00" + _string(path)
    for code, text in names.items():
        fields = _pad(fields, 8) + bytes((code, 1)) + b"s\x00" + _string(text)
    if words:
        signature = b"s" * len(words)
        fields = _pad(fields, 8) + bytes((_SIGNATURE, 1)) + b"g\x00"
        fields += bytes((len(signature),)) + signature + b"\x00"
    head = struct.pack("<cBBBIII", b"l", _CALL, _NO_AUTO_START, 1, len(body), serial, len(fields))
    return _pad(head + fields, 8) + body


def message_size(data: bytes) -> int | None:
    """Return the length of the message that begins here; None if that cannot be told yet."""
    if len(data) < 16:
        return None
    order = _order(data)
    body, _, fields = struct.unpack_from(f"{order}III", data, 4)
    size: int = -(-(16 + fields) // 8) * 8 + body
    if size > _LARGEST:
        raise BusError("too long a message")
    return size


def decode(message: bytes) -> tuple[int, int, bytes]:
    """Return kind, the serial that it answers (0: none) and body. Raises BusError."""
    order = _order(message)
    try:
        body, _, fields = struct.unpack_from(f"{order}III", message, 4)
        reply_to = 0
        at = 16
        while at < 16 + fields:
            at = -(-at // 8) * 8
            code, kind = message[at], message[at + 2 : at + 3]
            at += 4
            if kind == b"u":
                (value,) = struct.unpack_from(f"{order}I", message, at)
                reply_to = value if code == _REPLY_SERIAL else reply_to
                at += 4
            elif kind in (b"s", b"o"):
                (length,) = struct.unpack_from(f"{order}I", message, at)
                at += 4 + length + 1
            elif kind == b"g":
                at += 1 + message[at] + 1
            else:
                raise BusError("a header field of unknown kind")
    except (struct.error, IndexError):
        raise BusError("a torn message") from None
    return message[1], reply_to, message[len(message) - body :] if body else b""


def _order(data: bytes) -> str:
    order = {b"l": "<", b"B": ">"}.get(data[:1])
    if order is None:
        raise BusError("not a D-Bus message")
    return order


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<I", len(data)) + data + b"\x00"


def _pad(data: bytes, size: int) -> bytes:
    return data + bytes(-len(data) % size)


def _text(body: bytes, at: int) -> str:
    """Return the text that a body of the machine's own byte order begins with."""
    try:
        (length,) = struct.unpack_from("=I", body, at)
        return body[at + 4 : at + 4 + length].decode("ascii")
    except (struct.error, UnicodeDecodeError):
        raise BusError("a torn answer") from None

"""QMI messages as bytes: what is sent to a modem, and what comes back. Pure.

Facts: libqmi, qmi-message.c (QMUX header, service header, TLVs); numbers are little-endian.
"""

from __future__ import annotations

import enum
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

_MARK = 0x01
_RESULT = 0x02  #: the TLV that says how it went
_LONGEST = 1 << 16
_FRAME = struct.Struct("<BHBBB")  #: mark, length of what follows the mark, flags, service, client


class Service(enum.IntEnum):
    """Those that are used here (qmi-enums.h)."""

    CTL = 0x00
    WDS = 0x01
    DMS = 0x02
    NAS = 0x03
    UIM = 0x0B


class Kind(enum.IntEnum):
    """What a message is; CTL has its own numbers for them on the wire."""

    REQUEST = 0
    RESPONSE = 2
    INDICATION = 4


class QmuxError(Exception):
    """What came is no QMI."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a service to a client of it, or back."""

    service: int
    client: int
    transaction: int
    number: int
    tlvs: Mapping[int, bytes] = field(default_factory=dict)
    kind: int = Kind.REQUEST

    @property
    def error(self) -> int:
        """The code of the error that a response tells, 0 if there is none."""
        result, code = _pair(self.tlvs.get(_RESULT, b""))
        return code if result else 0

    def value(self, key: int, layout: str) -> tuple[int, ...]:
        """Return the numbers that a TLV begins with. Raises QmuxError."""
        try:
            return struct.unpack_from(f"<{layout}", self.tlvs.get(key, b""))
        except struct.error:
            raise QmuxError(f"message {self.number:#06x} lacks TLV {key:#04x}") from None


def _pair(data: bytes) -> tuple[int, int]:
    return struct.unpack_from("<HH", data) if len(data) >= 4 else (0, 0)


def pack(message: Message) -> bytes:
    """Return the frame of a request."""
    body = b"".join(
        struct.pack("<BH", key, len(value)) + value for key, value in message.tlvs.items()
    )
    layout = "<BHHH" if message.service else "<BBHH"
    inner = struct.pack(layout, 0, message.transaction, message.number, len(body)) + body
    size = len(inner) + _FRAME.size - 1
    return _FRAME.pack(_MARK, size, 0, message.service, message.client) + inner


class Splitter:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> list[Message]:
        """Take what came and return the messages that are complete now. Raises QmuxError."""
        self._buffer += data
        found: list[Message] = []
        while len(self._buffer) >= _FRAME.size:
            mark, length = struct.unpack_from("<BH", self._buffer)
            if mark != _MARK or length < _FRAME.size - 1:
                raise QmuxError("no QMUX frame")
            if len(self._buffer) <= length:
                break
            frame, self._buffer = self._buffer[: length + 1], self._buffer[length + 1 :]
            found.append(_unpack(frame))
        if len(self._buffer) > _LONGEST:
            raise QmuxError("no end of a QMUX frame")
        return found


def _unpack(frame: bytes) -> Message:
    _, _, _, service, client = _FRAME.unpack_from(frame)
    layout = struct.Struct("<BHHH" if service else "<BBHH")
    try:
        kind, transaction, number, size = layout.unpack_from(frame, _FRAME.size)
        at = _FRAME.size + layout.size
        end = at + size
        tlvs: dict[int, bytes] = {}
        while at < end:
            key, count = struct.unpack_from("<BH", frame, at)
            at += 3 + count
            tlvs[key] = frame[at - count : at]
    except struct.error:
        raise QmuxError("a torn message") from None
    if at != end or end > len(frame):
        raise QmuxError("a message that is longer than its frame")
    wire = kind if service else kind * 2
    return Message(service, client, transaction, number, tlvs, wire & 0x06)

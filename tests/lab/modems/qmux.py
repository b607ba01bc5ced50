"""QMI messages as bytes (libqmi, qmi-message.c). Numbers are little-endian."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address

CTL, WDS, DMS, NAS, UIM, WDA = 0x00, 0x01, 0x02, 0x03, 0x0B, 0x1A
MARK = 1
FROM_MODEM = 0x80  # flag of a QMUX frame
REQUEST, RESPONSE, INDICATION = 0, 2, 4  # flags of a service's message; CTL has its own
RESULT = 0x02  # the TLV that says how it went

Tlvs = dict[int, bytes]

MALFORMED, EXHAUSTED, INVALID_CLIENT, INVALID_HANDLE = 1, 5, 7, 9
INCORRECT_PIN, CALL_FAILED, OUT_OF_CALL, NOT_PROVISIONED, MISSING_ARGUMENT = 12, 14, 15, 16, 17
NO_EFFECT, INVALID_SERVICE, PIN_BLOCKED, PIN_ALWAYS_BLOCKED, UIM_UNINITIALIZED = 26, 31, 35, 36, 37
INVALID_ARGUMENT, NO_ENTRY, DEVICE_NOT_READY, INVALID_TRANSITION = 48, 50, 52, 60
INVALID_COMMAND, INFORMATION_UNAVAILABLE, NO_SIM, SIM_FILE_NOT_FOUND = 71, 74, 102, 80


class QmiError(Exception):
    """The modem says no; `tlvs` are told besides."""

    def __init__(self, code: int, tlvs: Tlvs | None = None) -> None:
        super().__init__(f"QMI error {code}")
        self.code = code
        self.tlvs = tlvs or {}


@dataclass(frozen=True, slots=True)
class Message:
    """One message, of a service to a client of it or back."""

    service: int
    client: int
    transaction: int
    number: int
    tlvs: Tlvs = field(default_factory=dict)
    kind: int = REQUEST

    def pack(self) -> bytes:
        """The frame, as the modem sends it unless it is a request."""
        body = b"".join(
            struct.pack("<BH", key, len(value)) + value for key, value in sorted(self.tlvs.items())
        )
        layout, kind = ("<BHHH", self.kind) if self.service else ("<BBHH", self.kind // 2)
        inner = struct.pack(layout, kind, self.transaction, self.number, len(body)) + body
        flag = 0 if self.kind == REQUEST else FROM_MODEM
        return struct.pack("<BHBBB", MARK, 5 + len(inner), flag, self.service, self.client) + inner

    def u8(self, key: int, at: int = 0) -> int:
        """A number of a TLV. Raises QmiError."""
        return self._bytes(key, at, 1)[0]

    def u16(self, key: int, at: int = 0) -> int:
        return int.from_bytes(self._bytes(key, at, 2), "little")

    def u32(self, key: int, at: int = 0) -> int:
        return int.from_bytes(self._bytes(key, at, 4), "little")

    def text(self, key: int) -> str:
        """A TLV that is a text and nothing else; empty if it is not there."""
        return self.tlvs.get(key, b"").decode(errors="replace")

    def counted(self, key: int, at: int) -> bytes:
        """Bytes behind a byte that says how many."""
        return self._bytes(key, at + 1, self.u8(key, at))

    def _bytes(self, key: int, at: int, size: int) -> bytes:
        if key not in self.tlvs:
            raise QmiError(MISSING_ARGUMENT)
        found = self.tlvs[key][at : at + size]
        if len(found) < size:
            raise QmiError(MALFORMED)
        return found


def unpack(frame: bytes) -> Message:
    """Read a frame. Raises ValueError."""
    try:
        mark, length, _, service, client = struct.unpack_from("<BHBBB", frame)
        if mark != MARK or length + 1 > len(frame):
            raise ValueError(f"no QMUX frame: {frame.hex()}")
        layout = struct.Struct("<BHHH" if service else "<BBHH")
        kind, transaction, number, size = layout.unpack_from(frame, 6)
        at = 6 + layout.size
        end = at + size
        tlvs: Tlvs = {}
        while at < end:
            key, count = struct.unpack_from("<BH", frame, at)
            tlvs[key] = frame[at + 3 : at + 3 + count]
            at += 3 + count
    except struct.error as error:
        raise ValueError(f"no QMUX frame: {frame.hex()}") from error
    if at != end or end > len(frame):
        raise ValueError(f"no QMUX frame: {frame.hex()}")
    kind = kind if service else kind * 2
    return Message(service, client, transaction, number, tlvs, kind)


def ipv4(address: str) -> bytes:
    """An address as QMI has it: a number, least significant byte first."""
    return struct.pack("<I", int(IPv4Address(address)))


def ipv6(address: str) -> bytes:
    """Eight numbers in network order (libqmi reads them so)."""
    return IPv6Address(address).packed


def plmn(code: str) -> bytes:
    """MCC and MNC."""
    return struct.pack("<HH", int(code[:3]), int(code[3:]))


def counted(data: bytes) -> bytes:
    return bytes([len(data)]) + data

"""Remote NDIS messages, as far as Linux's rndis_host asks for them (MS-RNDIS)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

PACKET, INIT, HALT, QUERY, SET, KEEPALIVE = 1, 2, 3, 4, 5, 8
DONE = 0x80000000
NOT_SUPPORTED = 0xC00000BB
OID_ADDRESS, OID_CURRENT_ADDRESS = 0x01010101, 0x01010102
OID_MEDIUM, OID_PHYSICAL_MEDIUM = 0x00010103, 0x00010202
OID_MAXIMUM_FRAME = 0x00010106
HEAD = 44  # bytes of a packet's head
LARGEST = 0x4000  # bytes of a transfer


def answer(message: bytes, mac: bytes) -> bytes | None:
    """The response to a control message, None if there is none."""
    if len(message) < 12:
        return None
    kind, _, request = struct.unpack_from("<III", message)
    if kind == INIT:
        rest = struct.pack("<9I", 0, 1, 0, 1, 0, 1, LARGEST, 0, 0) + b"\0" * 4
        return struct.pack("<III", INIT | DONE, 52, request) + rest
    if kind == QUERY:
        (oid,) = struct.unpack_from("<I", message, 12)
        values = {
            OID_ADDRESS: mac,
            OID_CURRENT_ADDRESS: mac,
            OID_MEDIUM: struct.pack("<I", 0),
            OID_PHYSICAL_MEDIUM: struct.pack("<I", 0),
            OID_MAXIMUM_FRAME: struct.pack("<I", 1500),
        }
        value = values.get(oid)
        status = NOT_SUPPORTED if value is None else 0
        body = value or b""
        head = struct.pack("<IIIIII", QUERY | DONE, 24 + len(body), request, status, len(body), 16)
        return head + body
    if kind in (SET, KEEPALIVE):
        return struct.pack("<IIII", kind | DONE, 16, request, 0)
    return None


def pack(frame: bytes) -> bytes:
    """A frame as the data endpoints have it."""
    head = struct.pack("<IIII", PACKET, HEAD + len(frame), HEAD - 8, len(frame))
    return head.ljust(HEAD, b"\0") + frame


def unpack(data: bytes) -> Iterator[bytes]:
    """The frames of a transfer; what follows something else is dropped."""
    at = 0
    while len(data) >= at + HEAD:
        kind, length, offset, size = struct.unpack_from("<IIII", data, at)
        if kind != PACKET or length < HEAD:
            return
        yield data[at + 8 + offset : at + 8 + offset + size]
        at += length

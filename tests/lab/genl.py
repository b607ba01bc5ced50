"""Generic netlink, as much as the lab needs: requests by family name, attributes packed by hand.

Layouts from include/uapi/linux/netlink.h and genetlink.h: everything in the machine's own byte
order, attributes padded to four bytes.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import NamedTuple

NETLINK_GENERIC = 16
NLMSG_ERROR, NLMSG_DONE = 2, 3
NLM_F_REQUEST, NLM_F_ACK, NLM_F_DUMP = 1, 4, 0x300
GENL_ID_CTRL = 16
CTRL_CMD_GETFAMILY, CTRL_ATTR_FAMILY_ID, CTRL_ATTR_FAMILY_NAME = 3, 1, 2
NLA_TYPE_MASK = 0x3FFF
HEADER = struct.Struct("=IHHII")  # length, type, flags, sequence number, port
GENERIC = struct.Struct("=BBH")  # command, version, reserved

Attributes = Mapping[int, bytes]


class Message(NamedTuple):
    """One message as it came."""

    kind: int  #: the family's number, or one of NLMSG_
    sequence: int
    command: int
    attributes: dict[int, bytes]
    error: int  #: of NLMSG_ERROR: below 0 an errno, 0 done, above 0 what the command returned


def pack(attributes: Attributes) -> bytes:
    """Lay attributes out; an empty value is a flag."""
    packed = b""
    for kind, value in attributes.items():
        packed += struct.pack("=HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)
    return packed


def unpack(data: bytes) -> dict[int, bytes]:
    """Read attributes; what does not fit into the data is left out."""
    found: dict[int, bytes] = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        if length < 4 or length > len(data):
            break
        found[kind & NLA_TYPE_MASK] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found


def messages(data: bytes) -> Iterator[Message]:
    """Split what one receive gave; stops at what is torn."""
    while len(data) >= HEADER.size:
        length, kind, _, sequence, _ = HEADER.unpack_from(data)
        if length < HEADER.size or length > len(data):
            return
        body = data[HEADER.size : length]
        if kind == NLMSG_ERROR and len(body) >= 4:
            yield Message(kind, sequence, 0, {}, *struct.unpack_from("=i", body))
        elif kind >= GENL_ID_CTRL and len(body) >= GENERIC.size:
            yield Message(kind, sequence, body[0], unpack(body[GENERIC.size :]), 0)
        else:
            yield Message(kind, sequence, 0, {}, 0)
        data = data[(length + 3) & ~3 :]


class Family:
    """A socket that speaks to one family. Raises OSError: ENOENT if the kernel has none such."""

    def __init__(self, name: str, limit: float = 10.0) -> None:
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
        self.socket.bind((0, 0))
        self.socket.settimeout(limit)
        self._sequence = 0
        self._number = GENL_ID_CTRL
        try:
            text = {CTRL_ATTR_FAMILY_NAME: name.encode() + b"\0"}
            (answer,) = self.dump_or_one(CTRL_CMD_GETFAMILY, text)
            (self._number,) = struct.unpack("=H", answer[CTRL_ATTR_FAMILY_ID])
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self) -> Family:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.socket.close()

    def send(self, command: int, attributes: Attributes, flags: int) -> int:
        """Send a request and return its number."""
        self._sequence += 1
        body = GENERIC.pack(command, 1, 0) + pack(attributes)
        words = HEADER.size + len(body), self._number, NLM_F_REQUEST | flags, self._sequence, 0
        self.socket.send(HEADER.pack(*words) + body)
        return self._sequence

    def call(self, command: int, attributes: Attributes) -> int:
        """Have a command done and return the number that it gives. Raises OSError."""
        sequence = self.send(command, attributes, NLM_F_ACK)
        while True:
            for message in messages(self.socket.recv(1 << 16)):
                if message.sequence == sequence and message.kind == NLMSG_ERROR:
                    if message.error < 0:
                        raise OSError(-message.error, os.strerror(-message.error))
                    return message.error

    def dump_or_one(
        self, command: int, attributes: Attributes, *, dump: bool = False
    ) -> list[dict[int, bytes]]:
        """Ask, and return the attributes of each answer. Raises OSError."""
        sequence = self.send(command, attributes, NLM_F_DUMP if dump else NLM_F_ACK)
        found: list[dict[int, bytes]] = []
        while True:
            for message in messages(self.socket.recv(1 << 16)):
                if message.sequence != sequence:
                    continue
                if message.error < 0:
                    raise OSError(-message.error, os.strerror(-message.error))
                if message.kind in (NLMSG_ERROR, NLMSG_DONE):
                    return found
                found.append(message.attributes)

"""Sockets that answer calls and can never be made to call, whoever has them later.

The page's process has sockets of this machine's network. It could end the listening and connect
them to other programs of the machine (tcp(7): a socket that was disconnected may be connected
again). So the kernel drops the answer to such a call: a segment with SYN and ACK, which no client
sends to a server (RFC 9293, 3.5). The filter cannot be taken away, and connections inherit it.
"""

from __future__ import annotations

import array
import socket
import struct

_ATTACH_FILTER, _LOCK_FILTER = 26, 44  # asm-generic/socket.h
_LOAD_BYTE, _AND, _JUMP_IF_EQUAL, _RETURN = 0x30, 0x54, 0x15, 0x06  # linux/bpf_common.h
_FLAGS_AT = 13  #: in the TCP header
_SYN_ACK = 0x12
_ALL = 0xFFFFFFFF
#: code, where to go on if true and if false, operand (linux/filter.h)
_PROGRAM = (
    (_LOAD_BYTE, 0, 0, _FLAGS_AT),
    (_AND, 0, 0, _SYN_ACK),
    (_JUMP_IF_EQUAL, 0, 1, _SYN_ACK),
    (_RETURN, 0, 0, 0),
    (_RETURN, 0, 0, _ALL),
)


def never_call(listening: socket.socket) -> None:
    """Let a TCP socket, and those that it accepts, only answer. Raises OSError."""
    program = array.array("B", b"".join(struct.pack("HBBI", *step) for step in _PROGRAM))
    described = struct.pack("HP", len(_PROGRAM), program.buffer_info()[0])
    listening.setsockopt(socket.SOL_SOCKET, _ATTACH_FILTER, described)
    listening.setsockopt(socket.SOL_SOCKET, _LOCK_FILTER, 1)

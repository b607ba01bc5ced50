"""ICMP echo over one link (RFC 792): the codec, and asking one host until it answers."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address

from conman_core.model import IPAddress
from conman_core.reach.judge import Ask, Method, Outcome
from conman_core.reach.path import Path
from conman_core.reach.sockets import Listener, bound, explain

ECHO_REPLY, UNREACHABLE, ECHO_REQUEST, TIME_EXCEEDED = 0, 3, 8, 11
_HEADER = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence
_IP_HEADER = 20  # of our own packets, which have no options
_TOKEN = 8
_SO_ATTACH_FILTER = 26  # asm-generic/socket.h; the socket module has no name for it
_CODES = {0: "network", 1: "host", 2: "protocol", 3: "port"}

Report = Callable[[Ask], None]


@dataclass(frozen=True, slots=True)
class Echo:
    """An echo reply."""

    identifier: int
    sequence: int
    token: bytes


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error about an echo request of ours: who was asked, and what is wrong."""

    identifier: int
    target: str
    note: str


def checksum(data: bytes) -> int:
    """Return the internet checksum (RFC 1071)."""
    words = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    total: int = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def encode_request(identifier: int, sequence: int, token: bytes) -> bytes:
    """Return an echo request."""
    blank = _HEADER.pack(ECHO_REQUEST, 0, 0, identifier, sequence) + token
    return _HEADER.pack(ECHO_REQUEST, 0, checksum(blank), identifier, sequence) + token


def parse(message: bytes) -> Echo | Refusal | None:
    """Return what an ICMP message says, None if it is neither an echo reply nor an error."""
    if len(message) < _HEADER.size or checksum(message):
        return None
    kind, code, _, identifier, sequence = _HEADER.unpack_from(message)
    if kind == ECHO_REPLY and code == 0:
        return Echo(identifier, sequence, message[_HEADER.size :])
    if kind not in (UNREACHABLE, TIME_EXCEEDED):
        return None
    quoted = message[_HEADER.size :]  # the IP header and 8 bytes of what we sent
    inner = without_ip_header(quoted)
    if inner is None or len(inner) < _HEADER.size or inner[0] != ECHO_REQUEST:
        return None
    _, _, _, identifier, _ = _HEADER.unpack_from(inner)
    if kind == TIME_EXCEEDED:
        note = "routed in a circle"
    else:
        note = f"{_CODES.get(code, 'destination')} unreachable"
    return Refusal(identifier, str(IPv4Address(quoted[16:20])), note)


def without_ip_header(packet: bytes) -> bytes | None:
    """Return what follows the IPv4 header, None if it is none or carries something else."""
    if len(packet) < _IP_HEADER or packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_ICMP:
        return None
    length = (packet[0] & 0x0F) * 4
    return packet[length:] if length >= _IP_HEADER else None


async def ping(
    path: Path, host: IPAddress, method: Method, pauses: tuple[float, float], report: Report
) -> None:
    """Ask a host for an echo until it answers; goes on until then, so the caller must cancel.

    `pauses` in seconds: before the second request, and before each further one.
    Reports each refusal and failure, and the answer. Raises nothing.
    """
    target = str(host)
    answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    sent: dict[int, float] = {}
    token = os.urandom(_TOKEN)
    identifier = int.from_bytes(os.urandom(2), "big")
    loop = asyncio.get_running_loop()

    def on_packet(packet: bytes, sender: str) -> None:
        message = without_ip_header(packet) if raw else packet
        said = parse(message) if message else None
        if said is None or said.identifier != identifier or answered.done():
            return
        if isinstance(said, Echo):
            if sender == target and said.token == token and said.sequence in sent:
                rtt = loop.time() - sent[said.sequence]
                report(Ask(method, target, Outcome.ANSWERED, rtt))
                answered.set_result(None)
        elif said.target == target:
            # from our own address it is the kernel: nobody answered its address resolution
            own = sender == str(path.source.ip)
            outcome = Outcome.FAILED if own else Outcome.REFUSED
            report(Ask(method, target, outcome, note=f"{said.note} (says {sender})", by=sender))

    try:
        sock, raw = open_socket(path, identifier)
    except OSError as error:
        report(Ask(method, target, Outcome.FAILED, note=explain(error)))
        return
    if not raw:
        identifier = sock.getsockname()[1]
    with Listener(sock, on_packet):
        while not answered.done():
            sequence = len(sent) + 1
            sent[sequence] = loop.time()
            try:
                sock.sendto(encode_request(identifier, sequence & 0xFFFF, token), (target, 0))
            except OSError as error:
                report(Ask(method, target, Outcome.FAILED, note=explain(error)))
            await asyncio.wait([answered], timeout=pauses[min(sequence - 1, 1)])


def open_socket(path: Path, identifier: int) -> tuple[socket.socket, bool]:
    """Return a socket and whether it is a raw one; the other kind needs no privilege.

    Raises OSError as `bound` does.
    """
    try:
        sock = bound(path, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    except PermissionError:
        # the kernel gives these an identifier, and sorts replies by it: icmp(7), ping_group_range
        return bound(path, socket.SOCK_DGRAM, socket.IPPROTO_ICMP), False
    try:
        _let_only_ours_in(sock, identifier)
    except OSError:
        sock.close()
        raise
    return sock, True


def _let_only_ours_in(sock: socket.socket, identifier: int) -> None:
    """Have the kernel drop what is not about our requests.

    A raw socket is given all ICMP of the machine: a flood of it would fill the buffer and push
    our answer out. The program is classic BPF (linux/filter.h) and starts at the IP header.
    """
    load_header_length = (0xB1, 0, 0, 0)  # X = 4 * (first byte & 15)
    program = [
        load_header_length,
        (0x50, 0, 0, 0),  # type
        (0x15, 2, 0, ECHO_REPLY),
        (0x15, 3, 0, UNREACHABLE),
        (0x15, 2, 4, TIME_EXCEEDED),
        (0x48, 0, 0, 4),  # identifier of the reply
        (0x05, 0, 0, 1),
        (0x48, 0, 0, _HEADER.size + _IP_HEADER + 4),  # identifier of the request in the error
        (0x15, 1, 0, identifier),
        (0x06, 0, 0, 0),  # drop
        (0x06, 0, 0, 0xFFFF),  # take up to so many bytes
    ]
    code = array("B", b"".join(struct.pack("=HBBI", *step) for step in program))
    argument = struct.pack("HP", len(program), code.buffer_info()[0])
    sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, argument)

"""Names resolved over one link by that link's own servers (RFC 1035): codec and asking.

getaddrinfo cannot be told which link or server to use.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from conman_core.model import Family, IPAddress
from conman_core.reach.icmp import Report
from conman_core.reach.judge import Ask, Method, Outcome
from conman_core.reach.path import Path
from conman_core.reach.sockets import Listener, bound, explain

PORT = 53
NO_ERROR, NO_SUCH_NAME = 0, 3
_RCODES = {1: "FORMERR", 2: "SERVFAIL", 4: "NOTIMP", 5: "REFUSED"}
_A, _AAAA, _IN = 1, 28, 1
_HEADER = struct.Struct("!HHHHHH")  # identifier, flags, counts of the four sections
_RECURSION_DESIRED = 0x0100
_RESPONSE, _OPCODE = 0x8000, 0x7800
_LONGEST_NAME, _LONGEST_LABEL = 253, 63
_MOST_ADDRESSES = 8


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's answer. `addresses` in the order given, empty if there are none."""

    rcode: int
    addresses: tuple[IPAddress, ...] = ()


def record_type(family: Family) -> int:
    """Return the type of the address records of a family."""
    return _A if family is Family.IPV4 else _AAAA


def encode_name(name: str) -> bytes:
    """Return a name as length-prefixed labels. Raises ValueError if it is not a host name."""
    labels = name.rstrip(".").split(".")
    if len(name.rstrip(".")) > _LONGEST_NAME or not name.isascii():
        raise ValueError(f"{name!r} is not a host name")
    if not all(0 < len(label) <= _LONGEST_LABEL for label in labels):
        raise ValueError(f"{name!r} is not a host name")
    return b"".join(bytes([len(label)]) + label.encode("ascii") for label in labels) + b"\0"


def encode_query(identifier: int, name: str, kind: int) -> bytes:
    """Return a recursive query for one name. Raises ValueError if it is not a host name."""
    header = _HEADER.pack(identifier, _RECURSION_DESIRED, 1, 0, 0, 0)
    return header + encode_name(name) + struct.pack("!HH", kind, _IN)


def parse_reply(message: bytes, query: bytes) -> Reply | None:
    """Return the reply to a query, None if the message is garbage or answers something else."""
    try:
        identifier, flags, questions, answers, _, _ = _HEADER.unpack_from(message)
        question = query[_HEADER.size :]
        end = _HEADER.size + len(question)
        if identifier != _HEADER.unpack_from(query)[0] or questions != 1:
            return None
        if not flags & _RESPONSE or flags & _OPCODE:
            return None
        # names compare without regard to case (RFC 4343); labels' lengths are below 64
        if message[_HEADER.size : end].lower() != question.lower():
            return None
        kind = struct.unpack("!HH", question[-4:])[0]
        return Reply(flags & 0x000F, tuple(_addresses(message, end, answers, kind)))
    except (struct.error, IndexError, ValueError):
        return None


def _addresses(message: bytes, at: int, count: int, kind: int) -> list[IPAddress]:
    found: list[IPAddress] = []
    size = 4 if kind == _A else 16
    make = IPv4Address if kind == _A else IPv6Address
    for _ in range(count):
        if at >= len(message) or len(found) == _MOST_ADDRESSES:
            break  # a truncated message names fewer than it counts
        at = _skip_name(message, at)
        got, cls, _, length = struct.unpack_from("!HHIH", message, at)
        at += 10
        if (got, cls, length) == (kind, _IN, size):
            found.append(make(message[at : at + size]))
        at += length
    return found


def _skip_name(message: bytes, at: int) -> int:
    while True:
        length = message[at]
        if length == 0:
            return at + 1
        if length & 0xC0:  # a pointer ends the name (RFC 1035 section 4.1.4)
            return at + 2
        at += 1 + length


async def lookup(
    path: Path, name: str, servers: Sequence[IPAddress], pause: float, report: Report
) -> tuple[IPAddress, ...]:
    """Ask all servers at once; return the first addresses, none if all say that there are none.

    Goes on until then, so the caller must cancel. Reports each server's answer and failures.
    """
    queries = [
        asyncio.ensure_future(_query(path, name, server, pause, report)) for server in servers
    ]
    try:
        for query in asyncio.as_completed(queries):
            if addresses := await query:
                return addresses
        return ()
    finally:
        for query in queries:
            query.cancel()
        await asyncio.gather(*queries, return_exceptions=True)


async def _query(
    path: Path, name: str, server: IPAddress, pause: float, report: Report
) -> tuple[IPAddress, ...]:
    loop = asyncio.get_running_loop()
    target = str(server)
    answered: asyncio.Future[tuple[IPAddress, ...]] = loop.create_future()
    sent: dict[bytes, float] = {}

    def fail(error: OSError) -> None:
        refused = isinstance(error, ConnectionRefusedError)
        outcome = Outcome.REFUSED if refused else Outcome.FAILED
        report(Ask(Method.DNS, target, outcome, note=explain(error)))

    def on_packet(message: bytes, _: str) -> None:
        for query, at in sent.items():
            reply = parse_reply(message, query)
            if reply is None or answered.done():
                continue
            rtt = loop.time() - at
            if reply.rcode in (NO_ERROR, NO_SUCH_NAME):
                note = f"{name} is {reply.addresses[0] if reply.addresses else 'not known'}"
                report(Ask(Method.DNS, target, Outcome.ANSWERED, rtt, note))
                answered.set_result(reply.addresses)
            else:  # it may have given up on its own server too early: ask on
                note = _RCODES.get(reply.rcode, f"error {reply.rcode}")
                report(Ask(Method.DNS, target, Outcome.REFUSED, rtt, note))

    try:
        sock = bound(path, socket.SOCK_DGRAM)  # at a random port, which the kernel chooses
        try:
            # from now on the kernel lets only this server's packets in
            sock.connect((target, PORT))
        except OSError:
            sock.close()
            raise
    except OSError as error:
        fail(error)
        return ()
    with Listener(sock, on_packet, fail):
        while not answered.done():
            query = encode_query(
                int.from_bytes(os.urandom(2), "big"), name, record_type(path.family)
            )
            sent[query] = loop.time()
            try:
                sock.send(query)
            except OSError as error:
                fail(error)
            await asyncio.wait([answered], timeout=pause)
    return answered.result()

"""Asking the router for its hardware address (RFC 826): many routers drop echo, none drops this.

The kernel's own neighbour table would not do: an entry stays `stale` for seconds after the router
has died, and looking does not make the kernel ask.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from ipaddress import IPv4Address

from conman_core.reach.icmp import Report
from conman_core.reach.judge import Ask, Method, Outcome
from conman_core.reach.path import Path
from conman_core.reach.sockets import Listener, explain

_ETHERTYPE = 0x0806
_ETHER, _IPV4, _REQUEST, _REPLY = 1, 0x0800, 1, 2
_BROADCAST = b"\xff" * 6
_PACKET = struct.Struct("!HHBBH6s4s6s4s")


def encode_request(hardware: bytes, source: IPv4Address, target: IPv4Address) -> bytes:
    """Return the question who has `target`."""
    kind = (_ETHER, _IPV4, 6, 4, _REQUEST)
    return _PACKET.pack(*kind, hardware, source.packed, bytes(6), target.packed)


def parse_reply(packet: bytes) -> tuple[IPv4Address, IPv4Address] | None:
    """Return who answered and whom, None if it is not a reply about Ethernet and IPv4."""
    if len(packet) < _PACKET.size:
        return None
    *kind, _, sender, _, asker = _PACKET.unpack_from(packet)
    if kind != [_ETHER, _IPV4, 6, 4, _REPLY]:
        return None
    return IPv4Address(sender), IPv4Address(asker)


async def resolve(path: Path, pause: float, report: Report) -> None:
    """Ask for the gateway's hardware address until it answers; the caller must cancel.

    Returns at once where there is no gateway or no such thing (ppp, raw IP modems).
    """
    gateway, source = path.gateway, path.source.ip
    if not isinstance(gateway, IPv4Address) or not isinstance(source, IPv4Address):
        return
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[None] = loop.create_future()
    sent = 0.0

    def on_packet(packet: bytes, _: str) -> None:
        if parse_reply(packet) == (gateway, source) and not answered.done():
            note = "address resolution"
            rtt = loop.time() - sent
            report(Ask(Method.ROUTER, str(gateway), Outcome.ANSWERED, rtt, note))
            answered.set_result(None)

    try:
        sock = _open(path.interface)
    except OSError as error:
        report(Ask(Method.ROUTER, str(gateway), Outcome.FAILED, note=explain(error)))
        return
    _, _, _, hardware_type, hardware = sock.getsockname()
    with Listener(sock, on_packet):
        request = encode_request(hardware[:6].ljust(6, b"\0"), source, gateway)
        while hardware_type == _ETHER and not answered.done():
            sent = loop.time()
            try:
                sock.sendto(request, (path.interface, _ETHERTYPE, 0, 0, _BROADCAST))
            except OSError as error:
                report(Ask(Method.ROUTER, str(gateway), Outcome.FAILED, note=explain(error)))
            await asyncio.wait([answered], timeout=pause)


def _open(interface: str) -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)  # hears nothing before the bind
    try:
        sock.setblocking(False)
        sock.bind((interface, _ETHERTYPE))
    except OSError:
        sock.close()
        raise
    return sock

"""What a modem knows of packets: addresses, DHCP that it answers itself, ARP in 802.3 mode."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

ARP, IPV4, IPV6 = 0x0806, 0x0800, 0x86DD
UDP = 17
BROADCAST = "255.255.255.255"
COOKIE = bytes.fromhex("63825363")
DISCOVER, OFFER, REQUEST, ACK, NAK = 1, 2, 3, 5, 6
LEASE = 7200  # seconds


class Lease(NamedTuple):
    """What a modem gives by DHCP."""

    address: str
    gateway: str
    dns: tuple[str, ...]
    prefix: int = 24
    mtu: int = 1500


def addresses(packet: bytes) -> tuple[str, str] | None:
    """Source and destination of an IP packet, None if it is none."""
    if len(packet) >= 20 and packet[0] >> 4 == 4:
        return str(IPv4Address(packet[12:16])), str(IPv4Address(packet[16:20]))
    if len(packet) >= 40 and packet[0] >> 4 == 6:
        return str(IPv6Address(packet[8:24])), str(IPv6Address(packet[24:40]))
    return None


def trimmed(packet: bytes) -> bytes:
    """An IP packet without what has been added behind it."""
    if packet[0] >> 4 == 4:
        return packet[: int.from_bytes(packet[2:4], "big")]
    return packet[: 40 + int.from_bytes(packet[4:6], "big")]


def checksum(data: bytes) -> int:
    """The one of IP and UDP (RFC 1071)."""
    padded = data + b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(source: tuple[str, int], target: tuple[str, int], data: bytes) -> bytes:
    """An IPv4 packet with a datagram; UDP needs no checksum there."""
    ends = IPv4Address(source[0]).packed + IPv4Address(target[0]).packed
    body = struct.pack(">HHHH", source[1], target[1], 8 + len(data), 0) + data
    head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, UDP, 0) + ends
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body


def dhcp_question(packet: bytes) -> bytes | None:
    """The DHCP message of a client's in an IPv4 packet, None if there is none."""
    if len(packet) < 28 or packet[0] >> 4 != 4 or packet[9] != UDP:
        return None
    start = (packet[0] & 15) * 4
    if packet[start + 2 : start + 4] != struct.pack(">H", 67):
        return None
    message = packet[start + 8 :]
    return message if message[236:240] == COOKIE and message[0] == 1 else None


def options(message: bytes) -> dict[int, bytes]:
    """The options of a DHCP message."""
    found: dict[int, bytes] = {}
    at = 240
    while at + 1 < len(message) and message[at] != 255:
        if message[at] == 0:
            at += 1
            continue
        size = message[at + 1]
        found[message[at]] = message[at + 2 : at + 2 + size]
        at += 2 + size
    return found


def dhcp_answer(message: bytes, lease: Lease) -> bytes | None:
    """The packet that answers a client, None if nothing does."""
    asked = options(message)
    kind = asked.get(53, b"\0")[0]
    wanted = asked.get(50) or message[12:16]
    mine = IPv4Address(lease.address).packed
    if kind not in (DISCOVER, REQUEST):
        return None
    answer = OFFER if kind == DISCOVER else ACK
    if kind == REQUEST and wanted != mine:
        answer = NAK
    server = IPv4Address(lease.gateway).packed
    given = {53: bytes([answer]), 54: server}
    if answer != NAK:
        given |= {
            51: struct.pack(">I", LEASE),
            1: (0xFFFF_FFFF << 32 - lease.prefix & 0xFFFF_FFFF).to_bytes(4, "big"),
            3: server,
            6: b"".join(IPv4Address(one).packed for one in lease.dns),
            26: struct.pack(">H", lease.mtu),
        }
    body = b"".join(bytes([key, len(value)]) + value for key, value in given.items())
    address = b"\0" * 4 if answer == NAK else mine
    head = b"\2\1\6\0" + message[4:12] + message[12:16] + address + server + b"\0" * 4
    reply = head + message[28:44] + b"\0" * 192 + COOKIE + body + b"\xff"
    return udp((lease.gateway, 67), (BROADCAST, 68), reply)


def frame(target: bytes, source: bytes, packet: bytes) -> bytes:
    """An IP packet in an Ethernet frame."""
    kind = IPV4 if packet[0] >> 4 == 4 else IPV6
    return target + source + struct.pack(">H", kind) + packet


def arp_answer(data: bytes, mac: bytes, own: str | None) -> bytes | None:
    """The frame that answers an ARP request: every address but the device's own is the modem's."""
    if len(data) < 42 or data[12:14] != struct.pack(">H", ARP) or data[20:22] != b"\0\1":
        return None
    asker, asker_address, wanted = data[22:28], data[28:32], data[38:42]
    if wanted == asker_address or str(IPv4Address(wanted)) == own:
        return None  # asks whether somebody else has its address
    body = data[14:20] + b"\0\2" + mac + wanted + asker + asker_address
    return asker + mac + struct.pack(">H", ARP) + body

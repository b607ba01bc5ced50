"""Decodes the kernel's datagrams about links, addresses, routes and rules.

Pure: bytes in, messages out. `Malformed` is the only error, whatever the bytes are.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface, ip_network

from conman_core.model import Family, IPAddress
from conman_core.net import rtmessage as rt

_TYPE_MASK = 0x3FFF  # without NLA_F_NESTED and NLA_F_NET_BYTEORDER
_CLONED = 0x200  # RTM_F_CLONED: a cached copy, not a route
_CAPPED, _ACK_TLVS = 0x100, 0x200  # NLM_F_*
_TICKS = os.sysconf("SC_CLK_TCK")  # rta_cacheinfo counts in clock ticks
_FAMILIES = {int(socket.AF_INET): Family.IPV4, int(socket.AF_INET6): Family.IPV6}


class Malformed(ValueError):
    """A datagram does not follow its own lengths."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One netlink message, not yet decoded. `kind` is its type, such as NEWLINK."""

    kind: int
    flags: int
    sequence: int
    body: bytes


def parse(datagram: bytes) -> list[rt.Message]:
    """Return what a datagram says, without what is of no interest here. Raises Malformed."""
    decoded = [decode(envelope) for envelope in envelopes(datagram)]
    return [message for message in decoded if message is not None]


def envelopes(datagram: bytes) -> Iterator[Envelope]:
    """Yield the netlink messages of a datagram. Raises Malformed."""
    offset = 0
    while offset < len(datagram):
        length, kind, flags, sequence, _ = _unpack(rt.NLMSGHDR, datagram, offset)
        if length < rt.NLMSGHDR.size or offset + length > len(datagram):
            raise Malformed(f"a message of {length} bytes at {offset} of {len(datagram)}")
        body = datagram[offset + rt.NLMSGHDR.size : offset + length]
        yield Envelope(kind, flags, sequence, body)
        offset += rt.aligned(length)


def decode(envelope: Envelope) -> rt.Message | None:
    """Return the message inside; None for other kinds and families. Raises Malformed."""
    decoder = _DECODERS.get(envelope.kind)
    if decoder is None:
        return None
    gone = envelope.kind in {rt.DELLINK, rt.DELADDR, rt.DELROUTE, rt.DELRULE}
    try:
        return decoder(envelope.body, gone)
    except Malformed:
        raise
    except ValueError as error:  # from ipaddress: a prefix length or address that cannot be
        raise Malformed(str(error)) from error


def refusal(envelope: Envelope) -> tuple[int, str]:
    """Return errno (0: accepted) and the kernel's own words, if any. Raises Malformed.

    For NLMSG_ERROR and NLMSG_DONE; the words are NLMSGERR_ATTR_MSG (linux/netlink.h).
    """
    body = envelope.body
    if len(body) < 4:
        return 0, ""  # a plain NLMSG_DONE
    code = -int.from_bytes(body[:4], sys.byteorder, signed=True)
    words = ""
    if envelope.flags & _ACK_TLVS and envelope.flags & _CAPPED:
        words = _text(attributes(body, 4 + rt.NLMSGHDR.size).get(1, b""))
    return code, words


def attributes(body: bytes, offset: int = 0) -> dict[int, bytes]:
    """Return the attributes from an offset on, by type. Raises Malformed."""
    found = {}
    while offset + rt.RTATTR.size <= len(body):
        length, kind = rt.RTATTR.unpack_from(body, offset)
        if length < rt.RTATTR.size or offset + length > len(body):
            raise Malformed(f"an attribute of {length} bytes at {offset} of {len(body)}")
        found[kind & _TYPE_MASK] = body[offset + rt.RTATTR.size : offset + length]
        offset += rt.aligned(length)
    return found


def _link(body: bytes, gone: bool) -> rt.LinkMessage | None:
    family, _, index, flags, _ = _unpack(rt.IFINFOMSG, body)
    if family != socket.AF_UNSPEC:
        return None  # a bridge speaks of its ports so: one that left the bridge is not gone
    found = attributes(body, rt.IFINFOMSG.size)
    about = attributes(found.get(18, b""))  # IFLA_LINKINFO
    mac = found.get(1, b"")  # IFLA_ADDRESS
    return rt.LinkMessage(
        index=index,
        name=_text(found.get(3, b"")),  # IFLA_IFNAME
        up=bool(flags & rt.IFF_UP),
        carrier=bool(flags & rt.IFF_LOWER_UP),
        mtu=_number(found.get(4)) or 0,  # IFLA_MTU
        kind=_text(about.get(1, b"")) or None,  # IFLA_INFO_KIND
        mac=mac.hex(":") or None,
        gone=gone,
    )


def _address(body: bytes, gone: bool) -> rt.AddressMessage | None:
    family, prefix, _, _, index = _unpack(rt.IFADDRMSG, body)
    found = attributes(body, rt.IFADDRMSG.size)
    # on a point-to-point link IFA_ADDRESS (1) is the other end's, IFA_LOCAL (2) ours
    local = found.get(2) or found.get(1)
    if family not in _FAMILIES or local is None:
        return None
    times = found.get(6)  # IFA_CACHEINFO: preferred, valid, created, updated
    valid = rt.FOREVER if times is None else _number(times[4:8])
    return rt.AddressMessage(
        index=index,
        interface=ip_interface(f"{_ip(family, local)}/{prefix}"),
        valid=None if valid == rt.FOREVER else valid,
        protocol=_number(found.get(11)) or 0,  # IFA_PROTO
        gone=gone,
    )


def _route(body: bytes, gone: bool) -> rt.RouteMessage | None:
    family, prefix, source, tos, table, protocol, scope, kind, flags = _unpack(rt.RTMSG, body)
    if family not in _FAMILIES or flags & _CLONED or tos or source:
        return None  # routes for some packets only (by TOS or source) compete with none of ours
    found = attributes(body, rt.RTMSG.size)
    cache = found.get(12, b"")  # RTA_CACHEINFO: two numbers, then the ticks that are left
    ticks = _number(cache[8:12], signed=True) if len(cache) >= 12 else 0
    return rt.RouteMessage(
        destination=_network(family, found.get(1, b""), prefix),  # RTA_DST
        gateway=_gateway(family, found),
        oif=_number(found.get(4)),  # RTA_OIF
        metric=_number(found.get(6)) or 0,  # RTA_PRIORITY
        table=_number(found.get(15)) or table,  # RTA_TABLE
        protocol=protocol,
        scope=scope,
        prefsrc=_ip(family, found[7]) if 7 in found else None,  # RTA_PREFSRC
        type=kind,
        onlink=bool(flags & rt.NEXTHOP_ONLINK),
        options=found.get(8, b""),  # RTA_METRICS
        hops=tuple(_hops(family, found.get(9, b""))),  # RTA_MULTIPATH
        expires=max(1, ticks // _TICKS) if ticks else None,
        gone=gone,
    )


def _hops(family: int, body: bytes) -> Iterator[rt.NextHop]:
    offset = 0
    while offset < len(body):
        length, flags, weight, index = _unpack(rt.RTNEXTHOP, body, offset)
        if length < rt.RTNEXTHOP.size or offset + length > len(body):
            raise Malformed(f"a next hop of {length} bytes at {offset} of {len(body)}")
        found = attributes(body[offset : offset + length], rt.RTNEXTHOP.size)
        yield rt.NextHop(
            index, _gateway(family, found), weight + 1, bool(flags & rt.NEXTHOP_ONLINK)
        )
        offset += rt.aligned(length)


def _gateway(family: int, found: dict[int, bytes]) -> IPAddress | None:
    if 5 in found:  # RTA_GATEWAY
        return _ip(family, found[5])
    if 18 in found:  # RTA_VIA: a family number, then a gateway of that other family
        return _ip(_number(found[18][:2]) or 0, found[18][2:])
    return None


def _rule(body: bytes, gone: bool) -> rt.RuleMessage | None:
    family, _, prefix, _, table, _, _ = _unpack(rt.FIB_RULE_HDR, body)
    if family not in _FAMILIES:
        return None
    found = attributes(body, rt.FIB_RULE_HDR.size)
    suppress = _number(found.get(14))  # FRA_SUPPRESS_PREFIXLEN
    return rt.RuleMessage(
        family=_FAMILIES[family],
        priority=_number(found.get(6)) or 0,  # FRA_PRIORITY
        source=_network(family, found[2], prefix) if 2 in found else None,  # FRA_SRC
        table=_number(found.get(15)) or table,  # FRA_TABLE
        suppress_prefixlength=None if suppress == rt.FOREVER else suppress,
        protocol=_number(found.get(21)) or 0,  # FRA_PROTOCOL
        gone=gone,
    )


_DECODERS = {
    **dict.fromkeys((rt.NEWLINK, rt.DELLINK), _link),
    **dict.fromkeys((rt.NEWADDR, rt.DELADDR), _address),
    **dict.fromkeys((rt.NEWROUTE, rt.DELROUTE), _route),
    **dict.fromkeys((rt.NEWRULE, rt.DELRULE), _rule),
}


def _unpack(layout: struct.Struct, body: bytes, offset: int = 0) -> tuple[int, ...]:
    if offset + layout.size > len(body):
        raise Malformed(f"{len(body) - offset} bytes where {layout.size} are needed")
    return layout.unpack_from(body, offset)


def _number(payload: bytes | None, signed: bool = False) -> int | None:
    return None if payload is None else int.from_bytes(payload[:8], sys.byteorder, signed=signed)


def _text(payload: bytes) -> str:
    return payload.split(b"\0", 1)[0].decode(errors="replace")


def _ip(family: int, payload: bytes) -> IPAddress:
    if len(payload) != (4 if family == socket.AF_INET else 16):
        raise Malformed(f"an address of {len(payload)} bytes in family {family}")
    return ip_address(payload)


def _network(family: int, payload: bytes, prefix: int) -> rt.IPNetwork:
    # the kernel leaves the address out when the prefix is empty
    size = 4 if family == socket.AF_INET else 16
    address = _ip(family, payload or bytes(size))
    return ip_network(f"{address}/{prefix}", strict=False)

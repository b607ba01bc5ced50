"""What is asked of the kernel about links, addresses, routes and rules, as bytes.

Pure. The family of a request is that of the addresses in it. `rtmessage` has the layouts.
"""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv4Interface

from conman_core.model import Family, IPAddress, IPInterface
from conman_core.net import rtmessage as rt

_FAMILIES = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
_SKIP_STATISTICS = 8  # RTEXT_FILTER_SKIP_STATS: they are the longest part of a link's answer
_NO_PREFIX_ROUTE = 0x200  # IFA_F_NOPREFIXROUTE
_TO_TABLE = 1  # FR_ACT_TO_TBL


def message(kind: int, flags: int, sequence: int, body: bytes) -> bytes:
    """Put the header before a request."""
    return rt.NLMSGHDR.pack(rt.NLMSGHDR.size + len(body), kind, flags, sequence, 0) + body


def all_links() -> bytes:
    """Ask for every interface."""
    return rt.IFINFOMSG.pack(0, 0, 0, 0, 0) + _number(29, _SKIP_STATISTICS)  # IFLA_EXT_MASK


def one_link(name: str) -> bytes:
    """Ask for one interface."""
    return all_links() + _attribute(3, name.encode() + b"\0")  # IFLA_IFNAME


def link_up(index: int, up: bool) -> bytes:
    """Set an interface up or down."""
    return rt.IFINFOMSG.pack(0, 0, index, rt.IFF_UP if up else 0, rt.IFF_UP)


def link_mtu(index: int, mtu: int) -> bytes:
    """Set the MTU of an interface, in bytes."""
    return rt.IFINFOMSG.pack(0, 0, index, 0, 0) + _number(4, mtu)  # IFLA_MTU


def all_addresses(index: int = 0) -> bytes:
    """Ask for the addresses of one interface, or of all (0)."""
    return rt.IFADDRMSG.pack(0, 0, 0, 0, index)


def address(
    index: int,
    interface: IPInterface,
    *,
    valid: float | None = None,
    preferred: float | None = None,
    protocol: int = 0,
    noprefixroute: bool = True,
) -> bytes:
    """Describe an address, to set or to delete it. Lifetimes in seconds, None for ever.

    A kernel before Linux 5.18 passes over `protocol` (IFA_PROTO).
    """
    packed = interface.ip.packed
    life = _seconds(valid)
    body = rt.IFADDRMSG.pack(
        _FAMILIES[Family(interface.version)], interface.network.prefixlen, 0, 0, index
    )
    body += _attribute(2, packed) + _attribute(1, packed)  # IFA_LOCAL, IFA_ADDRESS
    if isinstance(interface, IPv4Interface) and interface.network.prefixlen < 31:
        body += _attribute(4, interface.network.broadcast_address.packed)  # IFA_BROADCAST
    # IFA_CACHEINFO: the kernel refuses an address that is preferred for longer than it lives
    body += _attribute(6, struct.pack("=IIII", min(_seconds(preferred), life), life, 0, 0))
    body += _number(8, _NO_PREFIX_ROUTE if noprefixroute else 0)  # IFA_FLAGS
    if protocol:
        body += _attribute(11, bytes([protocol]))  # IFA_PROTO
    return body


def all_routes(protocol: int = 0) -> bytes:
    """Ask for the routes of one originator, or of all (0), in every table and both families."""
    return rt.RTMSG.pack(0, 0, 0, 0, 0, protocol, 0, 0, 0)


def route(wanted: rt.RouteMessage) -> bytes:
    """Describe a route, to add or to delete it."""
    body = rt.RTMSG.pack(
        _FAMILIES[wanted.family],
        wanted.destination.prefixlen,
        0,
        0,
        wanted.table if wanted.table < 256 else 0,
        wanted.protocol,
        wanted.scope,
        wanted.type,
        rt.NEXTHOP_ONLINK if wanted.onlink else 0,
    )
    if wanted.destination.prefixlen:
        body += _attribute(1, wanted.destination.network_address.packed)  # RTA_DST
    body += _next_hop(wanted.family, wanted.gateway)
    if wanted.oif is not None:
        body += _number(4, wanted.oif)  # RTA_OIF
    body += _number(6, wanted.metric) + _number(15, wanted.table)  # RTA_PRIORITY, RTA_TABLE
    if wanted.prefsrc:
        body += _attribute(7, wanted.prefsrc.packed)  # RTA_PREFSRC
    if wanted.options:
        body += _attribute(8, wanted.options)  # RTA_METRICS
    if wanted.hops:
        hops = b"".join(_hop(wanted.family, hop) for hop in wanted.hops)
        body += _attribute(9, hops)  # RTA_MULTIPATH
    if wanted.expires is not None:
        body += _number(23, wanted.expires)  # RTA_EXPIRES
    return body


def all_rules() -> bytes:
    """Ask for the rules of both families."""
    return rt.FIB_RULE_HDR.pack(0, 0, 0, 0, 0, 0, 0)


def rule(wanted: rt.RuleMessage) -> bytes:
    """Describe a rule, to add or to delete it."""
    source = wanted.source
    body = rt.FIB_RULE_HDR.pack(
        _FAMILIES[wanted.family], 0, source.prefixlen if source else 0, 0, 0, _TO_TABLE, 0
    )
    body += _number(6, wanted.priority) + _number(15, wanted.table)  # FRA_PRIORITY, FRA_TABLE
    if source:
        body += _attribute(2, source.network_address.packed)  # FRA_SRC
    if wanted.suppress_prefixlength is not None:
        body += _number(14, wanted.suppress_prefixlength)  # FRA_SUPPRESS_PREFIXLEN
    if wanted.protocol:
        body += _attribute(21, bytes([wanted.protocol]))  # FRA_PROTOCOL
    return body


def _hop(family: Family, hop: rt.NextHop) -> bytes:
    via = _next_hop(family, hop.gateway)
    flags = rt.NEXTHOP_ONLINK if hop.onlink else 0
    return rt.RTNEXTHOP.pack(rt.RTNEXTHOP.size + len(via), flags, hop.weight - 1, hop.oif) + via


def _next_hop(family: Family, gateway: IPAddress | None) -> bytes:
    if gateway is None:
        return b""
    if gateway.version == family:
        return _attribute(5, gateway.packed)  # RTA_GATEWAY
    other = struct.pack("=H", _FAMILIES[Family(gateway.version)])
    return _attribute(18, other + gateway.packed)  # RTA_VIA


def _seconds(lifetime: float | None) -> int:
    if lifetime is None:
        return rt.FOREVER
    return min(max(1, int(lifetime)), rt.FOREVER - 1)  # the kernel refuses 0


def _number(kind: int, value: int) -> bytes:
    return _attribute(kind, struct.pack("=I", value))


def _attribute(kind: int, payload: bytes) -> bytes:
    length = rt.RTATTR.size + len(payload)
    return rt.RTATTR.pack(length, kind) + payload + bytes(rt.aligned(length) - length)

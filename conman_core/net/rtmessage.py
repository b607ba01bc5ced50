"""The words of rtnetlink: links, addresses, routes and rules, and the layouts of their bytes.

From netlink(7), rtnetlink(7) and the kernel headers linux/netlink.h, rtnetlink.h, if_link.h,
if_addr.h and fib_rules.h. Numbers are in the byte order of the machine, addresses in network
order. `rtparse` reads what the kernel sends, `rtrequest` writes what it is asked.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from conman_core.model import Family, IPAddress, IPInterface

IPNetwork = IPv4Network | IPv6Network

NEWLINK, DELLINK, GETLINK, SETLINK = 16, 17, 18, 19
NEWADDR, DELADDR, GETADDR = 20, 21, 22
NEWROUTE, DELROUTE, GETROUTE = 24, 25, 26
NEWRULE, DELRULE, GETRULE = 32, 33, 34

IFF_UP = 0x1
IFF_LOWER_UP = 0x10000
FOREVER = 0xFFFFFFFF  #: a lifetime without end, and an absent suppress_prefixlength
MAIN_TABLE = 254
SCOPE_UNIVERSE, SCOPE_LINK = 0, 253
UNICAST = 1
NEXTHOP_ONLINK = 0x4  # RTNH_F_ONLINK

NLMSGHDR = struct.Struct("=IHHII")  # length, type, flags, sequence, port
IFINFOMSG = struct.Struct("=BxHiII")  # family, hardware type, index, flags, mask of changes
IFADDRMSG = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
RTMSG = struct.Struct("=BBBBBBBBI")  # family, dst, src, tos, table, protocol, scope, type, flags
FIB_RULE_HDR = struct.Struct("=BBBBBxxBI")  # family, dst, src, tos, table, action, flags
RTNEXTHOP = struct.Struct("=HBBi")  # length, flags, weight - 1, index
RTATTR = struct.Struct("=HH")  # length, type


@dataclass(frozen=True, slots=True)
class LinkMessage:
    """An interface. `mtu` in bytes; `kind` is the kernel's (`veth`, `bridge`), None for hardware.

    `up` is what an administrator asked for, `carrier` whether there is a signal.
    """

    index: int
    name: str
    up: bool
    carrier: bool
    mtu: int
    kind: str | None = None
    mac: str | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True)
class AddressMessage:
    """An address of an interface. `valid` is what is left of its life in seconds, None for ever.

    `protocol` says who set it; 0 where the kernel does not know (before Linux 5.18: always).
    """

    index: int
    interface: IPInterface
    valid: int | None = None
    protocol: int = 0
    gone: bool = False


@dataclass(frozen=True, slots=True)
class NextHop:
    """One way of a multipath route; `weight` from 1 to 256."""

    oif: int
    gateway: IPAddress | None = None
    weight: int = 1
    onlink: bool = False


@dataclass(frozen=True, slots=True)
class RouteMessage:
    """A route. One with several next hops has them in `hops`, and neither gateway nor oif.

    `onlink`: the gateway needs no route of its own. `options` are the metrics as the kernel
    gave them (MTU, initial window ...), `expires` the seconds that are left (IPv6 only).
    """

    destination: IPNetwork
    gateway: IPAddress | None = None
    oif: int | None = None
    metric: int = 0
    table: int = MAIN_TABLE
    protocol: int = 0
    scope: int = SCOPE_UNIVERSE
    prefsrc: IPAddress | None = None
    type: int = UNICAST
    onlink: bool = False
    options: bytes = b""
    hops: tuple[NextHop, ...] = ()
    expires: int | None = None
    gone: bool = False

    @property
    def family(self) -> Family:
        """The family of its destination."""
        return Family(self.destination.version)

    def __str__(self) -> str:
        via = f" via {self.gateway}" if self.gateway else ""
        return f"{self.destination}{via} metric {self.metric} table {self.table}"


@dataclass(frozen=True, slots=True)
class RuleMessage:
    """A routing rule that looks up `table` for packets from `source` (None: from everywhere).

    `suppress_prefixlength` n throws away a result whose prefix is n or shorter.
    """

    family: Family
    priority: int
    source: IPNetwork | None = None
    table: int = 0
    suppress_prefixlength: int | None = None
    protocol: int = 0
    gone: bool = False

    def __str__(self) -> str:
        return f"{self.priority}: from {self.source or 'all'} lookup {self.table}"


Message = LinkMessage | AddressMessage | RouteMessage | RuleMessage


def aligned(length: int) -> int:
    """Round up to the four bytes that every part of a message is padded to."""
    return (length + 3) & ~3

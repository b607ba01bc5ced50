"""Which routes and rules a connected link must have. Pure.

Each link has its routes twice: in the main table with a metric, so that the best link carries
the traffic, and in a table of its own, which serves what is bound to its addresses.

  32700  from ADDRESS  the link's own table, but not its default route
  32701  from all      the main table, but not its default routes: what another program knows
                       of special networks (a VPN, containers) holds for bound packets too
  32702  from ADDRESS  the link's own table with its default route
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, ip_network

from conman_core.model import Address, Connection, Family, IPAddress, IPInterface
from conman_core.net.rtmessage import (
    MAIN_TABLE,
    SCOPE_LINK,
    SCOPE_UNIVERSE,
    IPNetwork,
    RouteMessage,
    RuleMessage,
)

#: rtm_protocol, IFA_PROTO and FRA_PROTOCOL of all that is conman's. None of linux/rtnetlink.h,
#: iproute2 or FRRouting uses this number; 192 would be EIGRP's.
PROTOCOL = 0xCB
TABLE_BASE = 20000  #: a link's own table has this number plus the index of its interface
OWN_NETWORKS, SHARED, OWN_DEFAULT = 32700, 32701, 32702  #: priorities of the rules
_OWN_METRIC = 1  # not 0: to the kernel 0 means any metric when a route is deleted
_DEFAULT = {Family.IPV4: ip_network("0.0.0.0/0"), Family.IPV6: ip_network("::/0")}


def table_of(index: int) -> int:
    """Return the number of the own table of an interface."""
    return TABLE_BASE + index


def routes_for(connection: Connection, index: int, metric: int) -> tuple[RouteMessage, ...]:
    """Return all routes of a link, in the order in which they must be added.

    A gateway's network comes before what is behind the gateway, the link's own table before
    the main one, and the default routes of the main table, which attract traffic, are last.
    """
    own = _routes(connection, index, table_of(index), _OWN_METRIC)
    return (*own, *_routes(connection, index, MAIN_TABLE, metric))


def rules_for(connection: Connection, index: int) -> tuple[RuleMessage, ...]:
    """Return all rules of a link, the shared ones among them."""
    rules: dict[RuleMessage, None] = {}
    for address in connection.addresses:
        family = Family(address.interface.version)
        source = ip_network(address.interface.ip)
        table = table_of(index)
        rules[RuleMessage(family, OWN_NETWORKS, source, table, 0, PROTOCOL)] = None
        rules[RuleMessage(family, SHARED, None, MAIN_TABLE, 0, PROTOCOL)] = None
        rules[RuleMessage(family, OWN_DEFAULT, source, table, None, PROTOCOL)] = None
    return tuple(rules)


def same_route(one: RouteMessage) -> tuple[object, ...]:
    """Return what tells a route of conman's from another; the kernel adds to the rest."""
    return (one.table, one.destination, one.metric, one.gateway, one.oif, one.prefsrc)


def _routes(connection: Connection, index: int, table: int, metric: int) -> list[RouteMessage]:
    interfaces = [address.interface for address in connection.addresses]
    found: dict[IPNetwork, RouteMessage] = {}

    def add(destination: IPNetwork, gateway: IPAddress | None, source: IPAddress | None) -> None:
        onlink = gateway is not None and not _neighbour(gateway, interfaces)
        near = gateway is None and isinstance(destination, IPv4Network)
        route = RouteMessage(
            destination=destination,
            gateway=gateway,
            oif=index,
            metric=metric,
            table=table,
            protocol=PROTOCOL,
            scope=SCOPE_LINK if near else SCOPE_UNIVERSE,
            # IPv6 chooses by interface (RFC 6724), and refuses an address that is still checked
            prefsrc=source if isinstance(destination, IPv4Network) else None,
            onlink=onlink,
        )
        found.setdefault(destination, route)

    for interface in filter(_has_neighbours, interfaces):
        add(interface.network, None, interface.ip)
    for family, gateway in connection.gateways.items():
        source = _source(connection.addresses, family, gateway)
        if source or family is Family.IPV6:  # whose addresses the kernel makes by itself
            add(_DEFAULT[family], gateway, source)
    for static in connection.routes:
        source = _source(connection.addresses, Family.IPV4, static.gateway)
        if source:
            add(static.network, static.gateway, source)
    return sorted(found.values(), key=add_order)


def add_order(route: RouteMessage) -> tuple[bool, bool]:
    """Return the sort key by which routes may be added: gateways' networks first, defaults last."""
    return (route.destination.prefixlen == 0, route.gateway is not None)


def _source(
    addresses: Iterable[Address], family: Family, gateway: IPAddress | None
) -> IPAddress | None:
    own = [address.interface for address in addresses if address.interface.version == family]
    near = [interface for interface in own if gateway is not None and gateway in interface.network]
    best = [*near, *own]
    return best[0].ip if best else None


def _neighbour(gateway: IPAddress, interfaces: Iterable[IPInterface]) -> bool:
    if isinstance(gateway, IPv6Address) and gateway.is_link_local:
        return True
    return any(gateway in each.network for each in interfaces if _has_neighbours(each))


def _has_neighbours(interface: IPInterface) -> bool:
    # the kernel itself knows the way to a single address; /0 is a server's mistake
    return 0 < interface.network.prefixlen < interface.ip.max_prefixlen

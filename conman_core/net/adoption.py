"""What is configured on an interface already, as a connection that can be taken over."""

from __future__ import annotations

import contextlib
from ipaddress import IPv4Interface, IPv4Network, ip_address
from pathlib import Path

from conman_core.model import Address, Connection, Family, IPAddress
from conman_core.net.netlink import Netlink
from conman_core.net.rtmessage import MAIN_TABLE, UNICAST


def found_on(netlink: Netlink, name: str, index: int, resolv_conf: Path) -> Connection | None:
    """Describe an interface's own configuration, whoever made it.

    None unless it has both an IPv4 address and a default route: only then it may be an uplink.
    Raises SystemFault.
    """
    addresses = tuple(
        Address(found.interface, found.valid)
        for found in netlink.addresses(index)
        if isinstance(found.interface, IPv4Interface) and not found.interface.is_link_local
    )
    defaults = [
        route
        for route in netlink.routes()
        if (route.oif, route.table, route.type) == (index, MAIN_TABLE, UNICAST)
        and isinstance(route.destination, IPv4Network)
        and route.destination.prefixlen == 0
    ]
    if not addresses or not defaults:
        return None
    best = min(defaults, key=lambda route: route.metric)
    return Connection(name, addresses, {Family.IPV4: best.gateway}, dns=_servers(resolv_conf))


def _servers(resolv_conf: Path) -> tuple[IPAddress, ...]:
    """Return the DNS servers of a resolver file (resolv.conf(5)); there may be none."""
    try:
        lines = resolv_conf.read_text(errors="replace").splitlines()
    except OSError:
        return ()
    servers = []
    for words in map(str.split, lines):
        if words[:1] == ["nameserver"] and len(words) > 1:
            with contextlib.suppress(ValueError):  # what the C library would not take either
                servers.append(ip_address(words[1]))
    return tuple(servers)

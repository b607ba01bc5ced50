"""What is configured on an interface already, as a connection that can be taken over."""

from __future__ import annotations

import contextlib
from ipaddress import IPv4Interface, IPv4Network, ip_address
from pathlib import Path

from conman_core.model import Address, Connection, Family, IPAddress
from conman_core.net.netlink import Netlink
from conman_core.net.rtmessage import MAIN_TABLE, UNICAST, RouteMessage


class Adoption:
    """Describes what there was before conman; `resolv_conf` has the DNS servers of one link."""

    def __init__(self, netlink: Netlink, resolv_conf: Path) -> None:
        self._netlink = netlink
        self._resolv_conf = resolv_conf
        self._resolving: int | None = None  # the interface whose servers the file has

    def found_on(self, name: str, index: int) -> Connection | None:
        """Describe an interface's own configuration, whoever made it.

        None unless it has both an IPv4 address and a default route: only then it may be an uplink.
        Raises SystemFault.
        """
        addresses = tuple(
            Address(found.interface, found.valid)
            for found in self._netlink.addresses(index)
            if isinstance(found.interface, IPv4Interface) and not found.interface.is_link_local
        )
        defaults = sorted(self._defaults(), key=lambda route: route.metric)
        if self._resolving is None and defaults:  # later on conman changes metrics and file
            self._resolving = defaults[0].oif
        best = next((route for route in defaults if route.oif == index), None)
        if not addresses or not best:
            return None
        servers = _servers(self._resolv_conf) if index == self._resolving else ()
        return Connection(name, addresses, {Family.IPV4: best.gateway}, dns=servers)

    def _defaults(self) -> list[RouteMessage]:
        return [
            route
            for route in self._netlink.routes()
            if (route.table, route.type) == (MAIN_TABLE, UNICAST)
            and isinstance(route.destination, IPv4Network)
            and route.destination.prefixlen == 0
        ]


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

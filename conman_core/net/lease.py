"""What dhcpcd reports about a DHCP lease, read into a `Connection`. Pure: no I/O, no clock.

A server is somebody else's machine. What it says is taken only where it can do no harm: a lease
that cannot work is refused as a whole, a setting that cannot work is left out and noted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from conman_core.model import Address, Connection, Family, IPAddress, StaticRoute

#: dhcpcd-run-hooks(8)
LEASE_REASONS = frozenset({"BOUND", "RENEW", "REBIND", "REBOOT", "INFORM"})
#: The lease is void. EXPIRE is not among them: dhcpcd says it also when the carrier goes and when
#: somebody removes the address (measured, 9.4.1 and 10.1.0), and the lease lives on.
LOST_REASONS = frozenset({"NAK", "FAIL", "DEPARTED"})

SHORTEST_LEASE = 20  #: seconds; a server that says less is taken at that, as dhcpcd does
FOREVER = 0xFFFFFFFF  # RFC 2131 section 3.3
#: RFC 791 section 3.1: every host must accept 576 bytes, so no link needs less; a smaller value
#: (RFC 2132 section 5.1 allows 68) only slows everything down
SMALLEST_MTU = 576
LARGEST_MTU = 65535
#: A network shorter than /8, connected or behind a route, takes traffic from every other link.
SHORTEST_PREFIX = 8
MOST_ROUTES = 64
MOST_SERVERS = 8

_LARGEST_REPORT = 65536
_NUMBER = re.compile(r"[0-9]{1,10}")
_THIS_NETWORK = IPv4Network("0.0.0.0/8")  # RFC 1122 section 3.2.1.3
_DEFAULT = IPv4Network("0.0.0.0/0")


class BadLease(ValueError):
    """A lease that cannot be used; the text says to a person what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that dhcpcd said.

    `connection` comes with a lease, `lost` when there is none any more; neither: no change.
    `notes` are sentences about what the server offered and was not taken.
    """

    reason: str
    connection: Connection | None = None
    lost: bool = False
    notes: tuple[str, ...] = ()


def split_reports(data: bytes) -> tuple[list[Mapping[str, str]], bytes]:
    """Return the complete reports in what was read from the hook, and the rest of it.

    A report is NAME=VALUE lines that begin with `reason` and end with an empty line. One that was
    torn, and whatever is not a report, is dropped.
    """
    *blocks, rest = data.split(b"\n\n")
    reports: list[Mapping[str, str]] = []
    for block in blocks:
        lines = block.decode(errors="replace").split("\n")
        values: dict[str, str] = {}
        for name, separator, value in (line.partition("=") for line in lines):
            if name == "reason":
                values = {}  # what came before was torn
            if separator:
                values[name] = value
        if "reason" in values:
            reports.append(values)
    return reports, rest if len(rest) <= _LARGEST_REPORT else b""


def read_report(
    values: Mapping[str, str], interface: str, protected: Collection[IPAddress] = ()
) -> Report:
    """Understand one report. Routes to `protected` addresses are not taken. Raises BadLease."""
    reason = values.get("reason", "")
    if reason not in LEASE_REASONS:
        return Report(reason, lost=reason in LOST_REASONS)
    return _LeaseReader(values, interface, protected).read(reason)


class _LeaseReader:
    """Reads the parts of one lease and collects the notes."""

    def __init__(
        self, values: Mapping[str, str], interface: str, protected: Collection[IPAddress]
    ) -> None:
        self.values = values
        self.interface = interface
        self.protected = protected
        self.notes: list[str] = []

    def read(self, reason: str) -> Report:
        address = self._address()
        lifetime = self._lifetime()
        offered = tuple(self._offered_routes())
        gateways = self._gateways(address.ip, offered)
        connection = Connection(
            interface=self.interface,
            addresses=(Address(address, lifetime, lifetime),),
            gateways=gateways,
            dns=self._servers(),
            routes=self._routes(address.ip, gateways, offered),
            mtu=self._mtu(),
        )
        return Report(reason, connection, notes=tuple(self.notes))

    def _text(self, name: str) -> str:
        return self.values.get(name, "").strip()

    def _address(self) -> IPv4Interface:
        text = self._text("ip_address")
        prefix = self._text("subnet_cidr")
        try:
            address = IPv4Address(text)
        except ValueError:
            raise BadLease(f"the DHCP server gave {text[:40]!r}, which is no address") from None
        if not _is_host(address):
            raise BadLease(f"the DHCP server gave {address}, which no host can use")
        if not _NUMBER.fullmatch(prefix) or not SHORTEST_PREFIX <= int(prefix) <= 32:
            raise BadLease(
                f"the DHCP server gave {address} with a network of prefix length "
                f"{prefix[:40]!r}; {SHORTEST_PREFIX} to 32 can be used"
            )
        interface = IPv4Interface((address, int(prefix)))
        network = interface.network
        edges = (network.network_address, network.broadcast_address)
        if network.prefixlen < 31 and address in edges:  # RFC 3021: a /31 has no edges
            raise BadLease(f"the DHCP server gave {interface}, which is no host in its network")
        return interface

    def _lifetime(self) -> float | None:
        text = self._text("dhcp_lease_time")
        if not text:
            return None  # BOOTP (RFC 1497): the address is given for ever
        if not _NUMBER.fullmatch(text) or not 0 < int(text) <= FOREVER:
            raise BadLease(f"the DHCP server gave an address for {text[:40]!r} seconds")
        return None if int(text) == FOREVER else float(max(int(text), SHORTEST_LEASE))

    def _offered_routes(self) -> Iterator[StaticRoute]:
        """Read option 121 (RFC 3442) as dhcpcd prints it: `10.0.0.0/8 10.9.0.1 ...`."""
        words = self._text("classless_static_routes").split()
        for destination, router in zip(words[::2], words[1::2], strict=False):
            try:
                network = IPv4Network(destination, strict=False)
                gateway = IPv4Address(router)
            except ValueError:
                self._note(f"the route {destination[:40]} {router[:40]}", "it is garbled")
                continue
            # RFC 3442, local subnet routes: router 0.0.0.0 means on the link itself
            yield StaticRoute(network, None if gateway.is_unspecified else gateway)

    def _gateways(
        self, own: IPv4Address, offered: tuple[StaticRoute, ...]
    ) -> dict[Family, IPAddress | None]:
        """Return the gateway of option 121's default route, else of option 3 (Router).

        RFC 3442 wants option 3 ignored wherever option 121 is; but servers that give a few routes
        and expect the default of option 3 beside them are common.
        """
        for route in offered:
            if route.network != _DEFAULT:
                continue
            if route.gateway is None or _is_neighbour(route.gateway, own):
                return {Family.IPV4: route.gateway}
            self._note(f"the default route by {route.gateway}", "it is no router's address")
        for text in self._text("routers").split():
            try:
                router = IPv4Address(text)
            except ValueError:
                router = None
            if router and _is_neighbour(router, own):
                return {Family.IPV4: router}
            self._note(f"the router {text[:40]}", "it is no router's address")
        return {}

    def _routes(
        self,
        own: IPv4Address,
        gateways: Mapping[Family, IPAddress | None],
        offered: tuple[StaticRoute, ...],
    ) -> tuple[StaticRoute, ...]:
        gateway = gateways.get(Family.IPV4)
        routes: list[StaticRoute] = []
        for route in offered:
            network = route.network
            if network == _DEFAULT or route in routes:
                continue
            covered = next((a for a in self.protected if a in network), None)
            if network.prefixlen < SHORTEST_PREFIX:
                why = f"it is shorter than /{SHORTEST_PREFIX} and would take other links' traffic"
            elif gateway is not None and gateway in network:
                why = f"it covers the link's own gateway {gateway}"
            elif covered:
                why = f"it covers {covered}, which conman checks the links with"
            elif not _is_host(network.network_address):
                why = "no host can have such addresses"
            elif route.gateway is not None and not _is_neighbour(route.gateway, own):
                why = f"{route.gateway} is no router's address"
            elif len(routes) >= MOST_ROUTES:
                why = f"there are {MOST_ROUTES} already"
            else:
                routes.append(route)
                continue
            self._note(f"the route to {network}", why)
        return tuple(routes)

    def _servers(self) -> tuple[IPAddress, ...]:
        servers: list[IPAddress] = []
        for text in self._text("domain_name_servers").split():
            try:
                server = IPv4Address(text)
            except ValueError:
                server = None
            if server is None or not _is_host(server):
                self._note(f"the DNS server {text[:40]}", "it is no server's address")
            elif server not in servers and len(servers) < MOST_SERVERS:
                servers.append(server)
        return tuple(servers)

    def _mtu(self) -> int | None:
        text = self._text("interface_mtu")
        if not text:
            return None
        if _NUMBER.fullmatch(text) and SMALLEST_MTU <= int(text) <= LARGEST_MTU:
            return int(text)
        self._note(f"an MTU of {text[:40]}", f"{SMALLEST_MTU} to {LARGEST_MTU} can be used")
        return None

    def _note(self, what: str, why: str) -> None:
        self.notes.append(f"the DHCP server offered {what}; not taken: {why}")


def _is_host(address: IPv4Address) -> bool:
    """Whether a host elsewhere can have this address."""
    return not (
        address in _THIS_NETWORK
        or address.is_loopback
        or address.is_multicast
        or address.is_reserved  # 240.0.0.0/4 with the broadcast address, RFC 1112 section 4
    )


def _is_neighbour(address: IPv4Address, own: IPv4Address) -> bool:
    return _is_host(address) and address != own

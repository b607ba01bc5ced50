"""What one round of checks is about: one address family of one link, and what to ask over it."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from conman_core.model import Connection, Family, IPAddress, IPInterface

MOST_SERVERS = 3  #: as many as a resolver file has room for, resolv.conf(5)
FULL_EVERY = 300.0  #: seconds after which a full round is due again on a link without a bill
SILENT_PINGS = 3  #: rounds in a row without an echo after which pages are asked first
SHORTEST_PATIENCE = 0.25
LONGEST_PATIENCE = 1.0  #: a slower line too gets its second send well before the limit


class Check(enum.StrEnum):
    """How far a link must reach to count as online."""

    INTERNET = "internet"
    GATEWAY = "gateway"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Targets:
    """What to ask over a link. `urls` must have passed `http.parse_url`.

    `use_dns` False: the machine does not use the link's DNS servers, so their silence is no fault.
    """

    hosts: tuple[IPAddress, ...]
    urls: tuple[str, ...] = ()
    mode: Check = Check.INTERNET
    use_dns: bool = True


@dataclass(frozen=True, slots=True)
class Path:
    """One family of a connection. `dns` are the servers that can be asked over the link itself."""

    interface: str
    family: Family
    source: IPInterface
    networks: tuple[IPInterface, ...] = ()
    gateway: IPAddress | None = None
    dns: tuple[IPAddress, ...] = ()

    def on_link(self, address: IPAddress) -> bool:
        """Tell whether an address is the router's or in one of the link's own networks."""
        return address == self.gateway or any(address in own.network for own in self.networks)

    def proves_internet(self, server: IPAddress) -> bool:
        """Tell whether a DNS server can only have answered from beyond the router's own networks.

        Private and shared address space (RFC 1918, RFC 6598) belongs to the operator or the LAN.
        """
        return server.is_global and not self.on_link(server)


def path_of(connection: Connection, family: Family) -> Path | None:
    """Return the path of one family, None if the connection has no address of that family."""
    own = tuple(
        address.interface
        for address in connection.addresses
        if address.interface.version == family and not address.interface.ip.is_link_local
    )
    if not own:
        return None
    servers = [
        server
        for server in dict.fromkeys(connection.dns)
        if server.version == family and not server.is_loopback and not server.is_unspecified
    ]
    return Path(
        interface=connection.interface,
        family=family,
        source=own[0],
        networks=own,
        gateway=connection.gateways.get(family),
        dns=tuple(servers[:MOST_SERVERS]),
    )


@dataclass(frozen=True, slots=True)
class PathMemory:
    """What earlier rounds taught about one link's path; the caller keeps it from round to round.

    A fresh one belongs to a fresh connection. Times are of the event loop's clock, in seconds.
    """

    srtt: float | None = None  #: smoothed round-trip time
    silent_pings: int = 0  #: rounds in a row in which a page answered and no echo did
    last_full: float | None = None  #: None: the next round must be full

    @property
    def patience(self) -> float:
        """How long to wait for an answer before asking again and asking more, in seconds."""
        if self.srtt is None:
            return SHORTEST_PATIENCE
        return min(max(4 * self.srtt, SHORTEST_PATIENCE), LONGEST_PATIENCE)

    @property
    def pages_first(self) -> bool:
        """Echo requests are dropped on this path, so that a routine round asks for a page."""
        return self.silent_pings >= SILENT_PINGS

    def full_due(self, now: float, *, metered: bool) -> bool:
        """Tell whether everything should be asked: at first, after a bad round, and now and then.

        Where bytes cost money the clock alone is no reason.
        """
        if self.last_full is None:
            return True
        return not metered and now - self.last_full >= FULL_EVERY


def remember_rtt(memory: PathMemory, rtt: float) -> PathMemory:
    """Smooth a new round-trip time in: 7/8 old, 1/8 new (RFC 6298 section 2)."""
    return replace(memory, srtt=rtt if memory.srtt is None else 0.875 * memory.srtt + 0.125 * rtt)


def remember_ping(memory: PathMemory, *, answered: bool, page_answered: bool) -> PathMemory:
    """Note a round in which echoes were asked for; a round in which nothing came tells nothing."""
    if answered:
        return replace(memory, silent_pings=0)
    if page_answered:
        return replace(memory, silent_pings=memory.silent_pings + 1)
    return memory

"""A small internet in network namespaces: a device with two uplinks, two routers, the far side.

    device eth0 -- lan0 home   wan0 --\
                                       far: 1.1.1.1  8.8.8.8  9.9.9.9  198.51.100.1
    device eth1 -- lan0 backup wan0 --/

The far side answers echo requests, UDP and TCP echo, DNS, and the pages by which conman's default
settings tell the internet from a login page. With `shared_lan` both uplinks and both routers are
plugged into one switch and share one subnet. Nothing here has a route to the machine it runs on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from ipaddress import IPv4Interface

from tests.netns.device import Device
from tests.netns.namespaces import Bench, Namespace, bench
from tests.netns.router import Router
from tests.netns.services import start_dns, start_servers

TARGETS = ("1.1.1.1", "8.8.8.8", "9.9.9.9")
SITE = "198.51.100.1"
SITES = ("connectivitycheck.gstatic.com", "nmcheck.gnome.org")

HOME = IPv4Interface("10.77.1.1/24")
BACKUP = IPv4Interface("10.77.2.1/24")
BACKUP_ON_SHARED_LAN = IPv4Interface("10.77.1.2/24")


class Internet:
    """The hosts, the cables between them, and what can happen to the cables."""

    def __init__(
        self,
        bench: Bench,
        *,
        shared_lan: bool = False,
        one_router: bool = False,
        dhcp: bool = True,
        dhcp_options: tuple[str, ...] = (),
    ) -> None:
        """Build it; every server answers when this returns.

        `one_router` (only with `shared_lan`): both uplinks lead to `home`, there is no `backup`.
        `dhcp=False` leaves the DHCP servers for `dhcp_start`. `dhcp_options` are dnsmasq's, such
        as "121,10.88.0.0/16,10.77.1.9".
        """
        if one_router and not shared_lan:
            raise ValueError("one router needs a shared LAN")
        self.bench = bench
        self.shared_lan = shared_lan
        self.far = bench.namespace("far")
        self._build_far()
        self.device = Device(bench)
        self.home = self._router("home", HOME, "203.0.113.1/30")
        address = BACKUP_ON_SHARED_LAN if shared_lan else BACKUP
        self.backup = self.home
        if not one_router:
            self.backup = self._router("backup", address, "203.0.113.5/30")
        self._lay_cables()
        for interface in ("eth0", "eth1"):
            # As at power on: conman has to bring its interfaces up itself.
            self.device.ip("link", "set", interface, "down")
        for router in self.routers:
            router.configure_lan()
            router.dns_start(SITES, SITE)
            if dhcp:
                router.dhcp_start(*dhcp_options)

    @property
    def routers(self) -> tuple[Router, ...]:
        """The routers that there are, `home` first."""
        return (self.home,) if self.backup is self.home else (self.home, self.backup)

    def cable_out(self, interface: str) -> float:
        """Pull the cable of eth0 or eth1 at the router's end; return when (CLOCK_MONOTONIC)."""
        host, port = self._far_end(interface)
        moment = time.monotonic()
        host.ip("link", "set", port, "down")
        return moment

    def cable_in(self, interface: str) -> float:
        """Plug the cable in again; return when (CLOCK_MONOTONIC)."""
        host, port = self._far_end(interface)
        moment = time.monotonic()
        host.ip("link", "set", port, "up")
        return moment

    def _far_end(self, interface: str) -> tuple[Namespace, str]:
        if self.shared_lan:
            return self.switch, f"to-{interface}"
        return {"eth0": self.home, "eth1": self.backup}[interface], "lan0"

    def _build_far(self) -> None:
        for address in (*TARGETS, SITE):
            self.far.ip("address", "add", f"{address}/32", "dev", "lo")
        start_servers(self.far, "internet", *TARGETS, SITE)
        start_dns(self.far, TARGETS, SITES, SITE)

    def _router(self, role: str, lan: IPv4Interface, far_address: str) -> Router:
        router = Router(self.bench, role, lan)
        port = f"to-{role}"
        self.bench.cable(router, "wan0", self.far, port)
        far_end = IPv4Interface(far_address)
        self.far.ip("address", "add", str(far_end), "dev", port)
        router.configure_wan(
            IPv4Interface(f"{far_end.ip + 1}/{far_end.network.prefixlen}"), far_end
        )
        return router

    def _lay_cables(self) -> None:
        if not self.shared_lan:
            self.bench.cable(self.device, "eth0", self.home, "lan0")
            self.bench.cable(self.device, "eth1", self.backup, "lan0")
            return
        self.switch = self.bench.namespace("switch")
        self.switch.ip("link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
        ends: list[tuple[Namespace, str]] = [(self.device, "eth0"), (self.device, "eth1")]
        for host, name in ends + [(router, "lan0") for router in self.routers]:
            port = f"to-{name if host is self.device else host.role}"
            self.bench.cable(host, name, self.switch, port)
            self.switch.ip("link", "set", port, "master", "br0")
        self.switch.ip("link", "set", "br0", "up")
        if len(self.routers) == 2:  # two DHCP servers in one LAN: each uplink has its own
            self.home.serve_only(self.device.mac("eth0"))
            self.backup.serve_only(self.device.mac("eth1"))


@contextlib.contextmanager
def internet(
    *,
    prefix: str = "cm",
    shared_lan: bool = False,
    one_router: bool = False,
    dhcp: bool = True,
    dhcp_options: tuple[str, ...] = (),
) -> Iterator[Internet]:
    """Give a small internet of one's own that is removed whatever happens."""
    with bench(prefix) as made:
        yield Internet(
            made,
            shared_lan=shared_lan,
            one_router=one_router,
            dhcp=dhcp,
            dhcp_options=dhcp_options,
        )

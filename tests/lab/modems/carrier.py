"""The carrier: where packets of modems and PPP calls come out, and its way to the internet."""

from __future__ import annotations

from ipaddress import IPv4Interface

from tests.netns.namespaces import Bench, Namespace

IPV6_ADDRESSES = ("2001:db8:ff::8", "2001:db8:ff::9")  # of the far side, as modems tell them
IPV6_LINK = "2001:db8:fe"
RULES = """
    table ip carrier {
      chain forward {
        type filter hook forward priority 0;
        iifname "wan0" ct state new drop
      }
      chain out {
        type nat hook postrouting priority 100;
        oifname "wan0" masquerade
      }
    }
"""


class Carrier(Namespace):
    """One operator. A packet gets here only by a session, with the address of that session."""

    def __init__(self, bench: Bench, far: Namespace | None) -> None:
        """Without a `far` it leads nowhere."""
        super().__init__(bench, "carrier")
        bench.namespaces.append(self)
        if far:
            self._connect(bench, far)

    def _connect(self, bench: Bench, far: Namespace) -> None:
        bench.cable(self, "wan0", far, "to-carrier")
        near, there = IPv4Interface("203.0.113.254/30"), IPv4Interface("203.0.113.253/30")
        far.ip("address", "add", str(there), "dev", "to-carrier")
        self.ip("address", "add", str(near), "dev", "wan0")
        self.ip("route", "add", "default", "via", str(there.ip))
        # of a PPP call: what does not come from the address that the call was given is dropped
        for name in ("net.ipv4.conf.all.rp_filter", "net.ipv4.ip_forward"):
            self.sysctl(name, "1")
        self.run("nft", "-f", "-", stdin=RULES)

    def use_ipv6(self, far: Namespace) -> None:
        """Have IPv6, too; each session gets a network of its own."""
        for host in (self, far):
            host.sysctl("net.ipv6.conf.all.forwarding", "1")
        for address in IPV6_ADDRESSES:
            far.ip("-6", "address", "add", f"{address}/128", "dev", "lo")
        far.ip("-6", "address", "add", f"{IPV6_LINK}::1/64", "dev", "to-carrier", "nodad")
        self.ip("-6", "address", "add", f"{IPV6_LINK}::2/64", "dev", "wan0", "nodad")
        far.ip("-6", "route", "add", "2001:db8:64::/48", "via", f"{IPV6_LINK}::2")
        self.ip("-6", "route", "add", "default", "via", f"{IPV6_LINK}::1")

    def cell(self, number: int) -> str:
        """Make the interface that the packets of a modem come out of; return its name."""
        name = f"cell{number}"
        self.ip("tuntap", "add", "dev", name, "mode", "tun")
        self.ip("address", "add", f"10.64.{number}.1/24", "dev", name)
        self.ip("link", "set", name, "up")
        self.ip("-6", "route", "add", f"2001:db8:64:{number:x}00::/56", "dev", name)
        return name

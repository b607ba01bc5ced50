"""The carrier: where packets of modems and PPP calls come out, and its way to the internet."""

from __future__ import annotations

from tests.lab.modems.hosts import Host
from tests.netns.namespaces import Bench, run

FAR, NEAR = "203.0.113.253", "203.0.113.254"  # ends of the cable to the internet
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


class Carrier(Host):
    """One operator. A packet gets here only by a session, with the address of that session."""

    def __init__(self, bench: Bench, far: Host | None) -> None:
        """Without a `far` it leads nowhere."""
        super().__init__(bench, "carrier")
        self.far = far
        if far:
            self._connect(far)

    def _connect(self, far: Host) -> None:
        far.batch(f"link add to-carrier type veth peer name wan0 netns {self.name}")
        far.batch(f"address add {FAR}/30 dev to-carrier", "link set to-carrier up")
        self.batch(
            f"address add {NEAR}/30 dev wan0", "link set wan0 up", f"route add default via {FAR}"
        )
        # of a PPP call: what does not come from the address that the call was given is dropped
        for name in ("net.ipv4.conf.all.rp_filter", "net.ipv4.ip_forward"):
            self.sysctl(name, "1")
        self.run("nft", "-f", "-", stdin=RULES)

    def use_ipv6(self) -> None:
        """Have IPv6, too; each session gets a network of its own."""
        assert self.far
        for host in (self, self.far):
            host.sysctl("net.ipv6.conf.all.forwarding", "1")
        self.far.batch(
            *(f"address add {address}/128 dev lo" for address in IPV6_ADDRESSES),
            f"address add {IPV6_LINK}::1/64 dev to-carrier nodad",
            f"route add 2001:db8:64::/48 via {IPV6_LINK}::2",
        )
        self.batch(
            f"address add {IPV6_LINK}::2/64 dev wan0 nodad",
            f"route add default via {IPV6_LINK}::1",
        )

    def cell(self, number: int) -> str:
        """Make the interface that the packets of a modem come out of; return its name."""
        name = f"cell{number}"
        run("ip", "-n", self.name, "tuntap", "add", "dev", name, "mode", "tun")
        self.batch(
            f"address add 10.64.{number}.1/24 dev {name}",
            f"link set {name} up",
            f"route add 2001:db8:64:{number:x}00::/56 dev {name}",
        )
        return name

"""A router of the small internet: forwarding, NAT, DHCP, DNS, and how each of them fails."""

from __future__ import annotations

import time
from ipaddress import IPv4Interface
from pathlib import Path

from tests.netns.namespaces import Bench, Namespace
from tests.netns.services import Process, resolves, start_dhcp, start_dns, start_servers

PORTAL_PORT = 8080


class Router(Namespace):
    """One router. Its LAN is `lan0`, its way to the internet `wan0`.

    Like a real one it translates addresses and passes nothing that is not from its own LAN. It
    answers DNS itself, also when the internet behind it is gone.
    """

    def __init__(self, bench: Bench, role: str, lan: IPv4Interface) -> None:
        super().__init__(bench, role)
        bench.namespaces.append(self)
        self.lan = lan
        self._only_mac: str | None = None
        self._dhcp: Process | None = None
        self._dns: Process | None = None
        self._portal: Process | None = None
        self._dns_names: tuple[tuple[str, ...], str] = ((), "")
        self._faults: set[str] = set()
        self.sysctl("net.ipv4.ip_forward", "1")

    def configure_wan(self, address: IPv4Interface, gateway: IPv4Interface) -> None:
        """Set the address on `wan0` and the default route."""
        self.ip("address", "add", str(address), "dev", "wan0")
        self.ip("route", "add", "default", "via", str(gateway.ip))

    def configure_lan(self) -> None:
        """Set the address on `lan0` and the rules."""
        self.ip("address", "add", str(self.lan), "dev", "lan0")
        self._load_rules()

    def silence(self) -> float:
        """Stop forwarding: carrier, DHCP and the router stay, the internet is gone.

        Returns the moment on CLOCK_MONOTONIC, like every fault here.
        """
        return self._forward("0")

    def restore(self) -> float:
        """Forward again."""
        return self._forward("1")

    def portal_on(self) -> float:
        """Answer every web page with a redirect to a login page, pass nothing else."""
        if self._portal is None:
            self._portal = start_servers(self, "portal", str(self.lan.ip), str(PORTAL_PORT))
        return self._fault("portal", present=True)

    def portal_off(self) -> float:
        """Pass everything: the person has logged in."""
        return self._fault("portal", present=False)

    def dhcp_start(self, *options: str) -> None:
        """Serve addresses .100 to .199 of the LAN; `options` are dnsmasq's --dhcp-option values."""
        if self._dhcp:
            return
        first, last = self.lan.network[100], self.lan.network[199]
        mine: tuple[str, ...] = (
            f"--dhcp-range={first},{last},1h",
            f"--dhcp-option=option:dns-server,{self.lan.ip}",
        )
        if self._only_mac:
            mine += (f"--dhcp-mac=set:mine,{self._only_mac}", "--dhcp-ignore=tag:!mine")
        self._dhcp = start_dhcp(self, *mine, *(f"--dhcp-option={option}" for option in options))

    def dhcp_stop(self) -> None:
        """Answer no DHCP request from now on."""
        if self._dhcp:
            self.bench.stop(self._dhcp)
            self._dhcp = None

    def serve_only(self, mac: str) -> None:
        """Make the DHCP server ignore every other device. Before `dhcp_start`."""
        self._only_mac = mac

    def dns_start(self, names: tuple[str, ...] = (), address: str = "") -> None:
        """Answer DNS on the LAN; without arguments as before it was stopped."""
        if names:
            self._dns_names = (names, address)
        self._fault("dns", present=False)
        if not self._dns:
            self._dns = start_dns(self, (str(self.lan.ip),), *self._dns_names)

    def dns_stop(self) -> None:
        """Refuse DNS questions at once (no server on the port)."""
        if self._dns:
            self.bench.stop(self._dns)
            self._dns = None

    def dns_hang(self) -> float:
        """Take DNS questions and never answer them; `dns_start` ends it."""
        return self._fault("dns", present=True)

    def dns_answers(self) -> bool:
        """Whether its DNS server knows the names it was given."""
        return resolves(self, str(self.lan.ip), self._dns_names[0][0])

    def _forward(self, value: str) -> float:
        setting = Path("/proc/sys/net/ipv4/ip_forward")
        moment = time.monotonic()
        self.call(lambda: setting.write_text(value))
        return moment

    def _fault(self, name: str, *, present: bool) -> float:
        self._faults = self._faults | {name} if present else self._faults - {name}
        moment = time.monotonic()
        self._load_rules()
        return moment

    def _load_rules(self) -> None:
        portal = "portal" in self._faults
        to_portal = f'iifname "lan0" tcp dport 80 dnat to {self.lan.ip}:{PORTAL_PORT}'
        rules = f"""
            flush ruleset
            table ip router {{
              chain forward {{
                type filter hook forward priority 0;
                iifname "lan0" ip saddr != {self.lan.network} drop
                {'iifname "lan0" drop' if portal else ""}
              }}
              chain input {{
                type filter hook input priority 0;
                {"udp dport 53 drop" if "dns" in self._faults else ""}
              }}
              chain in {{
                type nat hook prerouting priority -100;
                {to_portal if portal else ""}
              }}
              chain out {{
                type nat hook postrouting priority 100;
                oifname "wan0" masquerade
              }}
            }}
        """
        self.run("nft", "-f", "-", stdin=rules)

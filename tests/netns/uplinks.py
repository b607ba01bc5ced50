"""A device with two uplinks, eth0 and eth1, each through a router of its own to one far host."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_interface, ip_network

from conman_core.model import Address, Connection, Family, IPInterface, StaticRoute
from conman_core.net.netlink import Netlink
from conman_core.net.routing import Router
from tests.netns.namespaces import Bench, Namespace

FAR = "203.0.113.1"
ECHO = 7


class Uplinks:
    """eth0 is 10.1.0.2/24 behind router `a` (10.1.0.1), eth1 10.2.0.2/24 behind `b`."""

    def __init__(self, bench: Bench) -> None:
        self.device, self.far = bench.namespace("dev"), bench.namespace("far")
        self.a, self.b = bench.namespace("a"), bench.namespace("b")
        # else an address of the kernel's own turns up somewhere within the first second or two
        for conf in ("all", "default"):
            self.device.sysctl(f"net.ipv6.conf.{conf}.accept_dad", "0")
        for number, router in enumerate((self.a, self.b), start=1):
            # Ends of a cable that have the same number look like hardware to the kernel, which
            # looks at hardware's carrier once a second at most (net/core/link_watch.c).
            router.ip("link", "add", "unused", "type", "bridge")
            bench.cable(self.device, f"eth{number - 1}", router, "lan")
            bench.cable(self.far, f"eth{number}", router, "wan")
            router.sysctl("net.ipv4.ip_forward", "1")
            router.ip("addr", "add", f"10.{number}.0.1/24", "dev", "lan")
            router.ip("addr", "add", f"10.1{number}.0.1/24", "dev", "wan")
            router.ip("route", "add", FAR, "via", f"10.1{number}.0.2")
            self.far.ip("addr", "add", f"10.1{number}.0.2/24", "dev", f"eth{number}")
            self.far.ip("route", "add", f"10.{number}.0.0/24", "via", f"10.1{number}.0.1")
        self.far.ip("addr", "add", f"{FAR}/32", "dev", "lo")
        self.netlink = self.device.call(Netlink)
        self.router = Router(self.netlink)

    def snapshot(self) -> str:
        """Everything of addresses, routes and rules, as `ip` shows it."""
        ip = self.device.ip
        return "".join(
            [
                *(ip(family, "route", "show", "table", "all") for family in ("-4", "-6")),
                *(ip(family, "rule") for family in ("-4", "-6")),
                *(ip("-o", "addr", "show", "dev", name) for name in ("eth0", "eth1")),
            ]
        )

    def way(self, *words: str) -> str:
        """The interface by which the kernel would send a packet to the far host."""
        words = self.device.ip("route", "get", *(words or (FAR,))).split()
        return words[words.index("dev") + 1]

    def udp(self, host: Namespace, source: str = "0.0.0.0", port: int = 0) -> socket.socket:
        """A UDP socket in a host."""
        sock = host.call(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        sock.bind((source, port))
        sock.settimeout(2)
        return sock

    @contextlib.contextmanager
    def echo(self) -> Iterator[list[str]]:
        """Answer UDP at the far host; gives the list of the senders' addresses."""
        seen: list[str] = []
        sock = self.udp(self.far, FAR, ECHO)

        def serve() -> None:
            while True:
                data, sender = sock.recvfrom(2048)
                if not data:
                    return
                seen.append(sender[0])
                sock.sendto(data, sender)

        sock.settimeout(None)
        with running(serve):
            yield seen
            end = self.udp(self.far)
            end.sendto(b"", (FAR, ECHO))
            end.close()
        sock.close()


@contextlib.contextmanager
def running(work: Callable[[], None]) -> Iterator[threading.Thread]:
    """Run work on a thread until it ends by itself."""
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(10)
        assert not thread.is_alive()


def connection(
    number: int = 1,
    *,
    addresses: tuple[str, ...] = (),
    gateway: str | None = "",
    valid: float | None = 600,
    routes: tuple[tuple[str, str | None], ...] = (),
    mtu: int | None = None,
) -> Connection:
    """What link 1 (eth0) or 2 (eth1) offers; an empty gateway is the usual one."""
    gateway = f"10.{number}.0.1" if gateway == "" else gateway
    return Connection(
        interface=f"eth{number - 1}",
        addresses=tuple(
            Address(interface(text), valid, valid) for text in addresses or (f"10.{number}.0.2/24",)
        ),
        gateways={Family.IPV4: ip_address(gateway) if gateway else None},
        routes=tuple(
            StaticRoute(ip_network(network), ip_address(via) if via else None)  # type: ignore[arg-type]
            for network, via in routes
        ),
        mtu=mtu,
    )


def interface(text: str) -> IPInterface:
    """An address with its prefix."""
    return ip_interface(text)

"""A kernel with interfaces in memory, and a page that is played, for the access point."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, ip_interface
from types import SimpleNamespace
from typing import Any

import pytest

from conman_core.net import nl80211
from conman_plugins.accesspoint import air, opening
from conman_plugins.accesspoint.air import Air
from conman_plugins.accesspoint.plan import OWN
from conman_plugins.accesspoint.wanted import Wanted
from tests.accesspoint.kit import Core
from tests.core.machine import run_virtual
from tests.core.net.ctrlserver import Server

WANTED = Wanted(b"Box", "key-of-the-box", "GB", IPv4Interface("10.0.0.1/24"), None)


@dataclass
class Interface:
    index: int
    kind: int = nl80211.STATION
    mac: bytes = b"\0" * 6
    up: bool = True
    addresses: set[str] = field(default_factory=set)


class Kernel:
    """All that the access point changes; `pristine` tells whether it is as in the beginning."""

    def __init__(self, patch: pytest.MonkeyPatch, core: Core) -> None:
        self.core = core
        self.interfaces = {
            "eth0": Interface(2, addresses={"192.168.1.7/24"}),
            "wlan0": Interface(3),
        }
        self.closed: set[str] = set()
        self.refuses: OSError | None = None  #: a second interface
        self.servers: list[Server] = []
        sysfs = core.folder / "net"
        (sysfs / "wlan0").mkdir(parents=True)
        (sysfs / "wlan0/address").write_text("b8:27:eb:00:00:01\n")
        core.programs["hostapd"] = self._hostapd
        core.programs["dnsmasq"] = lambda program: program.say("started, version 2.90")
        for target, name, value in (
            (air, "SYSFS", sysfs),
            (air, "Netlink", lambda: self),
            (air, "nl80211", self),
            (air, "free_port", lambda kinds, ips, usual: usual),
            (air.wall, "close_in", self._close_in),
            (air.wall, "open_up", self._open_up),
            (air, "quietest", lambda plan: 2437),
            (socket, "if_nametoindex", self._index),
            (opening, "Door", Page),
        ):
            patch.setattr(target, name, value)
        self.first = self._all()

    def _all(self) -> object:
        faces = {name: (i.kind, i.mac, sorted(i.addresses)) for name, i in self.interfaces.items()}
        return faces, sorted(self.closed)

    @property
    def pristine(self) -> bool:
        return self._all() == self.first

    def end(self) -> None:
        for server in self.servers:
            server.close()

    def _hostapd(self, program: Any) -> None:
        file = program.argv[1].rpartition("/")[2]
        server = Server(self.core.runtime / "hostapd" / file.partition(".")[0])
        server.replies["STATUS"] = b"state=ENABLED\n"
        self.servers.append(server)
        # its driver makes the interface an access point
        self.interfaces[file.partition(".")[0]].kind = nl80211.ACCESS_POINT

    # -- rtnetlink

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None: ...

    def links(self) -> list[Any]:
        return [SimpleNamespace(name=name, index=i.index) for name, i in self.interfaces.items()]

    def link(self, name: str) -> Any:
        if name not in self.interfaces:
            raise OSError(19, f"there is no interface {name}")
        return SimpleNamespace(name=name, index=self.interfaces[name].index)

    def addresses(self) -> list[Any]:
        return [
            SimpleNamespace(index=i.index, interface=ip_interface(address))
            for i in self.interfaces.values()
            for address in i.addresses
        ]

    def replace_address(self, index: int, address: object, *, noprefixroute: bool) -> None:
        self._by(index).addresses.add(str(address))

    def delete_address(self, index: int, address: object) -> None:
        self._by(index).addresses.discard(str(address))

    def set_up(self, index: int, up: bool) -> None:
        self._by(index).up = up

    # -- nl80211

    ACCESS_POINT, STATION = nl80211.ACCESS_POINT, nl80211.STATION

    def add_interface(self, phy: int, name: str, kind: int, mac: bytes) -> None:
        if self.refuses:
            raise self.refuses
        if name in self.interfaces:
            raise OSError(23, "Too many open files in system")  # what the kernel says to that
        self.interfaces[name] = Interface(9, kind, mac)

    def remove_interface(self, index: int) -> None:
        assert self._by(index) is self.interfaces.pop(OWN)
        self.closed.discard(OWN)

    def set_type(self, index: int, kind: int) -> None:
        assert not self._by(index).up, "the kernel wants it down"
        self._by(index).kind = kind

    def interface_types(self) -> dict[int, int]:
        return {i.index: i.kind for i in self.interfaces.values()}

    # -- /proc/sys

    def _close_in(self, interface: str) -> dict[str, str]:
        self.closed.add(interface)
        return {"ipv4/conf/{}/forwarding": "1"}

    def _open_up(self, interface: str, before: Mapping[str, str]) -> None:
        assert before == {"ipv4/conf/{}/forwarding": "1"}
        self.closed.discard(interface)

    def _by(self, index: int) -> Interface:
        return next(i for i in self.interfaces.values() if i.index == index)

    def _index(self, name: str) -> int:
        if name not in self.interfaces:
            raise OSError(19, "No such device")
        return self.interfaces[name].index


class Page:
    """The door's part. `up` are those that are open."""

    up: list[Page] = []  # noqa: RUF012 - of the one test that runs

    def __init__(self, context: Any, **named: Any) -> None:
        self.named = named

    async def open(self, state: object) -> None:
        Page.up.append(self)
        try:
            await asyncio.sleep(0.5)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        await asyncio.sleep(0.01)
        if self in Page.up:
            Page.up.remove(self)


class Heard:
    """Guests of an opening."""

    def __init__(self) -> None:
        self.fallen: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None

    def fell(self, sentence: str) -> None:
        self.fallen.append(sentence)


def make(kernel: Kernel, lost: list[str] | None = None, wanted: Any = WANTED) -> Air:
    ended = (lost if lost is not None else []).append
    core: Any = kernel.core
    return Air(core, wanted, joined=str, left=str, lost=ended)


def run(kernel: Kernel, work: Awaitable[None]) -> None:
    async def all_of_it() -> None:
        try:
            await work
        finally:
            kernel.end()

    run_virtual(all_of_it())

"""Packets of a modem: between the host and the carrier, while there is a session for them."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

from tests.lab.modems import packets
from tests.lab.modems.loop import Loop
from tests.lab.modems.packets import Lease
from tests.lab.modems.qmi_data import DNS
from tests.lab.modems.state import Call, Modem

T = TypeVar("T")
CLONE_NEWNET = 0x40000000  # linux/sched.h
TUNSETIFF = 0x400454CA  # linux/if_tun.h
TUN, TAP, NO_HEAD = 0x0001, 0x0002, 0x1000


def in_namespace(name: str, action: Callable[[], T]) -> T:
    """Do something in a network namespace; this process has one thread."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/self/ns/net").open() as home, Path(f"/run/netns/{name}").open() as there:
        if libc.setns(there.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {name}")
        try:
            return action()
        finally:
            libc.setns(home.fileno(), CLONE_NEWNET)


def open_tunnel(name: str, kind: int) -> int:
    """Open the near end of a TUN or TAP interface; it is made if it is not there."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), kind | NO_HEAD))
    return device


def _same_network(one: str, other: str) -> bool:
    """Whether two addresses have the first 64 bits in common."""
    first, second = ip_address(one), ip_address(other)
    return second.version == 6 and int(first) >> 64 == int(second) >> 64


class Bearer:
    """What the radio carries. `deliver` gets packets for the host."""

    def __init__(self, loop: Loop, modem: Modem, tunnel: int) -> None:
        self.modem = modem
        self.deliver: Callable[[bytes], object] = lambda packet: None
        self.has_room: Callable[[], bool] = lambda: True
        self._tunnel = tunnel
        loop.watch(tunnel, self._readable)

    def call(self, address: str) -> Call | None:
        """The session that has this address; with IPv6 all of a network is the session's."""
        for call in self.modem.calls.values():
            if call.address == address or (
                call.family == 6 and _same_network(call.address, address)
            ):
                return call
        return None

    def from_host(self, packet: bytes) -> None:
        """Take what the host sends: only what comes from the address that it was given goes on."""
        ends = packets.addresses(packet)
        if not ends or self.modem.settings.data == "silent":
            return
        call = self.modem.calls.get(4)
        question = packets.dhcp_question(packet)
        if question and call:
            if answer := packets.dhcp_answer(question, self.lease(call)):
                self.deliver(answer)
        elif found := self.call(ends[0]):
            packet = packets.trimmed(packet)
            found.count("tx", len(packet))
            os.write(self._tunnel, packet)

    def lease(self, call: Call) -> Lease:
        return Lease(call.address, call.gateway, DNS[4], mtu=self.modem.settings.mtu)

    def _readable(self) -> None:
        packet = os.read(self._tunnel, 65536)
        ends = packets.addresses(packet)
        if not ends or self.modem.settings.data == "silent" or not self.has_room():
            return
        if found := self.call(ends[1]):
            found.count("rx", len(packet))
            self.deliver(packet)

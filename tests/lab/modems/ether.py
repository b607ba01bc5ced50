"""The USB function of a dongle that is a router of its own: CDC Ethernet, or RNDIS."""

from __future__ import annotations

import os
import struct
from ipaddress import IPv4Address, IPv4Network

from tests.lab.modems import rndis
from tests.lab.modems.descriptors import (
    INTERRUPT,
    Endpoint,
    Interface,
    cdc_ethernet,
    cdc_header,
    cdc_union,
)
from tests.lab.modems.gadget import Gadget, ends
from tests.lab.modems.packets import IPV4
from tests.lab.modems.state import Modem
from tests.lab.modems.usbip import Setup

SEND_ENCAPSULATED, GET_ENCAPSULATED, SET_PACKET_FILTER = 0x00, 0x01, 0x43
NETWORK_CONNECTION, SPEED_CHANGE = 0x00, 0x2A  # notifications (CDC 1.2, 6.3)
MOST_WAITING = 100
LAN = IPv4Network("192.168.8.0/24")


class Ether:
    """Frames between the host and the router behind it. Interfaces `number` and the next one."""

    def __init__(self, gadget: Gadget, modem: Modem, tap: int, number: int, mac: int) -> None:
        """`mac` is the number of the string that is the host's address."""
        self.gadget, self.modem, self.tap = gadget, modem, tap
        self.ends = ends(number)
        self.number = number
        extra = cdc_header() + cdc_union(number, number + 1) + cdc_ethernet(mac)
        notify = (Endpoint(self.ends.notify, INTERRUPT),)
        self.interfaces: tuple[Interface, ...] = (
            Interface(number, (2, 6, 0), notify, extra),
            Interface(number + 1, (10, 0, 0), self.ends.data()),
        )
        gadget.loop.watch(tap, self._readable)

    def control(self, setup: Setup, data: bytes) -> bytes | None:
        return b"" if setup.request == SET_PACKET_FILTER else None

    def out(self, endpoint: int, data: bytes) -> None:
        if self.passes(data, 30):
            os.write(self.tap, data)

    def started(self) -> None:
        """The cable is in: cdc_ether has no carrier before it hears of it."""
        head = struct.pack("<BBHHH", 0xA1, NETWORK_CONNECTION, 1, self.number, 0)
        self.gadget.send(self.ends.notify, head)

    def stopped(self) -> None:
        """Nothing is kept."""

    def passes(self, frame: bytes, at: int) -> bool:
        """Whether the far end of a frame, whose address is at `at`, can be reached now.

        Without a session that is only the dongle itself.
        """
        if self.modem.settings.data == "silent":
            return False
        if self.modem.calls or frame[12:14] != struct.pack(">H", IPV4):
            return True
        address = IPv4Address(frame[at : at + 4])
        return address in LAN or int(address) == 0xFFFF_FFFF or int(address) == 0

    def frame_to_host(self, frame: bytes) -> bytes:
        return frame

    def _readable(self) -> None:
        frame = os.read(self.tap, 65536)
        if not self.gadget.plugged_in or not self.passes(frame, 26):
            return
        if self.gadget.device.queued(self.ends.into) < MOST_WAITING:
            self.gadget.send(self.ends.into, self.frame_to_host(frame))


class Rndis(Ether):
    """The same for hosts of Microsoft's."""

    def __init__(self, gadget: Gadget, modem: Modem, tap: int, number: int, mac: bytes) -> None:
        super().__init__(gadget, modem, tap, number, 0)
        notify = (Endpoint(self.ends.notify, INTERRUPT),)
        self.interfaces = (
            Interface(number, (0xE0, 1, 3), notify),
            Interface(number + 1, (10, 0, 0), self.ends.data()),
        )
        self._mac = mac
        self._responses: list[bytes] = []

    def control(self, setup: Setup, data: bytes) -> bytes | None:
        if setup.request == SEND_ENCAPSULATED:
            if answer := rndis.answer(data, self._mac):
                self._responses.append(answer)
                self.gadget.send(self.ends.notify, struct.pack("<II", 1, 0))
            return b""
        if setup.request == GET_ENCAPSULATED:
            return self._responses.pop(0) if self._responses else b"\0"
        return None

    def out(self, endpoint: int, data: bytes) -> None:
        for frame in rndis.unpack(data):
            super().out(endpoint, frame)

    def started(self) -> None:
        self._responses.clear()

    def frame_to_host(self, frame: bytes) -> bytes:
        return rndis.pack(frame)

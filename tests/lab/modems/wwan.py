"""The USB function that qmi_wwan binds: QMI on the control endpoint, packets on the bulk ones."""

from __future__ import annotations

import os
import struct

from tests.lab.modems import packets, qmi_data
from tests.lab.modems.bearer import Bearer
from tests.lab.modems.descriptors import Interface
from tests.lab.modems.gadget import Gadget, ends
from tests.lab.modems.qmi import Qmi
from tests.lab.modems.qmux import WDS
from tests.lab.modems.usbip import Setup

#: CDC requests (CDC 1.2, 6.2) and the notification that there is a response
SEND_ENCAPSULATED, GET_ENCAPSULATED, SET_LINE_STATE = 0x00, 0x01, 0x22
RESPONSE_AVAILABLE = 0x01
MOST_WAITING = 100  # packets that the host has not fetched
START_NETWORK = 0x0020
MODEM_MAC = bytes.fromhex("020064000001")


class Wwan:
    """One interface for both, as the dongles have it that qmi_wwan knows."""

    def __init__(
        self,
        gadget: Gadget,
        qmi: Qmi,
        bearer: Bearer,
        number: int,
        kind: tuple[int, int, int] = (0xFF, 0xFF, 0xFF),
        extra: bytes = b"",
    ) -> None:
        self.gadget, self.qmi, self.bearer = gadget, qmi, bearer
        self.number = number
        self.ends = ends(number)
        self.interfaces: tuple[Interface, ...] = (Interface(number, kind, self.ends.all(), extra),)
        self.host_mac = b"\xff" * 6
        self._responses: list[bytes] = []
        bearer.deliver = self._deliver
        bearer.has_room = lambda: gadget.device.queued(self.ends.into) < MOST_WAITING
        qmi.send = self.respond
        qmi_data.connect(qmi)

    def control(self, setup: Setup, data: bytes) -> bytes | None:
        if setup.request == SEND_ENCAPSULATED:
            self._ask(data)
            return b""
        if setup.request == GET_ENCAPSULATED:
            return self._responses.pop(0) if self._responses else b""
        return b"" if setup.request == SET_LINE_STATE else None

    def respond(self, frame: bytes) -> None:
        """Queue a frame for the host."""
        how = self.qmi.modem.settings.control
        if how == "silent" or not self.gadget.plugged_in:
            return
        if how == "garbage":
            frame = os.urandom(len(frame))
        self._responses.append(frame)
        head = struct.pack("<BBHHH", 0xA1, RESPONSE_AVAILABLE, 0, self.number, 0)
        self.gadget.send(self.ends.notify, head)

    def out(self, endpoint: int, data: bytes) -> None:
        """Take a packet, or a frame in 802.3 mode."""
        if self.qmi.raw_ip:
            self.bearer.from_host(data)
            return
        self.host_mac = data[6:12]
        call = self.qmi.modem.calls.get(4)
        if call and (answer := packets.arp_answer(data, MODEM_MAC, call.address)):
            self.gadget.send(self.ends.into, answer)
        elif call and data[12:14] in (b"\x08\x00", b"\x86\xdd"):
            self.bearer.from_host(data[14:])

    def started(self) -> None:
        self._responses.clear()

    def stopped(self) -> None:
        self.qmi.reset()
        self._responses.clear()

    def _ask(self, data: bytes) -> None:
        settings = self.qmi.modem.settings
        if settings.control == "silent":
            return
        start = len(data) > 11 and data[4] == WDS and data[9:11] == bytes([START_NETWORK, 0])
        wait = settings.dial_time if start else 0.0
        if wait:
            self.gadget.loop.later(wait, lambda: self.qmi.receive(data))
        else:
            self.qmi.receive(data)

    def _deliver(self, packet: bytes) -> None:
        if not self.qmi.raw_ip:
            packet = packets.frame(self.host_mac, MODEM_MAC, packet)
        self.gadget.send(self.ends.into, packet)

"""The CD-ROM that a dongle pretends to be until somebody switches it: usb-storage and SCSI."""

from __future__ import annotations

import struct
from collections.abc import Callable

from tests.lab.modems.descriptors import Interface
from tests.lab.modems.gadget import Gadget, ends
from tests.lab.modems.usbip import Setup

COMMAND, STATUS = 0x43425355, 0x53425355  # signatures (Bulk-Only Transport 1.0)
BLOCK, BLOCKS = 2048, 512
GOOD, FAILED = 0, 1
TEST_READY, SENSE, INQUIRY, START_STOP, ALLOW_REMOVAL = 0x00, 0x03, 0x12, 0x1B, 0x1E
CAPACITY, READ, TOC, EVENTS, DISC, MODE = 0x25, 0x28, 0x43, 0x4A, 0x51, 0x5A
HUAWEI = 0x11  # a vendor's command: 11 06 20 switches (usb-modeswitch-data)
EJECT, UNLOAD = 0x02, 0x03  # bits of START STOP UNIT
MOST_READ = 64  # blocks


class Cdrom:
    """`switch` is called when somebody wants the modem in place of the disc."""

    def __init__(self, gadget: Gadget, number: int, switch: Callable[[], object]) -> None:
        self.gadget = gadget
        self.ends = ends(number)
        self.interfaces: tuple[Interface, ...] = (
            Interface(number, (8, 6, 0x50), self.ends.data()),
        )
        self.switch = switch
        self._sense = 0  # of the last command

    def control(self, setup: Setup, data: bytes) -> bytes | None:
        """GET MAX LUN is 0; a reset is taken."""
        return b"\0" if setup.request == 0xFE else b"" if setup.request == 0xFF else None

    def out(self, endpoint: int, data: bytes) -> None:
        if len(data) != 31 or data[:4] != struct.pack("<I", COMMAND):
            return  # data for a command that takes none here
        tag, length, flags = struct.unpack_from("<IIB", data, 4)
        answer, good = self.obey(data[15:31])  # whose length some programs say is 0
        if flags & 0x80 and length:
            sent = answer[:length]
            self.gadget.send(self.ends.into, sent)
        else:
            sent = answer[:0]
        left = max(0, length - len(sent))
        status = struct.pack("<IIIB", STATUS, tag, left, GOOD if good else FAILED)
        self.gadget.send(self.ends.into, status)

    def started(self) -> None:
        self._sense = 0

    def stopped(self) -> None:
        """Nothing is kept."""

    def obey(self, command: bytes) -> tuple[bytes, bool]:
        """Do a SCSI command: its data, and whether it went well."""
        code = command[0]
        if code == INQUIRY:
            return b"\x05\x80\x02\x02\x1f\0\0\0HUAWEI  Mass Storage    2.31", True
        if code == SENSE:
            key, self._sense = self._sense, 0
            return struct.pack(
                ">BBBIB4sBB4x", 0x70, 0, key, 0, 10, b"", 0x20 if key else 0, 0
            ), True
        if code == CAPACITY:
            return struct.pack(">II", BLOCKS - 1, BLOCK), True
        if code == READ:
            return bytes(BLOCK * min(MOST_READ, int.from_bytes(command[7:9], "big"))), True
        if code == TOC:
            track = struct.pack(">BBBBI", 0, 0x14, 1, 0, 0) + struct.pack(
                ">BBBBI", 0, 0x14, 0xAA, 0, BLOCKS
            )
            return struct.pack(">HBB", 2 + len(track), 1, 1) + track, True
        if code == EVENTS:
            return struct.pack(">HBBBBBB", 6, 4, 0x10, 0, 2, 0, 0), True
        if code in (TEST_READY, ALLOW_REMOVAL):
            return b"", True
        if code == HUAWEI or (code == START_STOP and command[4] & UNLOAD == EJECT):
            self.gadget.loop.later(0, self.switch)
            return b"", True
        if code == START_STOP:
            return b"", True
        self._sense = 5  # illegal request
        return b"", False

"""Simulated radios of the kernel (mac80211_hwsim): made and removed as if plugged and unplugged.

Numbers from drivers/net/wireless/mac80211_hwsim.h of Linux 6.1. Radios that are made in the first
network namespace hear each other wherever they are moved to.
"""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from tests.lab.genl import Family

FAMILY = "MAC80211_HWSIM"
CMD_NEW_RADIO, CMD_DEL_RADIO, CMD_GET_RADIO = 4, 5, 6
ATTR_CHANNELS, ATTR_RADIO_ID, ATTR_RADIO_NAME, ATTR_PERM_ADDR = 9, 10, 17, 22
DEBUG = Path("/sys/kernel/debug/ieee80211")


class RadioInfo(NamedTuple):
    """What the kernel says of a radio."""

    ident: int
    name: str  #: of the phy


class Hwsim:
    """The control of all simulated radios; loads the module when it is not there."""

    def __init__(self) -> None:
        if not Path("/sys/module/mac80211_hwsim").exists():
            subprocess.run(["modprobe", "mac80211_hwsim", "radios=0"], check=True, timeout=60)
        self._family = Family(FAMILY)

    def __enter__(self) -> Hwsim:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self._family.socket.close()

    def create(self, name: str, mac: str) -> int:
        """Plug a radio in; its phy is called `name`. Returns its number. Raises OSError."""
        address = bytes.fromhex(mac.replace(":", ""))
        attributes = {
            ATTR_CHANNELS: struct.pack("=I", 1),
            ATTR_RADIO_NAME: name.encode() + b"\0",
            ATTR_PERM_ADDR: address,
        }
        return self._family.call(CMD_NEW_RADIO, attributes)

    def remove(self, ident: int) -> None:
        """Pull a radio out that is in the namespace in which this was made. Raises OSError."""
        self._family.call(CMD_DEL_RADIO, {ATTR_RADIO_ID: struct.pack("=I", ident)})

    def radios(self) -> list[RadioInfo]:
        """The radios of the namespace in which this was made."""
        return [
            RadioInfo(
                struct.unpack("=I", found[ATTR_RADIO_ID])[0],
                found[ATTR_RADIO_NAME].rstrip(b"\0").decode(),
            )
            for found in self._family.dump_or_one(CMD_GET_RADIO, {}, dump=True)
        ]


def set_control(name: str, control: str, value: int) -> None:
    """Write a file of a radio's folder in debugfs, such as `group`.

    A number below zero is written as the 64 bits that it is: the kernel reads only unsigned ones
    there (fs/libfs.c, simple_attr_write) and takes them for signed afterwards.
    """
    (DEBUG / name / "hwsim" / control).write_text(str(value & 0xFFFF_FFFF_FFFF_FFFF))

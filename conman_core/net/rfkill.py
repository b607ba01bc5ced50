"""The switches of a radio: what switches it off, and how to switch it on.

Documentation/ABI/stable/sysfs-class-rfkill and linux/rfkill.h of the kernel.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from conman_core.errors import ConnectError, SystemFault
from conman_core.model import Reason

SYSFS = Path("/sys")
RFKILL = Path("/dev/rfkill")
_EVENT = struct.Struct("=IBBBB")  # rfkill_event: index, type, operation, soft, hard
_WLAN = 1  # rfkill_type
_CHANGE = 2  # RFKILL_OP_CHANGE


class Switches:
    """All that switches the radio behind an interface off."""

    def __init__(self, interface: str, sysfs: Path = SYSFS, rfkill: Path = RFKILL) -> None:
        self.interface = interface
        self._sysfs = sysfs
        self._folder = sysfs / "class/net" / interface
        self._rfkill = rfkill

    def switch_on(self) -> None:
        """Make sure that the radio may send. Raises ConnectError(RF_KILLED)."""
        blocked = self.blocked()
        if blocked == "hard":
            sentence = f"{self.interface} is switched off by a switch or key of the device"
            raise ConnectError(Reason.RF_KILLED, sentence)
        if blocked == "soft":
            try:
                self.unblock()
            except SystemFault as error:
                raise ConnectError(Reason.RF_KILLED, str(error)) from error

    def blocked(self) -> Literal["soft", "hard"] | None:
        """Tell how the radio is switched off: by software, or by a switch or key."""
        switches = list(self._switches())
        if any(_text(switch / "hard") == "1" for switch in switches):
            return "hard"
        return "soft" if any(_text(switch / "soft") == "1" for switch in switches) else None

    def unblock(self) -> None:
        """Switch on what is switched off by software. Raises SystemFault."""
        problem = ""
        for switch in self._switches():
            if _text(switch / "soft") == "1":
                problem = self._switch_on(switch)
        if self.blocked() == "soft":
            why = f": {problem}" if problem else ""
            raise SystemFault(
                f"{self.interface} stays switched off{why}; try: sudo rfkill unblock wifi"
            )

    def _switches(self) -> Iterator[Path]:
        """Find the folders of its switches; those of other radios, or of Bluetooth, are not its."""
        radio = self._folder / "phy80211"
        own = _listed(radio)
        yield from own
        if own or not radio.exists():
            return
        for switch in _listed(self._sysfs / "class/rfkill"):
            if (switch / "device").resolve() == radio.resolve():
                yield switch

    def _switch_on(self, switch: Path) -> str:
        """Return why it failed; empty if it may have worked."""
        try:
            (switch / "soft").write_text("0")
        except OSError as error:  # a locked-down service may not write to sysfs
            number = switch.name.removeprefix("rfkill")
            if not number.isdecimal():
                return str(error)
            try:
                handle = os.open(self._rfkill, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    os.write(handle, _EVENT.pack(int(number), _WLAN, _CHANGE, 0, 0))
                finally:
                    os.close(handle)
            except OSError as second:
                return str(second)
        return ""


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if re.fullmatch("rfkill[0-9]+", path.name))
    except OSError:
        return []


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip() or None
    except OSError:
        return None

"""The radios of this machine: which can be a client of networks, and what switches them off.

Documentation/ABI/stable/sysfs-class-rfkill and linux/rfkill.h of the kernel.
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from conman_core.errors import SystemFault
from conman_core.inventory import Interface, Inventory
from conman_core.net import nl80211

SYSFS = Path("/sys")
RFKILL = Path("/dev/rfkill")
_EVENT = struct.Struct("=IBBBB")  # rfkill_event: index, type, operation, soft, hard
_WLAN = 1  # rfkill_type
_CHANGE = 2  # RFKILL_OP_CHANGE


class Radio:
    """The radio behind an interface."""

    def __init__(self, interface: str, sysfs: Path = SYSFS, rfkill: Path = RFKILL) -> None:
        self.interface = interface
        self._sysfs = sysfs
        self._folder = sysfs / "class/net" / interface
        self._rfkill = rfkill

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

    def country(self) -> str:
        """Return the country that the kernel was told; empty if none."""
        index = _text(self._folder / "phy80211/index") or ""
        found = nl80211.regulatory_country(int(index) if index.isdecimal() else None)
        if found:
            return found
        # what the kernel was started with (cfg80211.ieee80211_regdom=): before it took effect
        hint = _text(self._sysfs / "module/cfg80211/parameters/ieee80211_regdom") or ""
        return hint if re.fullmatch("[A-Z]{2}", hint) else ""

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


def stations(
    wanted: Sequence[str] = (),
    *,
    sysfs: Path = SYSFS,
    inventory: Inventory | None = None,
    types: Callable[[], Mapping[int, int]] = nl80211.interface_types,
) -> list[str]:
    """Return the interfaces that can be a client of a network, best first.

    `wanted` holds names and patterns. Access points, meshes and the like are left out unless named;
    monitors always, as they carry no Ethernet frames. But an access point that is the only
    interface of its radio counts: a program that was killed may have left it so.
    """
    present = [
        interface
        for interface in (inventory or Inventory()).interfaces()
        if interface.kind == "wifi" and interface.ethernet_frames and not interface.master
    ]
    usable = _usable(present, types(), sysfs) if present else set()
    chosen: dict[str, None] = {}
    for pattern in wanted or ("*",):
        for interface in present:
            name = interface.name
            if name == pattern or (name in usable and fnmatchcase(name, pattern)):
                chosen.setdefault(name)
    return list(chosen)


def _usable(present: Sequence[Interface], types: Mapping[int, int], sysfs: Path) -> set[str]:
    usable: set[str] = set()
    served: set[Path] = set()  # radios
    for rank in (nl80211.STATION_TYPES, {nl80211.ACCESS_POINT}):
        for interface in present:
            radio = (sysfs / "class/net" / interface.name / "phy80211").resolve()
            # of a kernel that does not tell, all are taken for clients
            fits = types.get(interface.index, 0) in rank
            if fits and (rank is nl80211.STATION_TYPES or radio not in served):
                usable.add(interface.name)
                served.add(radio)
    return usable


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

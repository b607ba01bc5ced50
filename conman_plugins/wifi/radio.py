"""The radios of this machine: which can be a client of networks, and where they are."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from conman_core.inventory import Interface, Inventory
from conman_core.net import nl80211
from conman_core.net.rfkill import SYSFS, Switches


class Radio(Switches):
    """The radio behind an interface."""

    def country(self) -> str:
        """Return the country that the kernel was told; empty if none."""
        index = _text(self._folder / "phy80211/index") or ""
        found = nl80211.regulatory_country(int(index) if index.isdecimal() else None)
        if found:
            return found
        # what the kernel was started with (cfg80211.ieee80211_regdom=): before it took effect
        hint = _text(self._sysfs / "module/cfg80211/parameters/ieee80211_regdom") or ""
        return hint if re.fullmatch("[A-Z]{2}", hint) else ""


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


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip() or None
    except OSError:
        return None

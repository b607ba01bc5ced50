"""Which network interfaces there are, and what each is. Reads only; cheap enough for every probe.

Names and addresses come from netifaces, the rest from sysfs (the kernel's
Documentation/ABI/testing/sysfs-class-net). Default routes never do: netifaces leaves out those
without a gateway and mixes up routing tables.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_interface
from pathlib import Path

import netifaces

from conman_core.model import IPInterface

SYSFS = Path("/sys/class/net")

#: linux/if_arp.h, ARPHRD_*
_ETHER = 1
_TYPES: Mapping[int, str] = {
    32: "infiniband",
    280: "can",
    512: "ppp",
    519: "rawip",
    768: "tunnel",
    772: "loopback",
    776: "tunnel",
    778: "tunnel",
    65534: "tunnel",
}
#: DEVTYPE of a port on a switch chip (net/dsa), the only one that a wired port can have
_SWITCH_PORT = "dsa"
#: what only interfaces of some kind have in their folder
_MARKS = {"bridge": "bridge", "bonding": "bond", "tun_flags": "tun", "dsa": "conduit"}
_BY_NAME = "name it in `interfaces` to use it"
_SENTENCES: Mapping[str, str] = {
    "wifi": "it is a WiFi interface, which the wifi driver connects",
    "loopback": "it is the loopback interface",
    "virtual": f"it is virtual, no device is behind it; {_BY_NAME}",
    "wwan": f"it is a cellular interface; {_BY_NAME}",
    "gadget": f"it leads to the computer that this device is plugged into; {_BY_NAME}",
    "conduit": "it carries the frames of a switch chip; its ports are interfaces of their own",
}


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface as sysfs shows it.

    `kind` is `ethernet` for a device that speaks Ethernet over a cable, `wifi`, or what else the
    kernel calls it (`bridge`, `vlan`, `wwan`, `tun` ...); `virtual` if it only says that there is
    no device. `why_not_wired` is a sentence about it without its name, empty if it is wired.
    """

    name: str
    index: int
    mac: str
    carrier: bool | None  #: None while it is down: the kernel does not know then
    operstate: str
    kind: str
    ethernet_frames: bool  #: its link layer is Ethernet's, so it can have DHCP
    master: str | None  #: the bridge, bond or the like that it is a port of
    driver: str | None  #: the kernel driver of its device
    why_not_wired: str = ""

    @property
    def wired(self) -> bool:
        """It is a wired Ethernet device that nothing else is built upon."""
        return not self.why_not_wired


class Inventory:
    """The interfaces of this machine (of the network namespace that sysfs was mounted in)."""

    def __init__(
        self, root: Path = SYSFS, listing: Callable[[], Iterable[str]] = netifaces.interfaces
    ) -> None:
        self._root = root
        self._listing = listing

    def names(self) -> list[str]:
        """Return the names of all interfaces, eth2 before eth10.

        A name may hold any byte but NUL, `/`, `:` and blanks; see os.fsdecode for odd ones.
        """
        try:
            listed = set(self._listing())
        except (OSError, SystemError, UnicodeError):
            # netifaces fails as a whole if one name is not UTF-8 (0.12.5 of -plus: SystemError)
            try:
                listed = set(os.listdir(self._root))  # noqa: PTH208 - names, not paths
            except OSError:
                return []
        # address labels (`eth0:1`) and other files of this folder are not interfaces
        real = (name for name in listed if os.path.lexists(self._root / name / "ifindex"))
        return sorted(real, key=natural)

    def describe(self, name: str) -> Interface | None:
        """Return what an interface is; None if there is none, or no longer."""
        folder = self._root / name
        index, arp_type = _number(folder / "ifindex"), _number(folder / "type")
        if index is None or arp_type is None:
            return None
        kind = _kind(folder, arp_type)
        master = _link(folder / "master")
        found = Interface(
            name=name,
            index=index,
            mac=_text(folder / "address") or "",
            carrier={"0": False, "1": True}.get(_text(folder / "carrier") or ""),
            operstate=_text(folder / "operstate") or "unknown",
            kind=kind,
            ethernet_frames=arp_type == _ETHER,
            master=master,
            driver=_link(folder / "device" / "driver"),
            why_not_wired=_why_not_wired(kind, master),
        )
        # what was read while it went, or while another took its name, is of no use
        return found if _number(folder / "ifindex") == index else None

    def line(self, name: str) -> tuple[int | None, str]:
        """Return speed in Mbit/s and duplex of a wired line; None and empty if they are unknown.

        Asks the device's driver, and is for people: not part of `describe`.
        """
        speed = _number(self._root / name / "speed")  # -1 or 2^32-1 for unknown
        duplex = _text(self._root / name / "duplex")
        return speed or None, duplex if duplex in ("full", "half") else ""

    def interfaces(self) -> list[Interface]:
        """Return all interfaces, eth2 before eth10."""
        described = (self.describe(name) for name in self.names())
        return [interface for interface in described if interface]

    def addresses(self, name: str) -> tuple[IPInterface, ...]:
        """Return the IP addresses of an interface, those with a label too; none if it is gone."""
        try:
            labels = [label for label in self._listing() if label.startswith(f"{name}:")]
            by_family = [netifaces.ifaddresses(label) for label in (name, *labels)]
        except (OSError, SystemError, UnicodeError, ValueError):
            return ()
        return tuple(
            _address(entry["addr"], entry.get("netmask", ""))
            for family in (netifaces.AF_INET, netifaces.AF_INET6)
            for addresses in by_family
            for entry in addresses.get(family, ())
        )


def natural(name: str) -> tuple[list[tuple[str, int]], str]:
    """Return a sort key by which eth2 comes before eth10; no two names have the same."""
    parts = re.split("([0-9]+)", name)
    return [("", int(part)) if i % 2 else (part, 0) for i, part in enumerate(parts)], name


def _kind(folder: Path, arp_type: int) -> str:
    devtype = _devtype(folder)
    if devtype == "wlan" or _any(folder, "phy80211", "wireless"):
        return "wifi"
    if devtype and devtype != _SWITCH_PORT:
        return devtype
    for mark, kind in _MARKS.items():
        if _any(folder, mark):
            return kind
    if arp_type != _ETHER:
        return _TYPES.get(arp_type, f"type {arp_type}")
    return "ethernet" if _any(folder, "device") else "virtual"


def _why_not_wired(kind: str, master: str | None) -> str:
    if master:
        return f"it is a port of {master}, which may be used in its place"
    if kind == "ethernet":
        return ""
    return _SENTENCES.get(kind) or f"it is of kind {kind}; {_BY_NAME}"


def _any(folder: Path, *entries: str) -> bool:
    return any(os.path.lexists(folder / entry) for entry in entries)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:  # it is gone, or (carrier of a downed interface) the kernel will not say
        return None


def _number(path: Path) -> int | None:
    text = _text(path) or ""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def _link(path: Path) -> str | None:
    try:
        return path.readlink().name
    except OSError:
        return None


def _devtype(folder: Path) -> str:
    for line in (_text(folder / "uevent") or "").splitlines():
        key, _, value = line.partition("=")
        if key == "DEVTYPE":
            return value
    return ""


def _address(address: str, netmask: str) -> IPInterface:
    """Read `192.0.2.1` with `255.255.255.0`, or `fe80::1%eth0` with `ffff:ffff:...::/64`."""
    mask, _, prefix = netmask.partition("/")
    if not prefix and ":" in mask:  # older netifaces leave the prefix out
        prefix = str(int(ip_interface(mask).ip).bit_count())
    host = address.partition("%")[0]
    return ip_interface(f"{host}/{prefix or mask}" if netmask else host)

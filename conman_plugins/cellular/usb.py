"""The USB device behind an interface or a terminal, read from sysfs alone.

Facts: the kernel's Documentation/ABI/testing/sysfs-bus-usb, drivers/usb/core/sysfs.c.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SYSFS = Path("/sys")
STORAGE = 0x08  #: bInterfaceClass of a disc

_PLACE = re.compile(r"[0-9]{1,3}-[0-9]{1,3}(\.[0-9]{1,3}){0,6}")
_LONGEST = 128  #: characters of a text that a device has of itself
_HIGHEST_PATH = 32  #: folders above an interface in which its device is looked for


@dataclass(frozen=True, slots=True)
class Function:
    """One USB interface of a device: what it is, who drives it, what the kernel made of it."""

    number: int
    kind: tuple[int, int, int]  #: class, subclass, protocol
    driver: str | None = None  #: the kernel's, such as `option`; None: nobody drives it
    terminals: tuple[str, ...] = ()  #: such as `ttyUSB0`
    control: str | None = None  #: such as `cdc-wdm0`
    interface: str | None = None  #: such as `wwan0`


@dataclass(frozen=True, slots=True)
class UsbDevice:
    """A device that is plugged in. `place` is where: bus and ports, such as `1-1.2`.

    `number` is another one each time that it is plugged in.
    """

    place: str
    vendor: int
    product: int
    bus: int = 0
    number: int = 0
    maker: str = ""
    model: str = ""
    serial: str = ""
    functions: tuple[Function, ...] = ()

    @property
    def ids(self) -> str:
        """Vendor and product as lsusb writes them, such as `12d1:1506`."""
        return f"{self.vendor:04x}:{self.product:04x}"

    @property
    def name(self) -> str:
        """What a person calls it."""
        maker, model = self.maker, self.model
        if model.lower().startswith(maker.lower()):
            maker = ""
        return " ".join(filter(None, (maker, model))) or f"the USB device {self.ids}"

    @property
    def minor(self) -> int:
        """The number of its file below /dev/bus/usb (drivers/usb/core/usb.h)."""
        return (self.bus - 1) * 128 + self.number - 1

    @property
    def hardware(self) -> str:
        """The key by which links of different drivers tell that they are the same modem."""
        return f"usb:{self.place}"

    @property
    def terminals(self) -> tuple[str, ...]:
        """All serial ports, those of the first function first."""
        return tuple(name for function in self.functions for name in function.terminals)

    @property
    def is_disc(self) -> bool:
        """It shows itself as nothing but a CD-ROM or card reader."""
        return bool(self.functions) and all(f.kind[0] == STORAGE for f in self.functions)

    def drives(self, *drivers: str) -> bool:
        """Tell whether one of these kernel drivers is bound to a part of it."""
        return any(function.driver in drivers for function in self.functions)


class Usb:
    """The USB devices of this machine."""

    def __init__(self, root: Path = SYSFS) -> None:
        self.root = root

    def behind_interface(self, name: str) -> UsbDevice | None:
        """Return the device of a network interface, None if it has none on USB."""
        return self._above(self.root / "class/net" / name / "device")

    def behind_tty(self, name: str) -> UsbDevice | None:
        """Return the device of a terminal such as `ttyUSB0`, None if it has none on USB."""
        return self._above(self.root / "class/tty" / name / "device")

    def behind_wdm(self, name: str) -> UsbDevice | None:
        """Return the device of a control port such as `cdc-wdm0`, None if it is gone."""
        return self._above(self.root / "class/usbmisc" / name / "device")

    def at(self, place: str) -> UsbDevice | None:
        """Return the device at a place, None if nothing is plugged in there."""
        return _read(self.folder(place)) if _PLACE.fullmatch(place) else None

    def devices(self) -> Iterator[UsbDevice]:
        """Yield all devices, but for root hubs, by their places."""
        folder = self.root / "bus/usb/devices"
        for place in sorted(filter(_PLACE.fullmatch, _names(folder)), key=_by_numbers):
            if device := _read(folder / place):
                yield device

    def folder(self, place: str) -> Path:
        """Return where sysfs has the device at a place."""
        return self.root / "bus/usb/devices" / place

    def _above(self, link: Path) -> UsbDevice | None:
        try:
            folder = link.resolve(strict=True)
        except OSError:
            return None
        for parent in (folder, *list(folder.parents)[:_HIGHEST_PATH]):
            if (parent / "idVendor").exists():
                return _read(parent)
        return None


def _read(folder: Path) -> UsbDevice | None:
    """Return the device of a folder; None if it is gone, or going."""
    try:
        real = folder.resolve(strict=True)
    except OSError:
        return None
    vendor, product = _hex(real / "idVendor"), _hex(real / "idProduct")
    if vendor is None or product is None or not _PLACE.fullmatch(real.name):
        return None
    parts = [real / name for name in _names(real) if name.startswith(f"{real.name}:")]
    functions = sorted(filter(None, map(_function, parts)), key=lambda each: each.number)
    return UsbDevice(
        place=real.name,
        vendor=vendor,
        product=product,
        bus=_number(real / "busnum"),
        number=_number(real / "devnum"),
        maker=_text(real / "manufacturer"),
        model=_text(real / "product"),
        serial=_text(real / "serial"),
        functions=tuple(functions),
    )


def _function(folder: Path) -> Function | None:
    number = _hex(folder / "bInterfaceNumber")
    kind = [_hex(folder / f"bInterface{what}") for what in ("Class", "SubClass", "Protocol")]
    if number is None or kind[0] is None:
        return None
    within = _names(folder)
    serial = [name for name in within if name.startswith("ttyUSB")]
    serial += [name for name in _names(folder / "tty") if name.startswith("tty")]
    control = [name for name in _names(folder / "usbmisc") if name.startswith("cdc-wdm")]
    nets = _names(folder / "net")
    try:
        driver = (folder / "driver").readlink().name
    except OSError:
        driver = None
    return Function(
        number,
        (kind[0], kind[1] or 0, kind[2] or 0),
        driver,
        tuple(serial),
        next(iter(control), None),
        next(iter(nets), None),
    )


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder), key=_by_numbers)  # noqa: PTH208 - names, not paths
    except OSError:
        return []


def _by_numbers(name: str) -> list[tuple[str, int]]:
    return [("", int(part)) if part.isdecimal() else (part, 0) for part in re.split(r"(\d+)", name)]


def _text(path: Path) -> str:
    """Return what a device says of itself, without what a terminal would act upon."""
    try:
        raw = path.read_bytes()[: 4 * _LONGEST]
    except OSError:
        return ""
    text = "".join(c if c.isprintable() else " " for c in raw.decode(errors="replace"))
    return " ".join(text.split())[:_LONGEST]


def _hex(path: Path) -> int | None:
    text = _text(path)
    return int(text, 16) if re.fullmatch("[0-9a-fA-F]{1,4}", text) else None


def _number(path: Path) -> int:
    text = _text(path)
    return int(text) if re.fullmatch("[0-9]{1,6}", text, re.ASCII) else 0

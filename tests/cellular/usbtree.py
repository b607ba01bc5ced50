"""A folder that looks like /sys with USB devices, filled by a test."""

from __future__ import annotations

import shutil
from pathlib import Path

from conman_core.inventory import Inventory
from conman_plugins.cellular.usb import Usb

CONTROLLER = "devices/platform/vhci_hcd.0/usb1"


class UsbTree:
    """`usb` reads it as it would read the machine's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.usb = Usb(root)
        self._plugged = 1
        for folder in ("bus/usb/devices", "class/net", "class/tty", "class/usbmisc"):
            (root / folder).mkdir(parents=True)
        self._device("usb1", self.root / CONTROLLER, "1d6b", "0002", "Linux", "Root hub")

    def plug(
        self,
        place: str = "1-1",
        ids: str = "12d1:1001",
        *,
        maker: str = "HUAWEI",
        model: str = "HUAWEI Mobile",
        serial: str = "",
    ) -> Path:
        """Plug a device in that has no functions yet; return its folder."""
        self._plugged += 1
        folder = self.root / CONTROLLER / place
        vendor, _, product = ids.partition(":")
        self._device(place, folder, vendor, product, maker, model)
        if serial:
            (folder / "serial").write_text(f"{serial}\n")
        return folder

    def function(
        self,
        place: str,
        number: int,
        driver: str | None,
        *,
        kind: str = "ff:00:00",
        tty: str = "",
        wdm: str = "",
        net: str = "",
    ) -> Path:
        """Add a function; `tty`, `wdm` and `net` are what its driver makes of it."""
        folder = self.root / CONTROLLER / place / f"{place}:1.{number}"
        folder.mkdir()
        names = ("Class", "SubClass", "Protocol")
        values = dict(zip((f"bInterface{name}" for name in names), kind.split(":"), strict=True))
        for name, text in {**values, "bInterfaceNumber": f"{number:02x}"}.items():
            (folder / name).write_text(f"{text}\n")
        if driver:
            (folder / "driver").symlink_to(f"../../../../bus/usb/drivers/{driver}")
        if tty.startswith("ttyUSB"):
            self._node(folder / tty / "tty" / tty, "tty", folder / tty)
        elif tty:
            self._node(folder / "tty" / tty, "tty", folder)
        if wdm:
            self._node(folder / "usbmisc" / wdm, "usbmisc", folder)
        if net:
            node = self._node(folder / "net" / net, "net", folder)
            index = 2 + len(list((self.root / "class/net").iterdir()))
            about = {"ifindex": index, "type": 1, "address": "0c:5b:8f:27:9a:64", "carrier": 1}
            for name, value in {**about, "operstate": "up", "uevent": f"INTERFACE={net}"}.items():
                (node / name).write_text(f"{value}\n")
        return folder

    def pull(self, place: str) -> None:
        """Pull a device out."""
        folder = self.root / CONTROLLER / place
        shutil.rmtree(folder)
        (self.root / "bus/usb/devices" / place).unlink()
        for link in (self.root / "class").glob("*/*"):
            if not link.exists():
                link.unlink()

    def _device(
        self, place: str, folder: Path, vendor: str, product: str, maker: str, model: str
    ) -> None:
        folder.mkdir(parents=True)
        about = {"idVendor": vendor, "idProduct": product, "manufacturer": maker, "product": model}
        about |= {"busnum": "1", "devnum": str(self._plugged), "authorized": "1"}
        for name, text in about.items():
            (folder / name).write_text(f"{text}\n")
        (self.root / "bus/usb/devices" / place).symlink_to(folder)

    def _node(self, folder: Path, kind: str, device: Path) -> Path:
        folder.mkdir(parents=True)
        (folder / "device").symlink_to(device)
        (self.root / "class" / kind / folder.name).symlink_to(folder)
        return folder


def ec25(tree: UsbTree, place: str = "1-1") -> None:
    """Plug a modem in that speaks QMI and AT."""
    tree.plug(place, "2c7c:0125", maker="Quectel", model="EC25")
    for number in range(4):
        tree.function(place, number, "option", tty=f"ttyUSB{number}")
    tree.function(place, 4, "qmi_wwan", wdm="cdc-wdm0", net="wwan0")


def e220(tree: UsbTree, place: str = "1-1", first: int = 0) -> None:
    """Plug a modem in that speaks AT alone."""
    tree.plug(place, "12d1:1001")
    for number in (0, 1):
        tree.function(place, number, "option", tty=f"ttyUSB{first + number}")


def hilink(tree: UsbTree, place: str = "1-1", net: str = "usb1") -> None:
    """Plug a dongle in that is a router."""
    tree.plug(place, "12d1:14dc", serial="0123456789ABCDEF")
    tree.function(place, 0, "cdc_ether", kind="02:06:00", net=net)
    tree.function(place, 1, "cdc_ether", kind="0a:00:00")


def disc(tree: UsbTree, place: str = "1-1", ids: str = "12d1:1f01") -> None:
    """Plug a dongle in that still shows itself as a CD-ROM."""
    tree.plug(place, ids)
    tree.function(place, 0, "usb-storage", kind="08:06:50")


def inventory(tree: UsbTree) -> Inventory:
    """Return the network interfaces of a tree."""
    folder = tree.root / "class/net"
    return Inventory(folder, lambda: [path.name for path in folder.iterdir()])

"""The control ports of modems that this machine has: /dev/cdc-wdm0 and what belongs to it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from conman_core.inventory import natural
from conman_plugins.cellular.usb import Usb, UsbDevice

QMI = frozenset({"qmi_wwan", "qmi_wwan_q", "GobiNet"})  #: kernel drivers of ports that speak QMI
MBIM = frozenset({"cdc_mbim"})  #: of ports with the same name that speak MBIM


@dataclass(frozen=True, slots=True)
class Port:
    """A control port: `name` such as cdc-wdm0, the `interface` of its data such as wwan0."""

    name: str
    driver: str
    interface: str | None
    device: UsbDevice | None

    @property
    def path(self) -> str:
        """What programs open."""
        return f"/dev/{self.name}"

    @property
    def speaks_qmi(self) -> bool:
        return self.driver in QMI


class Ports:
    """Reads sysfs, and nothing but sysfs."""

    def __init__(self, usb: Usb | None = None) -> None:
        self.usb = usb or Usb()

    def all(self) -> list[Port]:
        """Return all control ports, cdc-wdm2 before cdc-wdm10."""
        folder = self.usb.root / "class/usbmisc"
        names = [name for name in _names(folder) if name.startswith("cdc-wdm")]
        found = (self.port(name) for name in sorted(names, key=natural))
        return [port for port in found if port]

    def port(self, name: str) -> Port | None:
        """Return a control port, None if it is gone."""
        folder = self.usb.root / "class/usbmisc" / name / "device"
        try:
            driver = (folder / "driver").readlink().name
        except OSError:
            return None
        interface = next(iter(sorted(_names(folder / "net"), key=natural)), None)
        return Port(name, driver, interface, self.usb.behind_wdm(name))

    def raw_ip(self, interface: str) -> bool | None:
        """Tell whether the kernel sends bare packets; None if its driver has no choice."""
        try:
            return self._raw_ip(interface).read_text().strip() == "Y"
        except OSError:
            return None

    def set_raw_ip(self, interface: str, wanted: bool) -> None:
        """Choose it, with the interface down. Raises OSError."""
        self._raw_ip(interface).write_text("Y" if wanted else "N")

    def _raw_ip(self, interface: str) -> Path:
        return self.usb.root / "class/net" / interface / "qmi/raw_ip"


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)  # noqa: PTH208 - names, not paths
    except OSError:
        return []

"""The links that serial modems are, and the ports behind each."""

from __future__ import annotations

import os
from pathlib import Path

from conman_core import ConnectError, Link, Reason, Specificity
from conman_plugins.cellular.dialling import Wishes
from conman_plugins.cellular.serialports import serial_modems, terminals_of
from conman_plugins.cellular.usb import Usb, UsbDevice

NAME = "sakis3g"


class SerialLinks:
    """Reads sysfs alone."""

    def __init__(self, usb: Usb) -> None:
        self._usb = usb

    def offered(self, wishes: Wishes) -> list[Link]:
        """Return the links that there are."""
        if wishes.port:
            real = _real(wishes.port)
            return [self._by_port(real)] if Path(real).exists() else []
        devices = serial_modems(self._usb, wishes.ids)
        return [_link(device.place, device, number) for number, device in enumerate(devices)]

    def device(self, link: Link) -> UsbDevice | None:
        """Return the USB device of a link, None if it is not on USB, or gone."""
        return self._usb.at(link.device) or self._usb.behind_tty(link.device)

    def ports(self, link: Link, wishes: Wishes) -> tuple[str, ...]:
        """Return the ports to try. Raises ConnectError."""
        if wishes.port:
            return (_real(wishes.port),)
        device = self._usb.at(link.device)
        if paths := terminals_of(device, named=bool(wishes.ids)) if device else ():
            return paths
        sentence = f"no modem is at USB {link.device} any more; plug it in again"
        raise ConnectError(Reason.NO_DEVICE, sentence)

    def _by_port(self, port: str) -> Link:
        name = port.rpartition("/")[2]
        return _link(name, self._usb.behind_tty(name))


def _real(port: str) -> str:
    """Return the port itself: locks and USB know no other name, such as /dev/serial/by-id has."""
    return os.path.realpath(port)


def _link(name: str, device: UsbDevice | None, preference: int = 0) -> Link:
    return Link(
        NAME,
        name,
        preference=preference,
        specificity=Specificity.DEVICE,
        metered=True,
        note=device.name if device else "",
        hardware=device.hardware if device else f"tty:{name}",
    )

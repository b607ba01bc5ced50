"""What the driver wwan asks of the machine, in one place so that a test can have another one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from conman_plugins.cellular.apns import DATABASE
from conman_plugins.cellular.dataformat import set_up
from conman_plugins.cellular.line import Line, open_line
from conman_plugins.cellular.modemmanager import must_be_free
from conman_plugins.cellular.ports import Ports
from conman_plugins.cellular.usb import UsbDevice


def _must_be_free(device: UsbDevice) -> None:
    must_be_free(device)


@dataclass(frozen=True, slots=True)
class Machine:
    """The modems of this machine, and who else uses them."""

    ports: Ports = field(default_factory=Ports)
    open_line: Callable[[str], Awaitable[Line]] = open_line
    set_up: Callable[[str, bool], None] = set_up
    must_be_free: Callable[[UsbDevice], None] = _must_be_free
    database: Path = DATABASE

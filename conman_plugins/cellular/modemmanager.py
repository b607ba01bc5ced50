"""Whether ModemManager has a modem, and the command that makes it leave that one alone.

It and conman would take the ports from each other. Facts: ModemManager 1.20, its D-Bus interface
org.freedesktop.ModemManager1.Modem (`Ports`) and its udev tag ID_MM_DEVICE_IGNORE.
"""

from __future__ import annotations

import os
import shlex
import struct
from collections.abc import Iterator
from pathlib import Path

from conman_core import ConnectError, Reason
from conman_core.net import bus
from conman_plugins.cellular.usb import UsbDevice

_SERVICE = "org.freedesktop.ModemManager1"
_ROOT = "/org/freedesktop/ModemManager1"
_PROGRAM = "ModemManager"
_LARGEST = 64


def must_be_free(
    device: UsbDevice, *, proc: Path = Path("/proc"), run: Path = Path("/run")
) -> None:
    """Raise ConnectError(BUSY) if ModemManager has the modem. Blocks for 0.3 s at most."""
    if has(device, proc=proc, run=run):
        raise ConnectError(
            Reason.BUSY,
            f"ModemManager has {device.name} (USB {device.place}); to have it leave this modem"
            f" alone, as root: {command(device)}",
        )


def has(device: UsbDevice, *, proc: Path = Path("/proc"), run: Path = Path("/run")) -> bool:
    """Tell whether ModemManager uses a port of the modem, or has taken it over already."""
    pids = list(_running(proc))
    if not pids:
        return False
    ports = ports_of(device)
    if any(_holds(proc / str(pid) / "fd", ports) for pid in pids):
        return True  # it looks at the modem, and may not have told anybody yet
    said = bus.managed_objects(run / "dbus/system_bus_socket", _SERVICE, _ROOT)
    return said is not None and any(_text(port) in said for port in ports)


def ports_of(device: UsbDevice) -> frozenset[str]:
    """Return the names of all that the kernel has made of a modem."""
    names = [each for f in device.functions for each in (*f.terminals, f.control, f.interface)]
    return frozenset(filter(None, names))


def command(device: UsbDevice) -> str:
    """Return what makes ModemManager leave modems of this kind alone, now and after a reboot."""
    vendor, product = device.ids.split(":")
    ids = f'ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{product}"'
    rule = f'{ids}, ENV{{ID_MM_DEVICE_IGNORE}}="1"'
    file = f"/etc/udev/rules.d/99-conman-{vendor}-{product}.rules"
    return (
        f"echo {shlex.quote(rule)} > {file} && udevadm control --reload && udevadm trigger"
        " && systemctl restart ModemManager"
    )


def _running(proc: Path) -> Iterator[int]:
    for entry in os.listdir(proc):  # noqa: PTH208 - some hundred names
        if entry.isdecimal():
            try:
                with (proc / entry / "comm").open("rb") as file:
                    name = file.read(_LARGEST)
            except OSError:
                continue
            if name.strip() == _PROGRAM.encode():
                yield int(entry)


def _holds(folder: Path, ports: frozenset[str]) -> bool:
    """Tell whether a process has a port open; without root's rights that is not known."""
    try:
        opened = os.listdir(folder)  # noqa: PTH208 - names
    except OSError:
        return False
    for name in opened:
        try:
            target = (folder / name).readlink()
        except OSError:
            continue
        if target.parent == Path("/dev") and target.name in ports:
            return True
    return False


def _text(word: str) -> bytes:
    """Return a text as D-Bus has it in a message of this machine's byte order."""
    data = word.encode()
    return struct.pack("=I", len(data)) + data + b"\0"

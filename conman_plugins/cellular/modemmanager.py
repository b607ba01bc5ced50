"""Whether ModemManager has a modem, and the command that makes it leave that one alone.

It and conman would take the ports from each other. Facts: ModemManager 1.20, its D-Bus interface
org.freedesktop.ModemManager1.Modem (`Ports`) and its udev tag ID_MM_DEVICE_IGNORE.
"""

from __future__ import annotations

import os
import shlex
import struct
import time
from collections.abc import Iterator
from pathlib import Path

from conman_core import ConnectError, Reason
from conman_core.net import bus
from conman_plugins.cellular.usb import UsbDevice

_SERVICE = "org.freedesktop.ModemManager1"
_ROOT = "/org/freedesktop/ModemManager1"
_PROGRAM = "ModemManager"
_LARGEST = 64
_USB_MAJOR = 189  #: of the kernel's Documentation/admin-guide/devices.txt
_LOOKS_FOR = 40.0  #: seconds from the plug: until then it opens ports and closes them


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
    """Tell whether ModemManager uses a port of the modem, has taken it over, or is about to."""
    pids = list(_running(proc))
    if not pids:
        return False
    ports = ports_of(device)
    if any(_holds(proc / str(pid) / "fd", ports) for pid in pids):
        return True  # it looks at the modem, and may not have told anybody yet
    said = bus.managed_objects(run / "dbus/system_bus_socket", _SERVICE, _ROOT)
    if said is not None and any(_text(port) in said for port in ports):
        return True
    return _is_new(device, run / "udev/data")


def _is_new(device: UsbDevice, data: Path) -> bool:
    """Tell whether udev has told of a modem so lately that ModemManager may still look at it."""
    try:
        lines = (data / f"c{_USB_MAJOR}:{device.minor}").read_text(errors="replace").splitlines()
    except OSError:
        return False
    if "E:ID_MM_DEVICE_IGNORE=1" in lines:
        return False
    since = [line[2:] for line in lines if line.startswith("I:") and line[2:].isdecimal()]
    return bool(since) and time.monotonic() - int(since[0]) / 1e6 < _LOOKS_FOR


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

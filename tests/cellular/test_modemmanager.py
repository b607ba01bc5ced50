"""Is it ModemManager's modem? Who says so, and what frees it."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conman_core import ConnectError, Reason
from conman_core.net.bus import message_size
from conman_plugins.cellular.modemmanager import has, must_be_free, ports_of
from conman_plugins.cellular.usb import UsbDevice
from tests.cellular.usbtree import UsbTree, ec25

OTHER = 4711


@pytest.fixture
def modem(tmp_path: Path) -> UsbDevice:
    tree = UsbTree(tmp_path / "sys")
    ec25(tree)
    (device,) = tree.usb.devices()
    return device


class Machine:
    """A /proc and a /run in a folder."""

    def __init__(self, root: Path) -> None:
        self.proc, self.run = root / "proc", root / "run"
        (self.run / "dbus").mkdir(parents=True)
        self.proc.mkdir()
        self.program(1, "init")

    def program(self, pid: int, name: str, *opened: str) -> None:
        folder = self.proc / str(pid) / "fd"
        folder.mkdir(parents=True)
        (folder.parent / "comm").write_text(f"{name}\n")
        for number, path in enumerate(opened):
            (folder / str(number)).symlink_to(path)

    def has(self, modem: UsbDevice) -> bool:
        return has(modem, proc=self.proc, run=self.run)

    @contextmanager
    def bus(self, *said: str) -> Iterator[None]:
        """A message bus on which ModemManager says some texts of its modems."""
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(self.run / "dbus/system_bus_socket"))
        listening.listen()
        thread = threading.Thread(target=_serve, args=(listening, said), daemon=True)
        thread.start()
        try:
            yield
        finally:
            listening.shutdown(socket.SHUT_RDWR)  # whoever waits for a client, waits no more
            listening.close()
            thread.join(5)
            assert not thread.is_alive()


def _serve(listening: socket.socket, said: tuple[str, ...]) -> None:
    """Take one client's greeting, then answer its calls with the texts."""
    try:
        peer, _ = listening.accept()
    except OSError:  # nobody asked
        return
    with peer:
        peer.settimeout(5)
        while not peer.recv(4096).endswith(b"\r\n"):
            pass
        peer.sendall(b"OK 0123456789abcdef\r\n")
        data = b""
        while chunk := peer.recv(4096):
            data += chunk
            data = data.removeprefix(b"BEGIN\r\n")
            while (size := message_size(data)) and len(data) >= size:
                (serial,) = struct.unpack_from("<I", data, 8)
                peer.sendall(_answer(serial, said))
                data = data[size:]


def _answer(serial: int, said: tuple[str, ...]) -> bytes:
    body = b""
    for word in said:
        text = word.encode()
        body += bytes(-len(body) % 4) + struct.pack("<I", len(text)) + text + b"\0"
    fields = b"\5\1u\0" + struct.pack("<I", serial)
    head = struct.pack("<cBBBIII", b"l", 2, 0, 1, len(body), 1, len(fields))
    head += fields
    return head + bytes(-len(head) % 8) + body


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_all_that_the_kernel_made_of_it_are_its_ports(modem: UsbDevice) -> None:
    assert ports_of(modem) == {"cdc-wdm0", "wwan0", *(f"ttyUSB{n}" for n in range(4))}


def test_a_modem_is_free_where_modemmanager_does_not_run(
    machine: Machine, modem: UsbDevice
) -> None:
    machine.program(OTHER, "pppd", "/dev/ttyUSB2")

    assert not machine.has(modem)


def test_a_port_that_modemmanager_has_open_makes_the_modem_its_own(
    machine: Machine, modem: UsbDevice
) -> None:
    machine.program(OTHER, "ModemManager", "/dev/null", "/dev/ttyUSB2")

    assert machine.has(modem)


def test_a_modem_that_it_tells_the_bus_of_is_its_own(machine: Machine, modem: UsbDevice) -> None:
    machine.program(OTHER, "ModemManager", "socket:[1]")
    with machine.bus("Ports", "cdc-wdm0"):
        assert machine.has(modem)


def test_another_modem_is_not(machine: Machine, modem: UsbDevice) -> None:
    machine.program(OTHER, "ModemManager", "/dev/ttyUSB20")
    with machine.bus("Ports", "cdc-wdm01", "ttyUSB22", "wwan00"):
        assert not machine.has(modem)


def test_a_bus_that_does_not_answer_leaves_the_modem_free(
    machine: Machine, modem: UsbDevice
) -> None:
    machine.program(OTHER, "ModemManager")

    assert not machine.has(modem)


@pytest.mark.parametrize(
    ("age", "more", "about_to"),
    [(5, "", True), (60, "", False), (5, "E:ID_MM_DEVICE_IGNORE=1\n", False)],
)
def test_it_may_look_at_a_modem_that_was_just_plugged_in(
    machine: Machine, modem: UsbDevice, age: float, more: str, about_to: bool
) -> None:
    data = machine.run / f"udev/data/c189:{modem.number - 1}"
    data.parent.mkdir(parents=True)
    since = int((time.monotonic() - age) * 1e6)
    data.write_text(f"I:{since}\nE:ID_USB_MODEL=EC25\n{more}")
    assert not machine.has(modem)
    machine.program(OTHER, "ModemManager")
    assert machine.has(modem) is about_to


def test_busy_tells_the_command_that_frees_this_modem_alone(
    machine: Machine, modem: UsbDevice
) -> None:
    machine.program(OTHER, "ModemManager", "/dev/ttyUSB2")
    with pytest.raises(ConnectError) as raised:
        must_be_free(modem, proc=machine.proc, run=machine.run)

    assert raised.value.reason is Reason.BUSY
    ids = 'ATTRS{idVendor}=="2c7c", ATTRS{idProduct}=="0125"'
    assert str(raised.value) == (
        "ModemManager has Quectel EC25 (USB 1-1); to have it leave this modem alone, as root:"
        f""" echo '{ids}, ENV{{ID_MM_DEVICE_IGNORE}}="1"'"""
        " > /etc/udev/rules.d/99-conman-2c7c-0125.rules && udevadm control --reload"
        " && udevadm trigger && systemctl restart ModemManager"
    )

"""Which USB device is behind an interface or a terminal, and what it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from conman_core import ConnectError, Reason
from conman_core.testing import FakeContext, run
from conman_plugins.cellular.usb import Usb
from conman_plugins.cellular.usbpower import hub_and_port, power_cycle, reenumerate
from tests.cellular.usbtree import UsbTree, disc, e220, ec25, hilink


@pytest.fixture
def tree(tmp_path: Path) -> UsbTree:
    return UsbTree(tmp_path / "sys")


def test_interface_terminal_and_control_port_lead_to_the_same_device(tree: UsbTree) -> None:
    ec25(tree, "1-1.2")
    by_port = tree.usb.behind_wdm("cdc-wdm0")

    assert by_port is not None
    assert (by_port.place, by_port.ids, by_port.name) == ("1-1.2", "2c7c:0125", "Quectel EC25")
    assert tree.usb.behind_interface("wwan0") == by_port
    assert tree.usb.behind_tty("ttyUSB3") == by_port
    assert by_port.hardware == "usb:1-1.2"


def test_a_device_shows_its_functions_in_their_order(tree: UsbTree) -> None:
    ec25(tree)
    (device,) = tree.usb.devices()

    assert device.terminals == ("ttyUSB0", "ttyUSB1", "ttyUSB2", "ttyUSB3")
    assert [function.driver for function in device.functions] == ["option"] * 4 + ["qmi_wwan"]
    assert device.functions[4].control == "cdc-wdm0"
    assert device.functions[4].interface == "wwan0"
    assert device.drives("cdc_mbim", "qmi_wwan")
    assert not device.is_disc


def test_a_standard_serial_port_is_found_too(tree: UsbTree) -> None:
    tree.plug("1-3", "0421:0001", maker="Lab", model="ACM")
    tree.function("1-3", 0, "cdc_acm", kind="02:02:01", tty="ttyACM0")
    device = tree.usb.behind_tty("ttyACM0")

    assert device is not None
    assert device.terminals == ("ttyACM0",)


def test_a_cd_rom_is_told_from_a_modem_with_a_card_reader(tree: UsbTree) -> None:
    disc(tree, "1-1")
    e220(tree, "1-2")
    tree.function("1-2", 2, "usb-storage", kind="08:06:50")

    assert [device.is_disc for device in tree.usb.devices()] == [True, False]


def test_what_is_not_on_usb_has_no_device(tree: UsbTree) -> None:
    (tree.root / "class/net/wlan0").mkdir()

    assert tree.usb.behind_interface("wlan0") is None
    assert tree.usb.behind_interface("none") is None
    assert tree.usb.at("1-7") is None
    assert tree.usb.at("../../class") is None


def test_a_device_that_goes_while_it_is_looked_at_is_not_there(tree: UsbTree) -> None:
    hilink(tree)
    (tree.root / "bus/usb/devices/1-1/idProduct").unlink()

    assert tree.usb.behind_interface("usb1") is None
    assert list(tree.usb.devices()) == []


def test_devices_come_by_their_places(tree: UsbTree) -> None:
    for number, place in enumerate(("1-10", "1-2", "1-2.1")):
        e220(tree, place, first=2 * number)

    assert [device.place for device in tree.usb.devices()] == ["1-2", "1-2.1", "1-10"]


def test_what_a_device_says_of_itself_cannot_steer_a_terminal(tree: UsbTree) -> None:
    tree.plug(maker="\x1b[31mEvil\n", model="x" * 1000)
    (device,) = tree.usb.devices()

    assert device.maker == "[31mEvil"
    assert len(device.model) == 128


def test_a_name_is_not_said_twice(tree: UsbTree) -> None:
    hilink(tree, "1-1")
    tree.plug("1-2", maker="", model="")

    assert [device.name for device in tree.usb.devices()] == [
        "HUAWEI Mobile",
        "the USB device 12d1:1001",
    ]


def test_a_machine_without_usb_has_no_devices(tmp_path: Path) -> None:
    assert list(Usb(tmp_path).devices()) == []


def test_taking_anew_lets_go_of_the_device_first(tree: UsbTree, tmp_path: Path) -> None:
    e220(tree)
    switch = tree.root / "bus/usb/devices/1-1/authorized"
    switch.unlink()
    switch.symlink_to(tmp_path / "log")  # the last word written stays
    reenumerate(tree.usb, "1-1")

    assert switch.read_text() == "1"


def test_taking_anew_what_is_gone_says_so(tree: UsbTree) -> None:
    with pytest.raises(ConnectError, match=r"nothing is plugged in at USB 1-1 any more") as raised:
        reenumerate(tree.usb, "1-1")
    assert raised.value.reason is Reason.NO_DEVICE


@pytest.mark.parametrize(
    ("place", "hub", "port"),
    [("1-1", "1", "1"), ("2-1.4", "2-1", "4"), ("1-1.2.3", "1-1.2", "3")],
)
def test_the_hub_of_a_place_is_named_as_uhubctl_does(place: str, hub: str, port: str) -> None:
    assert hub_and_port(place) == (hub, port)


def test_a_hub_that_cannot_switch_its_ports_is_no_repair() -> None:
    argv = ["uhubctl", "--location", "2-1", "--ports", "4", "--action", "cycle"]
    with FakeContext() as context:
        context.expect(argv, returncode=1, stderr="No compatible devices detected")
        assert run(power_cycle(context, "2-1.4")) is False
        context.expect(argv)
        assert run(power_cycle(context, "2-1.4")) is True

"""The kernel's messages of devices, as they come over the socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_plugins.cellular.uevents import Uevent, parse

PATH = "/devices/platform/vhci_hcd.0/usb1/1-1"


def message(action: str, path: str, *values: str) -> bytes:
    return "\0".join((f"{action}@{path}", *values, "")).encode()


def test_a_message_tells_what_happened_where() -> None:
    said = message("add", f"{PATH}/1-1:1.0/ttyUSB0/tty/ttyUSB0", "ACTION=add", "SUBSYSTEM=tty")

    assert parse(said) == Uevent("add", f"{PATH}/1-1:1.0/ttyUSB0/tty/ttyUSB0", "tty")


@pytest.mark.parametrize(
    ("action", "subsystem", "devtype", "concerns"),
    [
        ("add", "tty", "", True),
        ("remove", "usbmisc", "", True),
        ("bind", "usb", "usb_device", True),
        ("add", "block", "disk", True),
        ("add", "block", "partition", False),
        ("bind", "usb", "usb_interface", False),
        ("change", "tty", "", False),
        ("add", "net", "", False),
    ],
)
def test_only_what_may_be_part_of_a_modem_matters(
    action: str, subsystem: str, devtype: str, concerns: bool
) -> None:
    values = (f"SUBSYSTEM={subsystem}", *([f"DEVTYPE={devtype}"] if devtype else []))
    event = parse(message(action, PATH, *values))

    assert event is not None
    assert event.concerns_modems is concerns


def test_what_udev_sends_and_other_rubbish_is_passed_over() -> None:
    assert parse(b"libudev\0\xfe\xed\xca\xfe") is None
    assert parse(b"") is None
    assert parse(b"add@") is None
    assert parse(b"ad d@/x") is None


@given(st.binary(max_size=300))
def test_no_message_makes_the_parser_fail(data: bytes) -> None:
    event = parse(data)
    assert event is None or event.path.startswith("/")


@given(st.lists(st.binary(max_size=30), max_size=6))
def test_no_value_makes_the_parser_fail(values: list[bytes]) -> None:
    event = parse(b"\0".join((b"add@/devices/x", *values)))
    assert event is not None
    assert event.action == "add"

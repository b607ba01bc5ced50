"""Serial modems: which they are, and how they are dialled."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from conman_core import (
    Address,
    Connection,
    Family,
    Link,
    Lost,
    Reason,
    Specificity,
    Unavailable,
)
from conman_core.testing import DriverContract, run
from conman_core.testing.harness import settle
from conman_plugins.cellular import pppd
from conman_plugins.cellular.sakis3g import Sakis3gDriver
from tests.cellular.serialkit import Desk, link_of, links_of
from tests.cellular.usbtree import UsbTree, disc, ec25

UHUBCTL = ["uhubctl", "--location", "1", "--ports", "1", "--action", "cycle"]


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pppd, "find_tool", lambda name: f"/usr/sbin/{name}")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> Sakis3gDriver:
        desk = Desk(tmp_path)
        desk.context.expect(UHUBCTL, always=True)
        return desk.driver


def test_a_modem_is_named_by_its_place_and_costs_money(desk: Desk) -> None:
    assert link_of(desk) == Link(
        "sakis3g",
        "1-1",
        specificity=Specificity.DEVICE,
        metered=True,
        hardware="usb:1-1",
    )


def test_a_modem_that_speaks_qmi_too_is_offered_as_the_same_hardware(tmp_path: Path) -> None:
    assert link_of(Desk(tmp_path, ec25)).hardware == "usb:1-1"


def test_what_only_looks_like_a_modem_is_left_alone(tmp_path: Path) -> None:
    def others(tree: UsbTree) -> None:
        tree.plug("1-1", "2341:0043", maker="Arduino")
        tree.function("1-1", 0, "cdc_acm", kind="02:02:01", tty="ttyACM0")
        tree.plug("1-2", "0403:6001", maker="FTDI")
        tree.function("1-2", 0, "ftdi_sio", tty="ttyUSB0")

    found = Desk(tmp_path, others).driver.probe()
    assert found == Unavailable(Reason.NO_DEVICE, "no serial modem; plug a modem in")


def test_a_telephone_and_any_device_that_the_user_names_are_modems(tmp_path: Path) -> None:
    def others(tree: UsbTree) -> None:
        tree.plug("1-1", "0421:0001", maker="Nokia")
        tree.function("1-1", 0, "cdc_acm", kind="02:02:01", tty="ttyACM0")
        tree.plug("1-2", "0403:6001", maker="FTDI")
        tree.function("1-2", 0, "ftdi_sio", tty="ttyUSB0")

    desk = Desk(tmp_path, others)
    assert [link.device for link in links_of(desk)] == ["1-1"]
    desk.conf.write_text('USBMODEM="0403:6001"\n')
    assert [link.device for link in links_of(desk)] == ["1-2"]


def test_a_port_that_is_not_on_usb_is_a_link_by_its_name(tmp_path: Path) -> None:
    desk = Desk(tmp_path, port="/dev/null")

    assert link_of(desk).name == "sakis3g:null"
    assert run(desk.driver.recover(link_of(desk), 2)) is False


def test_a_cd_rom_and_a_modem_that_is_not_there_are_told_of(tmp_path: Path) -> None:
    found = Desk(tmp_path, disc).driver.probe()
    assert isinstance(found, Unavailable)
    assert "still shows itself as a CD-ROM" in found.sentence
    (tmp_path / "other").mkdir()
    desk = Desk(tmp_path / "other")
    desk.conf.write_text('USBMODEM="12d1:9999"\n')
    found = desk.driver.probe()
    assert isinstance(found, Unavailable)
    assert "12d1:9999, which" in found.sentence


def test_a_call_gives_an_address_without_a_router_and_the_operators_servers(desk: Desk) -> None:
    connection = run(desk.driver.connect(link_of(desk)))

    assert connection == Connection(
        "ppp10",
        (Address(IPv4Interface("10.64.1.2/32")),),
        {Family.IPV4: None},
        (IPv4Address("8.8.8.8"), IPv4Address("9.9.9.9")),
        metered=True,
    )
    assert desk.modem.said == [
        *("ATE0", "ATE0"),  # each of its ports
        *("AT+CMEE=1", "AT+CPIN?", "AT+CREG?"),
        'AT+CGDCONT=1,"IP","internet"',
    ]
    assert "ATD*99#" in desk.script


def test_pppd_touches_neither_routes_nor_resolver(desk: Desk) -> None:
    run(desk.driver.connect(link_of(desk)))
    options = desk.options.splitlines()

    assert {"nodefaultroute", "ip-up-script /bin/true", "ip-down-script /bin/true"} < set(options)
    assert {"unit 10", "linkname conman-ttyUSB0", "hide-password"} < set(options)


def test_no_secret_is_on_a_command_line_or_stays_in_a_file(tmp_path: Path) -> None:
    desk = Desk(tmp_path, user="me", password="it#1")
    run(desk.driver.connect(link_of(desk)))

    assert 'password "it#1"' in desk.options
    assert not any("it#1" in word for program in desk.context.started for word in program.argv)
    assert list(desk.context.runtime.iterdir()) == []


def test_the_port_that_answers_is_asked_first_the_next_time(tmp_path: Path) -> None:
    desk = Desk(tmp_path, ec25)
    desk.modem.silent = frozenset({"ttyUSB0", "ttyUSB1"})
    run(desk.driver.connect(link_of(desk)))
    desk.modem.opened.clear()
    desk.driver = desk.make()
    run(desk.driver.connect(link_of(desk)))

    assert desk.modem.opened == ["/dev/ttyUSB2"]


def test_a_call_that_ends_by_itself_is_told_at_the_first_word(desk: Desk) -> None:
    async def check() -> None:
        events = desk.driver.events()
        await desk.driver.connect(link_of(desk))
        (program,) = desk.context.started
        program.say("Modem hangup")
        assert await anext(events) == Lost(
            "sakis3g:1-1", Reason.LOST, "HUAWEI Mobile: the network ended the call"
        )
        assert program.running  # it still has the port
        await desk.driver.disconnect(link_of(desk))
        assert not program.running
        await events.aclose()

    run(check())


def test_after_a_disconnect_nothing_is_told(desk: Desk) -> None:
    async def check() -> None:
        link = link_of(desk)
        await desk.driver.connect(link)
        await desk.driver.disconnect(link)
        await settle()
        assert not any(program.running for program in desk.context.started)
        assert desk.driver._watch._events.empty()

    run(check())

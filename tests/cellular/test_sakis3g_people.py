"""Serial modems: the script's own file, what people see and enter, and repairs."""

from __future__ import annotations

from pathlib import Path

import pytest

from conman_core import (
    BadValue,
    ConnectError,
    Lost,
    Reason,
)
from conman_core.testing import run
from conman_plugins.cellular import pppd
from tests.cellular.serialkit import Desk, FakePort, bad, failure, link_of, links_of
from tests.cellular.usbtree import UsbTree, e220

UHUBCTL = ["uhubctl", "--location", "1", "--ports", "1", "--action", "cycle"]


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pppd, "find_tool", lambda name: f"/usr/sbin/{name}")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_its_settings_count_more_than_conmans(desk: Desk) -> None:
    desk.conf.write_text('APN="other"\nAPN_USER="me"\nAPN_PASS="it"\nDIAL="*99***1#"\n')
    run(desk.driver.connect(link_of(desk)))

    assert desk.modem.apn == "other"
    assert 'user "me"' in desk.options
    assert "ATD*99***1#" in desk.script


def test_a_file_that_would_run_something_is_not_used(desk: Desk) -> None:
    desk.conf.write_text('APN="a$(touch /tmp/x)b"\n')
    error = failure(desk)

    assert error.reason is Reason.MISCONFIGURED
    assert "line 1: APN has characters that a shell acts upon" in error.sentence


def test_details_come_over_the_port_that_the_call_leaves_free(desk: Desk) -> None:
    async def check() -> None:
        link = link_of(desk)
        await desk.driver.connect(link)
        desk.modem.opened.clear()
        assert await desk.driver.details(link) == {
            "modem": "HUAWEI Mobile (12d1:1001)",
            "signal": "-65 dBm",
            "operator": "Lab Mobile",
            "technology": "UMTS",
            "registration": "registered",
            "roaming": "no",
        }
        assert desk.modem.opened == ["/dev/ttyUSB1"]
        await desk.driver.disconnect(link)

    run(check())
    assert FakePort.open_now == 0


def test_what_was_entered_and_works_is_kept(desk: Desk) -> None:
    desk.modem.apns = {"internet": ("Failed (NO CARRIER)",), "wrong": ("Failed (NO CARRIER)",)}
    with pytest.raises(ConnectError):
        run(desk.driver.apply({"apn": "wrong", "pin": ""}))
    with pytest.raises(ConnectError):
        run(desk.driver.connect(link_of(desk)))
    run(desk.driver.apply({"apn": "mine", "pin": ""}))
    desk.driver = desk.make()
    run(desk.driver.connect(link_of(desk)))

    assert desk.modem.apn == "mine"
    desk.conf.write_text('APN="edited"\n')
    desk.driver = desk.make()
    run(desk.driver.connect(link_of(desk)))
    assert desk.modem.apn == "edited"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"apn": "in ternet"}, "apn"),
        ({"pin": "12"}, "pin"),
        ({"user": "me", "password": "a$(x)"}, "password"),
        ({"user": "me"}, "user"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_field(
    desk: Desk, values: dict[str, str], field: str
) -> None:
    with pytest.raises(BadValue) as raised:
        desk.driver.validate(values)
    assert raised.value.field == field
    assert "a$(x)" not in str(raised.value)


def test_repairs_go_from_the_radio_to_the_power(desk: Desk) -> None:
    link = link_of(desk)
    assert run(desk.driver.recover(link, 0)) is True
    assert desk.modem.said[-2:] == ["AT+CFUN=4", "AT+CFUN=1"]
    assert run(desk.driver.recover(link, 1)) is True
    assert desk.modem.said[-1] == "AT+CFUN=1,1"
    assert run(desk.driver.recover(link, 2)) is True
    desk.context.expect(UHUBCTL)
    assert run(desk.driver.recover(link, 3)) is True
    assert run(desk.driver.recover(link, 4)) is False


def test_a_modem_that_does_not_know_airplane_mode_switches_off_the_old_way(desk: Desk) -> None:
    desk.modem.answers["AT+CFUN=4"] = bad()
    run(desk.driver.recover(link_of(desk), 0))

    assert desk.modem.said[-3:] == ["AT+CFUN=4", "AT+CFUN=0", "AT+CFUN=1"]


@pytest.mark.parametrize("step", [0, 1])
def test_a_modem_that_answers_nothing_is_taken_anew_at_once(desk: Desk, step: int) -> None:
    desk.modem.silent = frozenset({"ttyUSB0", "ttyUSB1"})
    switch = desk.tree.root / "bus/usb/devices/1-1/authorized"
    switch.write_text("?")

    assert run(desk.driver.recover(link_of(desk), step)) is True
    assert switch.read_text() == "1"


def test_a_modem_that_modemmanager_has_is_neither_asked_nor_repaired(desk: Desk) -> None:
    desk.busy = True
    link = link_of(desk)

    assert run(desk.driver.details(link)) == {"modem": "HUAWEI Mobile (12d1:1001)"}
    for step in range(4):
        with pytest.raises(ConnectError, match="ModemManager has HUAWEI"):
            run(desk.driver.recover(link, step))
    assert desk.modem.opened == []


def test_a_call_is_told_lost_before_its_radio_is_switched_off(desk: Desk) -> None:
    async def check() -> None:
        link = link_of(desk)
        await desk.driver.connect(link)
        await desk.driver.recover(link, 0)
        events = desk.driver.events()
        lost = await anext(events)
        assert isinstance(lost, Lost)
        assert lost.link == link.name
        assert desk.context.leftovers() == []
        await events.aclose()  # type: ignore[attr-defined]

    run(check())


def test_two_modems_are_two_links(tmp_path: Path) -> None:
    def both(tree: UsbTree) -> None:
        e220(tree, "1-1")
        e220(tree, "1-2", first=2)

    desk = Desk(tmp_path, both)
    first, second = links_of(desk)
    assert (first.hardware, second.hardware) == ("usb:1-1", "usb:1-2")
    run(desk.driver.connect(second))
    assert desk.options.startswith("/dev/ttyUSB2\n")

"""Serial modems: which they are, how they are dialled, and what is said when that fails."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Any

import pytest

from conman_core import (
    Address,
    BadValue,
    ConnectError,
    Connection,
    Family,
    Link,
    Lost,
    Reason,
    Specificity,
    ToolMissing,
    Unavailable,
)
from conman_core.testing import DriverContract, run
from conman_core.testing.harness import settle
from conman_plugins.cellular import apns, dialler, pppd
from conman_plugins.cellular.at import Reply
from conman_plugins.cellular.sakis3g import Sakis3gDriver
from tests.cellular.serialkit import Desk, FakePort, bad, ok
from tests.cellular.usbtree import UsbTree, disc, e220, ec25

UHUBCTL = ["uhubctl", "--location", "1", "--ports", "1", "--action", "cycle"]


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    FakePort.open_now = 0
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


def link_of(desk: Desk) -> Link:
    (link,) = links_of(desk)
    return link


def links_of(desk: Desk) -> list[Link]:
    found = desk.driver.probe()
    assert not isinstance(found, Unavailable), found
    return list(found)


def failure(desk: Desk) -> ConnectError:
    """What comes of a try to connect, with nothing left behind."""
    with pytest.raises(ConnectError) as raised:
        run(desk.driver.connect(link_of(desk)))
    assert FakePort.open_now == 0
    assert not any(program.running for program in desk.context.started)
    return raised.value


# -- links


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


# -- a call


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
        program.end(16)
        await events.aclose()  # type: ignore[attr-defined]

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


# -- card and network


def test_the_pin_is_entered_once_and_not_again_when_it_is_wrong(tmp_path: Path) -> None:
    desk = Desk(tmp_path, pin="9999")
    desk.modem.card, desk.modem.pin = "SIM PIN", "1234"

    assert failure(desk).reason is Reason.PIN_WRONG
    desk.driver = desk.make()
    assert failure(desk).reason is Reason.PIN_WRONG
    assert desk.modem.left == 2
    assert desk.modem.said.count('AT+CPIN="9999"') == 1


def test_the_right_pin_opens_the_card(tmp_path: Path) -> None:
    desk = Desk(tmp_path, pin="1234")
    desk.modem.card, desk.modem.pin = "SIM PIN", "1234"

    assert run(desk.driver.connect(link_of(desk))).interface == "ppp10"


def test_the_pin_of_the_scripts_own_file_counts_as_well(desk: Desk) -> None:
    desk.modem.card, desk.modem.pin = "SIM PIN", "4321"
    desk.conf.write_text('SIM_PIN="4321"\n')

    assert run(desk.driver.connect(link_of(desk))).interface == "ppp10"


@pytest.mark.parametrize(
    ("card", "left", "reason", "words"),
    [
        ("SIM PIN", 3, Reason.PIN_REQUIRED, "asks for its PIN (3 tries left); set pin in"),
        ("SIM PUK", 0, Reason.PIN_WRONG, "asks for its PUK"),
        ("none", 3, Reason.NO_SIM, "there is no SIM card in the modem"),
        ("rubbish", 3, Reason.NO_SIM, "the modem cannot use the SIM card"),
    ],
)
def test_a_card_that_is_not_ready_says_why(
    desk: Desk, card: str, left: int, reason: Reason, words: str
) -> None:
    desk.modem.card, desk.modem.left = card, left
    error = failure(desk)

    assert error.reason is reason
    assert words in error.sentence


def test_no_pin_is_tried_on_a_modem_that_does_not_tell_the_tries_left(tmp_path: Path) -> None:
    desk = Desk(tmp_path, pin="1234")
    desk.modem.card, desk.modem.pin, desk.modem.left = "SIM PIN", "1234", None

    assert failure(desk).reason is Reason.PIN_REQUIRED
    assert not any(word.startswith("AT+CPIN=") for word in desk.modem.said)


def test_a_foreign_network_is_used_only_if_the_user_says_so(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.modem.registration = 5
    error = failure(desk)
    assert error.reason is Reason.MISCONFIGURED
    assert "write roaming = yes in [conman:sakis3g]" in error.sentence
    (tmp_path / "other").mkdir()
    desk = Desk(tmp_path / "other", roaming="yes")
    desk.modem.registration = 5
    run(desk.driver.connect(link_of(desk)))


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        (2, Reason.NOT_REGISTERED, "(searching for a network); check its antenna"),
        (3, Reason.REJECTED, "the network refuses the SIM card"),
        (0, Reason.NOT_REGISTERED, "(not registered)"),
    ],
)
def test_a_modem_without_a_network_says_why(
    desk: Desk, state: int, reason: Reason, words: str
) -> None:
    desk.modem.registration = state
    error = failure(desk)

    assert error.reason is reason
    assert words in error.sentence


def test_a_slow_registration_is_waited_for(desk: Desk) -> None:
    desk.modem.registration = 2
    began, sleep = desk.context.clock.now, desk.context.clock.sleep

    async def and_find(seconds: float) -> None:
        await sleep(seconds)
        if desk.context.clock.now > began + 44:
            desk.modem.registration = 1

    desk.context.clock.sleep = and_find  # type: ignore[method-assign]
    run(desk.driver.connect(link_of(desk)))
    assert 44 < desk.context.clock.now - began < 50


# -- calls that fail


@pytest.mark.parametrize(
    ("said", "reason", "words"),
    [
        ("Failed (NO CARRIER)", Reason.WRONG_APN, "did not take the call (NO CARRIER) with int"),
        ("Failed (BUSY)", Reason.TIMEOUT, "the network is busy (BUSY)"),
        ("Failed (ERROR)", Reason.TIMEOUT, "the modem refused to dial (ERROR)"),
        ("alarm", Reason.WEDGED, "did not answer the dial within 40 s"),
        ("PAP authentication failed", Reason.WRONG_KEY, "refused user and password; correct user"),
        ("LCP: timeout sending Config-Requests", Reason.TIMEOUT, "did not answer after the dial"),
        ("Device ttyUSB0 is locked by pid 7", Reason.BUSY, "another program uses the modem's"),
        ("", Reason.TIMEOUT, "the dial failed"),
    ],
)
def test_a_failed_dial_has_words(desk: Desk, said: str, reason: Reason, words: str) -> None:
    desk.modem.apns = {"internet": (said,)}
    error = failure(desk)

    assert error.reason is reason
    assert error.sentence.startswith("HUAWEI Mobile: ")
    assert words in error.sentence


def test_what_the_modem_says_of_the_cause_is_told(desk: Desk) -> None:
    desk.modem.apns = {"internet": ("Failed (NO CARRIER)",)}
    desk.modem.answers["AT+CEER"] = ok('+CEER: "unknown APN"', "+CEER: service not subscribed")
    assert "service not subscribed" in failure(desk).sentence


def test_a_network_that_is_gone_at_the_dial_is_no_wrong_apn(desk: Desk) -> None:
    desk.modem.apns = {"internet": ("Failed (NO CARRIER)",)}
    said = desk.modem.answer

    def lose(command: str) -> Reply:
        if command.startswith("AT+CGDCONT"):
            desk.modem.registration = 2
        return said(command)

    desk.modem.answer = lose  # type: ignore[method-assign]
    error = failure(desk)
    assert error.reason is Reason.NOT_REGISTERED
    assert "it is searching for a network" in error.sentence


def test_a_modem_whose_ports_all_are_silent_hangs(desk: Desk) -> None:
    desk.modem.silent = frozenset({"ttyUSB0", "ttyUSB1"})
    error = failure(desk)

    assert error.reason is Reason.WEDGED
    assert "no port of the modem answers (/dev/ttyUSB0, /dev/ttyUSB1)" in error.sentence


def test_a_modem_that_is_not_there_any_more_says_so(desk: Desk) -> None:
    link = link_of(desk)
    desk.tree.pull("1-1")
    with pytest.raises(ConnectError, match="no modem is at USB 1-1 any more"):
        run(desk.driver.connect(link))


def test_with_apn_auto_what_worked_last_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "providers.xml"
    database.write_text(
        '<serviceproviders><country code="gr"><provider><gsm><network-id mcc="202" mnc="01"/>'
        '<apn value="first"/><apn value="second"/></gsm></provider></country></serviceproviders>'
    )

    def here(plmn: str, iccid: str, memory: Any) -> Any:
        return apns.candidates(plmn, iccid, memory, database)

    monkeypatch.setattr(dialler, "candidates", here)
    desk = Desk(tmp_path, apn="auto")
    desk.modem.apns = {"first": ("Failed (NO CARRIER)",)}
    run(desk.driver.connect(link_of(desk)))
    assert desk.modem.apn == "second"
    desk.modem.said.clear()
    desk.driver = desk.make()
    run(desk.driver.connect(link_of(desk)))
    assert [word for word in desk.modem.said if "CGDCONT" in word] == ['AT+CGDCONT=1,"IP","second"']


def test_a_program_that_is_wanted_and_missing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise ToolMissing(name, name)

    monkeypatch.setattr(dialler, "find_tool", missing)
    error = failure(Desk(tmp_path, dialer="sakis3g"))
    assert error.reason is Reason.NO_TOOL
    assert "write dialer = pppd in [conman:sakis3g]" in error.sentence
    (tmp_path / "other").mkdir()
    desk = Desk(tmp_path / "other", dialer="auto")
    assert run(desk.driver.connect(link_of(desk))).interface == "ppp10"


# -- the script's own file


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


# -- people


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


# -- repairs


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

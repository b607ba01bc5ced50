"""Serial modems whose card, network or call is not well: what is said of it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from conman_core import (
    ConnectError,
    Reason,
    ToolMissing,
)
from conman_core.testing import run
from conman_plugins.cellular import dialler, pppd
from conman_plugins.cellular.at import Reply
from tests.cellular.serialkit import Desk, failure, link_of, ok


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pppd, "find_tool", lambda name: f"/usr/sbin/{name}")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


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


def test_an_access_point_that_has_worked_before_may_be_right_and_the_modem_may_hang(
    desk: Desk,
) -> None:
    async def once() -> None:
        await desk.driver.connect(link_of(desk))
        await desk.driver.disconnect(link_of(desk))

    run(once())
    desk.modem.apns = {"internet": ("Failed (NO CARRIER)",)}
    error = failure(desk)

    assert error.reason is Reason.TIMEOUT  # which the ladder may cure
    assert "with internet, which has worked before; set apn" in error.sentence


def test_what_the_modem_says_of_the_cause_is_told(desk: Desk) -> None:
    desk.modem.apns = {"internet": ("Failed (NO CARRIER)",)}
    desk.modem.answers["AT+CEER"] = ok('+CEER: "unknown APN"', "+CEER: service not subscribed")
    assert "service not subscribed" in failure(desk).sentence


def test_a_network_that_takes_calls_but_refuses_data_is_no_wrong_apn(desk: Desk) -> None:
    desk.modem.apns = {"internet": ("Failed (NO CARRIER)",)}
    desk.modem.answers["AT+CGREG?"] = ok("+CGREG: 0,3")
    error = failure(desk)

    assert error.reason is Reason.REJECTED
    assert "it refuses data" in error.sentence


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


def test_a_file_that_cannot_be_written_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = os.open

    def full(path: Any, *more: Any, **others: Any) -> int:
        if "/options-" in str(path):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return opened(path, *more, **others)

    monkeypatch.setattr(os, "open", full)
    error = failure(desk)
    assert error.reason is Reason.MISCONFIGURED
    assert "options-ttyUSB0 cannot be written: No space left on device; look" in error.sentence


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

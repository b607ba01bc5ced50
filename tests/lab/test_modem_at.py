"""The lab's modems without a kernel: what they answer to AT commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.modems import at_commands, sim
from tests.lab.modems.at import Terminal
from tests.lab.modems.loop import Loop
from tests.lab.modems.state import Modem
from tests.lab.modems.unitkit import card, insert, modem, until

__all__ = ["card", "modem"]


class Line:
    """A terminal and what is to be seen on it."""

    def __init__(self, modem: Modem) -> None:
        self.seen = b""
        self.terminal = Terminal(modem, self._see, ("maker", "model", "rev"))
        self.passed = b""
        self.terminal.pass_on = self._pass
        self.now = 100.0
        self.say("ATE0")

    def _see(self, data: bytes) -> None:
        self.seen += data

    def _pass(self, data: bytes) -> None:
        self.passed += data

    def say(self, command: str) -> list[str]:
        """The lines that answer a command."""
        self.feed(command.encode() + b"\r")
        return self.lines()

    def feed(self, data: bytes, after: float = 2.0) -> None:
        self.now += after
        self.terminal.feed(data, self.now)

    def lines(self) -> list[str]:
        found = [line for line in self.seen.decode("latin-1").split("\r\n") if line]
        self.seen = b""
        return found


@pytest.fixture
def line(modem: Modem) -> Line:
    assert at_commands.ASK  # loaded
    return Line(modem)


def test_commands_are_answered(line: Line, modem: Modem) -> None:
    assert line.say("AT") == ["OK"]
    assert line.say("ATI") == ["maker", "model", "Revision: rev", "OK"]
    assert line.say("AT+CGMI;+CGMM") == ["maker", "model", "OK"]
    assert line.say("at+cgsn") == [modem.imei, "OK"]
    assert line.say("AT+CSQ") == ["+CSQ: 24,99", "OK"]
    assert line.say("AT+COPS?") == ['+COPS: 0,0,"Lab Mobile",7', "OK"]
    assert line.say("AT+COPS=3,2;+COPS?") == ['+COPS: 0,2,"20201",7', "OK"]
    assert line.say("AT&F&D2&C1S0=0E0") == ["OK"]
    assert line.say("AT+NOSUCH") == ["+CME ERROR: 3"]
    assert line.say("AT+CMEE=0;+NOSUCH") == ["ERROR"]
    assert line.say("AT!!") == ["ERROR"]
    assert line.say("noise") == []


def test_commands_are_echoed_until_that_is_switched_off(modem: Modem) -> None:
    fresh = Line(modem)
    fresh.say("ATZ")
    assert fresh.say("AT") == ["AT\r", "OK"]


@pytest.mark.parametrize(
    ("registration", "said"),
    [("home", "0,1"), ("roaming", "0,5"), ("denied", "0,3"), ("searching", "0,2"), ("none", "0,0")],
)
def test_registration_in_the_numbers_of_at(
    line: Line, modem: Modem, registration: str, said: str
) -> None:
    modem.change(registration=registration)
    assert line.say("AT+CREG?;+CGREG?") == [f"+CREG: {said}", f"+CGREG: {said}", "OK"]


def test_the_pin_is_asked_for_and_counted(line: Line, modem: Modem, card: Path) -> None:
    insert(modem, card, pin="1234")
    assert line.say("AT+CPIN?") == ["+CPIN: SIM PIN", "OK"]
    assert line.say("AT+CIMI") == ["+CME ERROR: 11"]
    assert line.say('AT+CPIN="0000"') == ["+CME ERROR: 16"]
    assert line.say("AT+CPINR")[0] == "+CPINR: SIM PIN,2,3"
    assert line.say('AT+CPIN="1234"') == ["OK"]
    assert line.say("AT+CPIN?") == ["+CPIN: READY", "OK"]
    insert(modem, card, present=False)
    assert line.say("AT+CPIN?") == ["+CME ERROR: 10"]
    insert(modem, card, pin="1234", retries=0)
    assert line.say('AT+CPIN="12345678","5555"') == ["OK"]
    assert modem.sim.pin == "5555"


def test_a_call_passes_everything_on_until_it_is_hung_up(line: Line, modem: Modem) -> None:
    line.terminal.hang_up = lambda: modem.hang_up(4)
    assert line.say('AT+CGDCONT=1,"IP","internet"') == ["OK"]
    assert line.say("ATD*99#") == ["CONNECT 150000000"]
    assert modem.calls[4].apn == "internet"
    line.feed(b"\x7eframe\x7e")
    line.feed(b"+++", after=0.1)  # no silence before it: data
    assert line.passed == b"\x7eframe\x7e+++"
    line.feed(b"+++")
    until(modem, lambda: not line.terminal.online)
    assert line.say("ATO") == ["OK", "CONNECT", "OK"]
    line.feed(b"+++")
    until(modem, lambda: not line.terminal.online)
    assert line.say("ATH") == ["OK", "OK"]
    assert not modem.calls


def test_frames_under_way_after_the_end_of_a_call_are_no_commands(line: Line) -> None:
    line.say("ATDT*99***1#")
    line.terminal.ended()
    assert line.lines() == ["NO CARRIER"]
    line.feed(b"\x7e\xff\x7d#\r\x7e")
    assert line.say("AT") == ["OK"]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"dial": "busy"}, ["BUSY"]),
        ({"dial": "no carrier"}, ["NO CARRIER"]),
        ({"dial": "error"}, ["ERROR"]),
        ({"dial": "silent"}, []),
        ({"apns": ["other"]}, ["NO CARRIER"]),
        ({"registration": "denied"}, ["NO CARRIER"]),
    ],
)
def test_a_dial_fails_as_it_is_told_to(
    line: Line, modem: Modem, settings: dict[str, Any], said: list[str]
) -> None:
    modem.change(**settings)
    modem.contexts[1] = "internet"
    assert line.say("ATD*99#") == said


def test_a_silent_or_mad_control_channel(line: Line, modem: Modem) -> None:
    modem.change(control="silent")
    assert line.say("AT") == []
    modem.change(control="garbage")
    assert line.say("AT") != ["OK"]


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_no_line_ends_a_modem(pieces: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sim, "load", lambda _: sim.Sim(pin="1234"))
        patch.setattr(sim, "write", lambda *_: None)
        line = Line(Modem(Loop(), 1, Path("/nowhere")))
        for piece in pieces:
            line.feed(b"AT" + piece + b"\r")
        line.terminal.online = False
        line.seen = b""
        line.say("")
        assert line.say("ATE0Q0V1")[-1:] == ["OK"]

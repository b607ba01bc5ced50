"""What pppd and chat print, and what they are told."""

from __future__ import annotations

import shlex
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import Reason
from conman_core.results import check_connection
from conman_plugins.cellular import chat, pppd
from conman_plugins.cellular.pppd import Call, Story, options
from tests.cellular.serialkit import UP

SCRIPT = Path("/run/conman/drivers/sakis3g/chat-ttyUSB0")


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pppd, "find_tool", lambda name: f"/usr/sbin/{name}")


def told(*lines: str) -> Story:
    story = Story()
    for line in lines:
        story.take(line)
    return story


def test_a_call_is_ready_when_all_was_told_of_it() -> None:
    story = told(*UP[:-1])
    assert not story.ready
    story.take(UP[-1])
    assert story.ready
    assert story.connection is not None
    assert story.connection.dns == (IPv4Address("8.8.8.8"), IPv4Address("9.9.9.9"))


def test_a_script_before_the_address_is_another_one() -> None:
    assert not told("Script /etc/ppp/ip-pre-up started (pid 7)").ready


def test_the_same_server_twice_is_one_and_nonsense_is_none() -> None:
    story = told(
        *UP[:3],
        "primary   DNS address 8.8.8.8",
        "secondary DNS address 8.8.8.8",
        "secondary DNS address 0.0.0.0",
        "secondary DNS address 999.9.9.9",
    )
    assert story.dns == [IPv4Address("8.8.8.8")]


@pytest.mark.parametrize(
    ("lines", "code", "reason"),
    [
        (("Modem hangup", "Connection terminated."), 16, Reason.LOST),
        (("No response to 3 echo-requests",), 15, Reason.LOST),
        (("PAP authentication failed",), 19, Reason.WRONG_KEY),
        (("Failed (BUSY)", "Connect script failed"), 8, Reason.TIMEOUT),
        ((" -- alarm", "Failed"), 8, Reason.WEDGED),
        ((), 7, Reason.NO_DEVICE),
        ((), 99, Reason.TIMEOUT),
    ],
)
def test_why_it_ended(lines: tuple[str, ...], code: int, reason: Reason) -> None:
    assert told(*lines).why(code)[0] is reason


def test_the_first_word_counts() -> None:
    story = told("No response to 3 echo-requests", "Modem hangup")
    assert story.why(16) == (Reason.LOST, "the line went silent")


def test_the_script_of_a_dial_hears_every_refusal() -> None:
    words = shlex.split(chat.script("*99***1#"))

    assert words[-4:] == ["", "ATD*99***1#", "CONNECT", ""]
    assert "NO CARRIER" in words


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30))
def test_any_password_is_one_word_of_the_options(password: str) -> None:
    lines = options(Call("/dev/ttyUSB0", user="me", password=password), 10, SCRIPT).splitlines()
    (line,) = (each for each in lines if each.startswith("password "))

    assert shlex.split(line, posix=True, comments=False)[1:] == [password]


@pytest.mark.parametrize(("auth", "word"), [("pap", "refuse-chap"), ("chap", "refuse-pap")])
def test_one_way_to_say_who_it_is_can_be_asked_for(auth: str, word: str) -> None:
    assert word in options(Call("/dev/ttyUSB0", auth=auth), 10, SCRIPT).splitlines()
    assert word not in options(Call("/dev/ttyUSB0"), 10, SCRIPT).splitlines()


PARTS = st.sampled_from([*UP, "Using interface ", "local  IP address ", "Failed (", "Modem hangup"])


@given(st.lists(st.builds("{}{}".format, PARTS, st.text(max_size=20)) | st.text(max_size=60)))
def test_whatever_it_prints_what_comes_of_it_keeps_the_contract(lines: list[str]) -> None:
    story = told(*lines)
    if story.connection:
        check_connection(story.connection, None)
    reason, words = story.why(1)
    assert isinstance(reason, Reason)
    assert words

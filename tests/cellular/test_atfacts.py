"""What AT answers of several makes mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_plugins.cellular import atfacts
from conman_plugins.cellular.at import Reply


def ok(*lines: str) -> Reply:
    return Reply(lines, "OK")


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (ok("+CPIN: READY"), "ready"),
        (ok("+CPIN: SIM PIN"), "pin"),
        (ok("+CPIN: SIM PUK"), "puk"),
        (ok("+CPIN: PH-NET PIN"), "broken"),
        (Reply((), "+CME ERROR: 10"), "absent"),
        (Reply((), "+CME ERROR: 14"), "waiting"),
        (Reply((), "+CME ERROR: 13"), "broken"),
        (Reply((), "ERROR"), "broken"),
        (ok(), "broken"),
    ],
)
def test_the_state_of_the_card(reply: Reply, state: str) -> None:
    assert atfacts.card(reply) == state


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("+CPINR: SIM PIN,3,3", 3),
        ("^CPIN: SIM PIN,2,10,2,10,3", 2),
        ('+QPINC: "SC",1,10', 1),
        ("+CPIN: SIM PIN", None),
        ("^CPIN: READY,,10,3,10,3", None),
        ("+CPINR: SIM PUK,10,10", None),
    ],
)
def test_the_tries_left_are_those_of_the_pin(line: str, left: int | None) -> None:
    assert atfacts.tries(ok(line)) == left


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ("+CCID: 8930012345678901234", "8930012345678901234"),
        ('+CCID: "8930012345678901234F"', "8930012345678901234"),
        ("^ICCID: 89300123456789012345", "89300123456789012345"),
        ("8930012345678901234f", "8930012345678901234"),
        ("+CCID: 12", ""),
    ],
)
def test_the_number_of_the_card(line: str, number: str) -> None:
    assert atfacts.iccid(ok(line)) == number


@pytest.mark.parametrize(
    ("lines", "state", "registered"),
    [
        (("+CREG: 0,1",), "home", True),
        (('+CREG: 2,5,"2A17","01A2B301"',), "roaming", True),
        (("+CREG: 0,3", "+CEREG: 0,1"), "home", True),
        (("+CREG: 0,2", "+CGREG: 0,3"), "denied", False),
        (("+CREG: 0,2", "+CGREG: 0,0"), "searching", False),
        (("+CREG: 0,4",), "none", False),
        (("+CREG: 1",), "none", False),
        ((), "none", False),
    ],
)
def test_the_best_of_all_areas_counts(lines: tuple[str, ...], state: str, registered: bool) -> None:
    found = atfacts.standing([ok(line) for line in lines])

    assert (found.state, found.registered) == (state, registered)


@pytest.mark.parametrize(
    ("line", "words"), [("+CSQ: 24,99", "-65 dBm"), ("+CSQ: 0,0", "-113 dBm"), ("+CSQ: 99,99", "")]
)
def test_signal(line: str, words: str) -> None:
    assert atfacts.signal(ok(line)) == words


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('+COPS: 0,0,"Lab Mobile",7', ("Lab Mobile", "LTE")),
        ('+COPS: 0,2,"20201"', ("20201", "")),
        ("+COPS: 0", ("", "")),
    ],
)
def test_operator(line: str, found: tuple[str, str]) -> None:
    assert atfacts.operator(ok(line)) == found


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("+CEER: Service option not subscribed", "Service option not subscribed"),
        ("+CEER: No cause information available", ""),
        ("+CEER: Normal, unspecified", ""),
    ],
)
def test_the_cause_of_a_call_that_ended(line: str, words: str) -> None:
    assert atfacts.cause(ok(line)) == words


NAMES = st.sampled_from(["+CPIN", "^CPIN", "+CPINR", "+CREG", "+CEREG", "+CSQ", "+COPS", "+CEER"])
LINES = st.builds("{}: {}".format, NAMES, st.text(max_size=30))


@given(st.lists(LINES | st.text(max_size=40), max_size=5), st.text(max_size=20))
def test_no_answer_makes_a_parser_fail(lines: list[str], end: str) -> None:
    reply = Reply(tuple(lines), end)
    left = atfacts.tries(reply)

    assert atfacts.card(reply) in {"ready", "pin", "puk", "absent", "waiting", "broken"}
    assert left is None or 0 <= left < 100
    assert atfacts.standing([reply]).words
    for read in (atfacts.iccid, atfacts.home, atfacts.signal, atfacts.cause):
        assert isinstance(read(reply), str)
    assert len(atfacts.operator(reply)) == 2

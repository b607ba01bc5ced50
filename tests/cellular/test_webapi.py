"""What a HiLink dongle's pages say, and what a page that lies cannot do."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conman_plugins.cellular.webapi import facts, parse

STATUS = """<?xml version="1.0" encoding="UTF-8"?>
<response>
<ConnectionStatus>901</ConnectionStatus>
<SignalStrength></SignalStrength>
<SignalIcon>4</SignalIcon>
<CurrentNetworkType>19</CurrentNetworkType>
<RoamingStatus>0</RoamingStatus>
<ServiceStatus>2</ServiceStatus>
<CurrentNetworkTypeEx>101</CurrentNetworkTypeEx>
<maxsignal>5</maxsignal>
</response>
"""
SIGNAL = "<response>\n<rsrp>-95dBm</rsrp>\n<rssi>-65dBm</rssi>\n<sinr>15dB</sinr>\n</response>"
OPERATOR = (
    "<response><FullName>A&amp;B &lt;Mobile&gt;</FullName><Numeric>20201</Numeric></response>"
)


def told(*pages: str) -> dict[str, str]:
    parsed = [parse(page) for page in (*pages, "", "", "", "")[:4]]
    return facts(*parsed)


def test_a_healthy_dongle_tells_all() -> None:
    card = "<response><SimState>257</SimState><SimPinTimes>3</SimPinTimes></response>"

    assert told(STATUS, SIGNAL, OPERATOR, card) == {
        "signal": "-65 dBm, rsrp -95 dBm, sinr 15 dB",
        "operator": "A&B <Mobile> (20201)",
        "technology": "LTE",
        "registration": "registered",
        "roaming": "no",
        "SIM": "ready",
    }


def test_older_firmware_tells_less() -> None:
    status = "<SignalIcon>3</SignalIcon><CurrentNetworkType>4</CurrentNetworkType>"

    assert told(status) == {"signal": "3 of 5", "technology": "UMTS"}


def test_what_keeps_it_offline_is_told() -> None:
    status = "<ServiceStatus>0</ServiceStatus><RoamingStatus>1</RoamingStatus>"
    card = "<SimState>260</SimState><SimPinTimes>2</SimPinTimes>"

    assert told(status, "", "", card) == {
        "registration": "not registered",
        "roaming": "yes",
        "SIM": "PIN wanted, 2 tries left",
    }


def test_a_page_that_refuses_tells_nothing() -> None:
    refused = "<error>\n<code>125002</code>\n<message></message>\n</error>"

    assert told(*[refused] * 4) == {}


def test_entities_are_not_expanded() -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><r><FullName>&b;</FullName></r>'

    assert parse(bomb) == {"FullName": "&b;"}


def test_control_characters_never_reach_a_terminal() -> None:
    assert parse("<FullName>\x1b[2JEvil\n</FullName>") == {"FullName": "[2JEvil"}


def test_a_page_without_end_is_cut() -> None:
    page = "".join(f"<a{number}>1</a{number}>" for number in range(10_000))

    assert len(parse(page)) == 100


@given(st.text(max_size=400))
def test_no_page_makes_the_parser_fail(page: str) -> None:
    assert all(isinstance(value, str) for value in told(page, page, page, page).values())


NAMES = st.sampled_from(
    [
        *("SignalIcon", "maxsignal", "rssi", "rsrp", "FullName", "Numeric", "ServiceStatus"),
        *("RoamingStatus", "CurrentNetworkType", "SimState", "SimPinTimes"),
    ]
)


@given(st.dictionaries(NAMES, st.text(max_size=20)))
def test_no_value_makes_it_fail(values: dict[str, str]) -> None:
    page = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    assert all(told(page, page, page, page).values())

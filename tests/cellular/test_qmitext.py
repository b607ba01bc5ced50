"""What qmicli prints is read, whatever a modem leaves out; rubbish is refused with one error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import Family
from conman_plugins.cellular import qmitext
from conman_plugins.cellular.qmitext import Card, Garbled, Mode, Serving

FOLDER = Path(__file__).parent / "qmicli"
ALL = {path.stem: path.read_text() for path in sorted(FOLDER.glob("*.txt"))}
FOUR, SIX = Family.IPV4, Family.IPV6


def said(name: str) -> str:
    return ALL[name]


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("mode.online", Mode("online")),
        ("mode.low-power", Mode("low-power")),
        ("mode.locked", Mode("persistent-low-power", locked=True)),
        ("mode.offline-reason", Mode("offline")),
    ],
)
def test_the_operating_mode(name: str, mode: Mode) -> None:
    assert qmitext.mode(said(name)) == mode


@pytest.mark.parametrize(
    ("name", "card"),
    [
        ("card.ready", Card("ready", 3)),
        ("card.pin", Card("pin", 3)),
        ("card.one-try", Card("pin", 1)),
        ("card.puk", Card("puk", 0)),
        ("card.absent", Card("absent")),
        ("card.error", Card("broken")),
        ("card.old-sim", Card("waiting", 3)),
        ("card.upin-two-slots", Card("pin", 3, slot=2)),
    ],
)
def test_the_card(name: str, card: Card) -> None:
    assert qmitext.card(said(name)) == card


@pytest.mark.parametrize(
    ("name", "card"),
    [
        ("pin.disabled", Card("ready", 3)),
        ("pin.wanted", Card("pin", 3)),
        ("pin.blocked", Card("puk", 0)),
    ],
)
def test_the_card_as_old_modems_tell_of_it(name: str, card: Card) -> None:
    assert qmitext.pin_status(said(name)) == card


@pytest.mark.parametrize(
    ("name", "serving", "registered"),
    [
        ("home", Serving("registered", True, False, "Lab Mobile", "202-01", "lte"), True),
        ("roaming", Serving("registered", True, True, "Lab Mobile", "222-01", "lte"), True),
        ("searching", Serving("not-registered-searching", False), False),
        ("denied", Serving("registration-denied", False, technology="lte"), False),
        ("none", Serving("not-registered", False), False),
        ("umts-two-radios", Serving("registered", True, False, "AT&T", "310-410", "umts"), True),
        ("without-name", Serving("registered", None, True, "", "001-01", "5gnr"), True),
        ("voice-only", Serving("registered", False, False, "Vodafone.de", "262-02", "gsm"), False),
    ],
)
def test_the_network_that_serves_the_modem(name: str, serving: Serving, registered: bool) -> None:
    found = qmitext.serving(said(f"serving.{name}"))
    assert found == serving
    assert found.registered is registered


@pytest.mark.parametrize(
    ("name", "causes"),
    [("home", []), ("denied", ["plmn not allowed"]), ("numbers", ["cause 2", "cause 7"])],
)
def test_why_networks_refuse(name: str, causes: list[str]) -> None:
    assert qmitext.refusals(said(f"system.{name}")) == causes


@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("lte", {"signal": "-65 dBm", "RSRQ": "-10 dB", "RSRP": "-95 dBm", "SNR": "15.0 dB"}),
        ("5g", {"RSRP": "-91 dBm", "SNR": "11.5 dB", "RSRQ": "-11 dB"}),
        (
            "umts-and-lte",
            {
                "signal": "-71 dBm",
                "Ec/Io": "-6.5 dBm",
                "RSRQ": "-14 dB",
                "RSRP": "-112 dBm",
                "SNR": "-2.0 dB",
            },
        ),
    ],
)
def test_the_signal(name: str, signal: dict[str, str]) -> None:
    assert qmitext.signal(said(f"signal.{name}")) == signal


def test_the_addresses_of_a_session() -> None:
    four = qmitext.settings(said("settings.ipv4"), FOUR)
    assert str(four.address) == "10.64.1.2/24"
    assert str(four.gateway) == "10.64.1.1"
    assert [str(server) for server in four.dns] == ["8.8.8.8", "9.9.9.9"]
    assert four.mtu == 1500
    six = qmitext.settings(said("settings.ipv6"), SIX)
    assert str(six.address) == "2001:db8:64:102::3/64"
    assert str(six.gateway) == "2001:db8:64:102::1"


def test_a_session_without_router_servers_and_mtu() -> None:
    found = qmitext.settings(said("settings.without-gateway"), FOUR)
    assert str(found.address) == "100.72.13.5/30"
    assert (found.gateway, found.dns, found.mtu) == (None, (), None)


def test_the_rest() -> None:
    assert qmitext.imei(said("ids.ec25")) == "860730100000001"
    assert qmitext.iccid(said("iccid.ec25")) == "8930012345678901234"
    assert qmitext.plmn(said("network.home")) == "202-01"
    assert qmitext.raw_ip(said("format.raw-ip")) is True
    assert qmitext.raw_ip(said("format.802-3")) is False


READERS: list[Callable[[str], Any]] = [
    qmitext.mode,
    qmitext.imei,
    qmitext.iccid,
    qmitext.card,
    qmitext.pin_status,
    qmitext.serving,
    qmitext.plmn,
    qmitext.refusals,
    qmitext.signal,
    qmitext.raw_ip,
    lambda text: qmitext.settings(text, FOUR),
    lambda text: qmitext.settings(text, SIX),
]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """Something that qmicli has printed, with a piece taken out and another put in."""
    text = draw(st.sampled_from(sorted(ALL.values())))
    start = draw(st.integers(0, len(text)))
    end = draw(st.integers(start, min(len(text), start + 40)))
    return text[:start] + draw(st.text(max_size=20)) + text[end:]


@given(st.text(max_size=200) | damaged())
def test_rubbish_is_refused_with_one_error_and_never_raises_another(text: str) -> None:
    for read in READERS:
        try:
            read(text)
        except Garbled as error:
            assert error.sentence.startswith("the modem's answer about")  # noqa: PT017


@pytest.mark.parametrize("read", [qmitext.mode, qmitext.card, qmitext.serving, qmitext.raw_ip])
def test_an_empty_answer_is_no_answer(read: Callable[[str], Any]) -> None:
    with pytest.raises(Garbled):
        read("")

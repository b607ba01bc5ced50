"""Kernel and modem carry packets alike, whatever either of them can."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from conman_core.model import Family
from tests.cellular.fakemodem import FakeModem
from tests.cellular.qmitexts import ANSWERS, Answer, declined
from tests.cellular.wwanrig import Rig

END = "ep-type=hsusb,ep-iface-number=4"


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, {"apn": "internet"})


def wants(monkeypatch: pytest.MonkeyPatch, question: str, end: str, code: int) -> list[str]:
    """Have the modem decline a question that does not name its end; return what it was asked."""
    asked: list[str] = []
    answer = ANSWERS[question]

    def picky(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
        asked.append(value)
        return answer(it, value, more) if end in value else declined(code, "MissingArgument")

    monkeypatch.setitem(ANSWERS, question, picky)
    return asked


@pytest.mark.parametrize("code", [17, 48])
def test_a_modem_that_wants_to_hear_its_end_is_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    rig.modem.qmi.raw_ip_only = rig.modem.qmi.raw_ip = False
    wants(monkeypatch, "wda-get-data-format", END, code)
    asked = wants(monkeypatch, "wda-set-data-format", END, code)
    assert dict(rig.on(rig.connect()).gateways) == {Family.IPV4: None}
    assert asked == [f"link-layer-protocol=raw-ip,{END}"]
    assert rig.modem.usb.raw_ip.read_text() == "Y"


@pytest.mark.parametrize("kernel", ["Y", "N"])
def test_one_that_does_not_say_even_then_has_what_the_kernel_has(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, kernel: str
) -> None:
    rig.modem.usb.raw_ip.write_text(kernel)
    wants(monkeypatch, "wda-get-data-format", "nothing is enough", 17)
    found = rig.on(rig.connect())
    assert (found.gateways[Family.IPV4] is None) is (kernel == "Y")
    assert rig.modem.usb.switched == []


def test_a_kernel_that_knows_frames_only_has_the_modem_send_frames(rig: Rig) -> None:
    rig.modem.qmi.raw_ip_only = False
    rig.modem.qmi.raw_ip = True
    rig.modem.usb.raw_ip.unlink()
    found = rig.on(rig.connect())
    assert str(found.gateways[Family.IPV4]) == "10.64.1.1"
    assert not rig.modem.qmi.raw_ip


def test_it_is_not_asked_for_what_the_kernel_does_not_know(rig: Rig) -> None:
    rig.modem.qmi.raw_ip_only = rig.modem.qmi.raw_ip = False
    rig.modem.usb.raw_ip.unlink()
    assert rig.on(rig.connect())
    assert "wda-set-data-format" not in rig.modem.questions

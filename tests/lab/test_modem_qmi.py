"""The lab's modems without a kernel: what they answer in QMI."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.modems import qmi_data, qmi_network, qmux, sim
from tests.lab.modems.loop import Loop
from tests.lab.modems.qmi import MOST_CLIENTS, Qmi
from tests.lab.modems.qmux import DMS, NAS, UIM, WDA, WDS, Message
from tests.lab.modems.state import Modem, Refused
from tests.lab.modems.unitkit import card, insert, modem, until

__all__ = ["card", "modem"]
ALL = (WDS, DMS, NAS, UIM, WDA)


class Asker:
    """A program that speaks QMI."""

    def __init__(self, modem: Modem, services: tuple[int, ...] = ALL) -> None:
        self.frames: list[Message] = []
        self.qmi = Qmi(modem, services, lambda frame: self.frames.append(qmux.unpack(frame)))
        qmi_data.connect(self.qmi)

    def client(self, service: int) -> int:
        return self.ask(qmux.CTL, 0, 0x0022, {1: bytes([service])}).u8(0x01, 1)

    def ask(
        self, service: int, client: int, number: int, tlvs: dict[int, bytes] | None = None
    ) -> Message:
        """Ask, and give the answer; what comes besides stays in `frames`."""
        self.frames.clear()
        self.qmi.receive(Message(service, client, 7, number, tlvs or {}).pack())
        (answer,) = (frame for frame in self.frames if frame.kind == qmux.RESPONSE)
        assert (answer.service, answer.client, answer.number) == (service, client, number)
        assert answer.transaction == 7
        return answer

    def told(self, number: int) -> list[Message]:
        """The indications of a kind since the last question."""
        found = [one for one in self.frames if one.kind == qmux.INDICATION]
        return [one for one in found if one.number == number]


def error(answer: Message) -> int:
    """The number of the error; 0 for none."""
    return answer.u16(qmux.RESULT, 2)


TLVS = st.dictionaries(st.integers(0, 255), st.binary(max_size=60), max_size=8)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 0xFFFF), TLVS)
def test_a_frame_is_read_as_it_was_written(
    service: int, client: int, number: int, tlvs: dict[int, bytes]
) -> None:
    for kind in (qmux.REQUEST, qmux.RESPONSE, qmux.INDICATION):
        sent = Message(service, client, 9, number, tlvs, kind)
        assert qmux.unpack(sent.pack()) == sent


@given(st.binary(max_size=80))
def test_what_is_no_frame_is_refused_and_nothing_worse(data: bytes) -> None:
    for frame in (data, b"\1" + struct.pack("<H", len(data)) + data):
        try:
            found = qmux.unpack(frame)
        except ValueError:
            continue
        assert len(found.pack()) <= len(frame)


@given(st.sampled_from(ALL), st.integers(0, 0x60), TLVS)
def test_no_request_ends_a_modem(service: int, number: int, tlvs: dict[int, bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sim, "load", lambda _: sim.Sim(pin="1234"))
        patch.setattr(sim, "write", lambda *_: None)
        asker = Asker(Modem(Loop(), 1, Path("/nowhere")))
        asker.ask(service, asker.client(service), number, tlvs)


def test_clients_that_are_left_behind_use_the_numbers_up(modem: Modem) -> None:
    asker = Asker(modem)
    numbers = [asker.client(WDS) for _ in range(MOST_CLIENTS)]
    assert len(set(numbers)) == MOST_CLIENTS
    answer = asker.ask(qmux.CTL, 0, 0x0022, {1: bytes([WDS])})
    assert error(answer) == qmux.EXHAUSTED
    asker.ask(qmux.CTL, 0, 0x0023, {1: bytes([WDS, numbers[3]])})
    assert asker.client(WDS)
    assert error(asker.ask(WDS, 200, 0x0022)) == qmux.INVALID_CLIENT


def test_a_service_that_a_model_lacks_takes_nobody_on(modem: Modem) -> None:
    asker = Asker(modem, (WDS, DMS, NAS))
    assert error(asker.ask(qmux.CTL, 0, 0x0022, {1: bytes([UIM])})) == qmux.INVALID_SERVICE


def test_a_session_has_an_address_and_its_end_is_told_with_a_reason(modem: Modem) -> None:
    asker = Asker(modem)
    client, other = asker.client(WDS), asker.client(WDS)
    assert error(asker.ask(WDS, client, 0x002D)) == qmux.OUT_OF_CALL
    answer = asker.ask(WDS, client, 0x0020, {0x14: b"internet"})
    assert error(answer) == 0
    assert [one.client for one in asker.told(0x0022)] == [client, other]
    settings = asker.ask(WDS, other, 0x002D)
    assert settings.tlvs[0x1E] == qmux.ipv4("10.64.1.2")
    assert settings.u32(0x29) == 1500
    asker.frames.clear()
    modem.end_calls((6, 38))
    ended = asker.told(0x0022)
    assert [one.tlvs[0x11] for one in ended] == [struct.pack("<Hh", 6, 38)] * 2
    assert asker.ask(WDS, client, 0x0022).u8(0x01) == qmi_data.DISCONNECTED


def test_a_session_ends_with_the_last_client_that_has_a_part_in_it(modem: Modem) -> None:
    asker = Asker(modem)
    first, second = asker.client(WDS), asker.client(WDS)
    for client in (first, second):
        asker.ask(WDS, client, 0x0020, {0x14: b"internet"})
    address = modem.calls[4].address
    asker.ask(qmux.CTL, 0, 0x0023, {1: bytes([WDS, first])})
    assert modem.calls[4].address == address
    wrong = asker.ask(WDS, second, 0x0021, {1: struct.pack("<I", 5)})
    assert error(wrong) == qmux.INVALID_HANDLE
    handle = asker.qmi.clients[WDS, second].handle
    assert error(asker.ask(WDS, second, 0x0021, {1: struct.pack("<I", handle)})) == 0
    assert not modem.calls


@pytest.mark.parametrize(
    ("settings", "asked", "reason"),
    [
        ({}, {0x14: b"other"}, (6, 27)),
        ({"refusal": [6, 33]}, {0x14: b"other"}, (6, 33)),
        ({"registration": "denied"}, {0x14: b"internet"}, (3, 2001)),
        ({"user": "me", "password": "it"}, {0x14: b"internet", 0x17: b"me"}, (6, 29)),
        ({}, {0x14: b"internet", 0x19: b"\6"}, (6, 50)),
    ],
)
def test_a_session_is_refused_with_its_reason(
    modem: Modem, settings: dict[str, Any], asked: dict[int, bytes], reason: tuple[int, int]
) -> None:
    modem.change(**settings)
    asker = Asker(modem)
    answer = asker.ask(WDS, asker.client(WDS), 0x0020, asked)
    assert error(answer) == qmux.CALL_FAILED
    assert struct.unpack("<Hh", answer.tlvs[0x11]) == reason


def test_a_wrong_pin_costs_a_try_and_three_of_them_the_card(modem: Modem, card: Path) -> None:
    insert(modem, card, pin="1234")
    asker = Asker(modem)
    dms, uim = asker.client(DMS), asker.client(UIM)
    verify = {0x01: b"\0\0", 0x02: b"\1" + qmux.counted(b"9999")}
    answer = asker.ask(UIM, uim, 0x0026, verify)
    assert (error(answer), answer.tlvs[0x10]) == (qmux.INCORRECT_PIN, bytes([2, 10]))
    answer = asker.ask(DMS, dms, 0x0028, {0x01: b"\1" + qmux.counted(b"0000")})
    assert (error(answer), answer.tlvs[0x10]) == (qmux.INCORRECT_PIN, bytes([1, 10]))
    assert Modem(Loop(), 1, card).sim.retries == 1  # without power, too
    asker.ask(UIM, uim, 0x0026, verify)
    assert modem.sim.state == "puk"
    assert error(asker.ask(UIM, uim, 0x0026, verify)) == qmux.PIN_BLOCKED
    unblock = {0x01: b"\0\0", 0x02: b"\1" + qmux.counted(b"12345678") + qmux.counted(b"4321")}
    assert error(asker.ask(UIM, uim, 0x0027, unblock)) == 0
    assert (modem.sim.state, modem.sim.pin, modem.registration) == ("ready", "4321", "home")


def test_registration_waits_for_the_pin_and_for_the_radio(modem: Modem, card: Path) -> None:
    insert(modem, card, pin="1234")
    asker = Asker(modem)
    nas, dms = asker.client(NAS), asker.client(DMS)
    asker.ask(NAS, nas, 0x0003, {qmi_network.SERVING_SYSTEM: b"\1"})
    assert asker.ask(NAS, nas, 0x0024).u8(0x01) == qmi_network.NOT_REGISTERED
    asker.ask(DMS, dms, 0x0028, {0x01: b"\1" + qmux.counted(b"1234")})
    assert [one.u8(0x01) for one in asker.told(0x0024)] == [qmi_network.REGISTERED]
    asker.ask(DMS, dms, 0x002E, {0x01: b"\1"})
    until(modem, lambda: modem.mode == "low-power")
    assert asker.ask(NAS, nas, 0x0024).u8(0x01) == qmi_network.NOT_REGISTERED


def test_denied_registration_says_why(modem: Modem) -> None:
    modem.change(registration="denied", reject_cause=7)
    asker = Asker(modem)
    nas = asker.client(NAS)
    assert asker.ask(NAS, nas, 0x0024).u8(0x01) == qmi_network.DENIED
    info = asker.ask(NAS, nas, 0x004D).tlvs[0x19]
    assert len(info) == 29
    assert info[6:8] == b"\1\1"  # forbidden
    assert info[16:19] == bytes([1, qmi_network.PACKETS, 7])
    asker.ask(NAS, nas, 0x0002, {qmi_network.REJECT_REASON: b"\1"})
    modem.change(registration="denied")
    assert [one.tlvs[0x12] for one in asker.told(0x0002)] == [struct.pack("<BH", 2, 7)]


def test_slow_registration_searches_first(modem: Modem) -> None:
    modem.change(registration="slow", registers_after=0.05)
    assert modem.registration == "searching"
    with pytest.raises(Refused):
        modem.dial("internet", 4)
    until(modem, lambda: modem.registration == "home")


def test_a_modem_that_knows_only_raw_ip_stays_with_it(modem: Modem) -> None:
    asker = Asker(modem)
    wda = asker.client(WDA)
    asked = {0x11: struct.pack("<I", qmi_data.ETHERNET)}
    assert asker.ask(WDA, wda, 0x0020, asked).u32(0x11) == qmi_data.RAW_IP
    asker.qmi.raw_ip_only = False
    assert asker.ask(WDA, wda, 0x0020, asked).u32(0x11) == qmi_data.ETHERNET

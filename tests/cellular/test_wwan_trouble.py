"""What goes wrong around a session of the wwan driver's, and costs it nothing, or is told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from conman_core import ConnectError, Family, Reason
from conman_core.errors import SystemFault
from conman_plugins.cellular import bearer
from tests.cellular.qmitexts import ANSWERS
from tests.cellular.wwanrig import DATABASE, Rig
from tests.lab.modems.qmux import WDS


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, {"apn": "internet"})


def test_a_restart_abroad_ends_a_session_that_may_cost_a_lot(rig: Rig) -> None:
    async def check() -> None:
        await rig.connect()
        await rig.crash()
        rig.change(registration="roaming")
        assert rig.modem.modem.calls
        with pytest.raises(ConnectError, match="abroad"):
            await rig.connect()
        assert not rig.modem.modem.calls

    rig.on(check())


def test_one_that_is_wanted_abroad_goes_on_there(rig: Rig) -> None:
    rig.context.settings = {**rig.context.settings, "roaming": True}
    rig.restart()
    rig.change(registration="roaming")

    async def check() -> None:
        before = await rig.connect()
        await rig.crash()
        rig.modem.questions.clear()
        assert await rig.connect() == before
        assert rig.modem.questions == ["nas-get-serving-system", "wds-get-current-settings"]

    rig.on(check())


def test_no_pin_meant_for_another_slot_is_entered_in_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = Rig(tmp_path, {"apn": "internet", "pin": "1234"})
    rig.modem.insert(pin="9999")
    text = (Path(__file__).parent / "qmicli/card.upin-two-slots.txt").read_text()
    monkeypatch.setitem(ANSWERS, "uim-get-card-status", lambda *_: text)
    assert "slot 2 asks for its PIN" in rig.on(rig.fails(Reason.PIN_REQUIRED))
    assert rig.modem.modem.sim.retries == 3


# -- two families ----------------------------------------------------------------------------------


def test_whatever_keeps_the_second_family_away_does_not_cost_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearer, "START_LIMIT", 0.05)
    rig = Rig(tmp_path, {"apn": "internet", "ip-type": "4v6"}, ipv6=True)
    silent_about(rig, monkeypatch, b"\x19\x01\x00\x06")  # IPv6

    async def check() -> None:
        found = await rig.connect()
        assert list(found.gateways) == [Family.IPV4]
        assert len(rig.modem.qmi.of(WDS)) == 1

    rig.on(check())


def test_a_first_family_that_fails_so_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearer, "START_LIMIT", 0.05)
    rig = Rig(tmp_path, {"apn": "internet", "ip-type": "4v6"}, ipv6=True)
    silent_about(rig, monkeypatch, b"internet")
    rig.on(rig.fails(Reason.TIMEOUT))


# -- apn = auto ------------------------------------------------------------------------------------


def auto(folder: Path, **modem: Any) -> Rig:
    made = Rig(folder, {"apn": "auto"}, **modem)
    (made.modem.usb.root / "providers.xml").write_text(DATABASE)
    return made


def apns(rig: Rig) -> list[str]:
    """The APNs that were asked for, in their order."""
    asked = [each for each in rig.modem.proxied if (each.service, each.number) == (WDS, 0x20)]
    return [each.tlvs.get(0x14, b"").decode() for each in asked]


def test_a_disk_that_is_full_costs_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = auto(tmp_path, apns=["first.lab"])

    def full(*_: object) -> None:
        raise SystemFault("the disk is full")

    monkeypatch.setattr(rig.context.store, "save", full)

    async def check() -> None:
        assert await rig.connect()
        assert rig.modem.modem.calls

    rig.on(check())


@pytest.mark.parametrize("refusal", [[6, 8], [6, 26], [2, 999]], ids=["barred", "no room", "odd"])
def test_no_cause_of_a_refusal_keeps_the_other_apns_from_being_tried(
    tmp_path: Path, refusal: list[int]
) -> None:
    rig = auto(tmp_path, apns=["second.lab"], user="u", password="p", refusal=refusal)
    assert rig.on(rig.connect())
    assert apns(rig) == ["first.lab", "second.lab"]


def test_what_no_apn_is_to_blame_for_is_told_as_it_is(tmp_path: Path) -> None:
    rig = auto(tmp_path, user="x", password="y", refusal=[6, 26])
    rig.change(apns=["third.lab"])
    said = rig.on(rig.fails(Reason.NO_ADDRESS))
    assert "the network has no room" in said
    assert "tried were first.lab, second.lab, the network's own choice" in said


def test_an_apn_that_the_network_is_silent_about_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearer, "START_LIMIT", 0.05)
    rig = auto(tmp_path, apns=["second.lab"], user="u", password="p")
    silent_about(rig, monkeypatch, b"first.lab")
    assert rig.on(rig.connect())


def test_a_try_goes_on_behind_the_apn_that_the_one_before_it_had_no_time_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = auto(tmp_path, apns=["second.lab"], user="u", password="p")
    silent_about(rig, monkeypatch, b"first.lab")

    async def check() -> None:
        first = asyncio.ensure_future(rig.connect())
        while not apns(rig):
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait({first})
        assert await rig.connect()
        assert apns(rig) == ["first.lab", "second.lab"]

    rig.on(check())


def silent_about(rig: Rig, monkeypatch: pytest.MonkeyPatch, what: bytes) -> None:
    """Have the modem never answer a start of a session that has this in it."""
    receive = rig.modem.qmi.receive

    def deaf(frame: bytes) -> None:
        if frame[9:11] != b"\x20\x00" or what not in frame:  # Start Network
            receive(frame)

    monkeypatch.setattr(rig.modem.qmi, "receive", deaf)

"""A session of the wwan driver's: taken over, followed, repaired, and set up by people."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from conman_core import ConnectError, Lost, Reason, Retry
from conman_core.errors import SystemFault
from tests.cellular.wwanrig import DATABASE, Rig
from tests.lab.modems.qmux import NAS, WDS


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, {"apn": "internet"})


def starts(rig: Rig) -> int:
    """How many sessions were asked for so far."""
    asked = [each for each in rig.modem.proxied if (each.service, each.number) == (WDS, 0x20)]
    return len(asked)


# -- restarts --------------------------------------------------------------------------------------


def test_a_restart_goes_on_with_the_session_and_hears_of_its_end(rig: Rig) -> None:
    async def check() -> None:
        before = await rig.connect()
        await rig.crash()
        rig.modem.questions.clear()
        assert await rig.connect() == before
        assert starts(rig) == 1
        assert rig.modem.questions == ["nas-get-serving-system", "wds-get-current-settings"]
        rig.modem.modem.end_calls((6, 36))
        assert isinstance(await rig.event(), Lost)
        await rig.driver.disconnect(rig.link)
        assert not rig.modem.qmi.clients

    rig.on(check())


def test_a_session_that_ended_meanwhile_is_cleaned_up_and_dialled_anew(rig: Rig) -> None:
    async def check() -> None:
        before = await rig.connect()
        await rig.crash()
        rig.modem.modem.end_calls()
        assert await rig.connect() != before
        assert len(rig.modem.qmi.of(WDS)) == 1

    rig.on(check())


def test_a_session_for_other_settings_is_not_what_is_wanted(rig: Rig, tmp_path: Path) -> None:
    async def check() -> None:
        await rig.connect()
        rig.context.settings = {**rig.context.settings, "ip-type": "4v6"}
        await rig.crash()
        await rig.connect()
        assert starts(rig) == 3  # IPv6 is refused
        assert len(rig.modem.qmi.of(WDS)) == 1

    rig.on(check())


def test_clients_of_a_modem_that_was_away_meanwhile_are_others_now(rig: Rig) -> None:
    async def check() -> None:
        await rig.connect()
        await rig.crash()
        rig.modem.modem.power_on()
        rig.modem.qmi.reset()
        stranger = rig.modem.qmi.allocate(WDS)
        rig.modem.usb.plug_in()
        await rig.connect()
        assert stranger in rig.modem.qmi.of(WDS)

    rig.on(check())


@pytest.mark.parametrize(
    "note",
    ["", "[]", '{"plugged": 5, "sessions": 3}', '{"plugged": 5, "sessions": [{"client": 999}]}'],
)
def test_a_note_that_is_rubbish_is_passed_over(rig: Rig, note: str) -> None:
    (rig.context.runtime / "cdc-wdm0.json").write_text(note)
    assert rig.on(rig.connect())


def test_a_note_that_cannot_be_written_costs_no_connection(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise SystemFault("the disk is full")

    async def check() -> None:
        with monkeypatch.context() as patch:
            patch.setattr("conman_core.store.write_atomic", full)
            assert await rig.connect()
            await rig.driver.disconnect(rig.link)
        assert not rig.modem.qmi.clients

    rig.on(check())


def test_a_start_that_was_killed_between_client_and_session_leaves_no_client(rig: Rig) -> None:
    async def check() -> None:
        client = rig.modem.qmi.allocate(WDS).number
        session = {"family": 4, "client": client, "handle": 0, "address": ""}
        note = {"plugged": 5, "key": "", "sessions": [session]}
        (rig.context.runtime / "cdc-wdm0.json").write_text(str(note).replace("'", '"'))
        await rig.connect()
        assert len(rig.modem.qmi.of(WDS)) == 1

    rig.on(check())


# -- the network ends it ---------------------------------------------------------------------------


def test_what_the_network_ends_is_dialled_at_once_without_questions_but_the_one(rig: Rig) -> None:
    async def check() -> None:
        await rig.connect()
        rig.modem.modem.end_calls((6, 38))
        assert isinstance(await rig.event(), Lost)
        await rig.driver.disconnect(rig.link)
        rig.modem.questions.clear()
        assert await rig.connect()
        assert rig.modem.questions == ["nas-get-serving-system", "wds-get-current-settings"]
        assert len(rig.modem.qmi.of(WDS)) == 1

    rig.on(check())


def test_not_abroad_though_and_not_much_later(rig: Rig) -> None:
    async def check() -> None:
        await rig.connect()
        rig.change(registration="roaming")
        rig.modem.modem.end_calls((6, 36))
        await rig.event()
        await rig.driver.disconnect(rig.link)
        with pytest.raises(ConnectError, match="abroad"):
            await rig.connect()
        assert starts(rig) == 1
        rig.change(registration="home")
        await rig.connect()
        rig.modem.modem.end_calls((6, 36))
        await rig.context.sleep(31)
        rig.modem.questions.clear()
        await rig.connect()
        assert "wda-get-data-format" in rig.modem.questions

    rig.on(check())


def test_what_fails_at_once_is_tried_from_the_start(rig: Rig) -> None:
    async def check() -> None:
        await rig.connect()
        rig.modem.modem.set_mode("low-power")
        assert isinstance(await rig.event(), Lost)
        await rig.driver.disconnect(rig.link)
        assert await rig.connect()
        assert len(rig.modem.qmi.of(WDS)) == 1

    rig.on(check())


def test_a_network_that_takes_the_modem_after_a_try_has_failed_is_told_once(rig: Rig) -> None:
    rig.change(registration="denied")

    async def check() -> None:
        with pytest.raises(ConnectError, match="refuses the SIM card"):
            await rig.connect()
        while not rig.modem.qmi.of(NAS) or not rig.modem.qmi.of(NAS)[0].events:
            await asyncio.sleep(0)
        rig.change(registration="searching")
        rig.change(registration="home")
        assert isinstance(await rig.event(), Retry)
        assert await rig.connect()
        assert not rig.modem.qmi.of(NAS)
        rig.change(technology="umts")  # no news any more
        assert rig.driver._watch._events.empty()

    rig.on(check())


# -- qmi-proxy -------------------------------------------------------------------------------------


def test_a_proxy_that_ends_costs_no_session_and_no_news(rig: Rig) -> None:
    async def check() -> None:
        await rig.connect()
        modem = rig.driver._modem(rig.link)
        assert modem.call
        line = modem.call.line
        rig.modem.break_lines()
        while modem.call.line is line or modem.turn.locked():
            await asyncio.sleep(0)
        assert starts(rig) == 1
        rig.modem.modem.end_calls((6, 38))
        assert "network failure" in (await rig.event()).sentence

    rig.on(check())


def test_a_session_that_ends_while_the_proxy_is_away_is_told(rig: Rig) -> None:
    async def check() -> None:
        await rig.connect()
        rig.modem.break_lines()
        rig.modem.modem.end_calls()
        assert "while the line to the modem was broken" in (await rig.event()).sentence

    rig.on(check())


def test_a_modem_that_is_pulled_out_is_told(rig: Rig) -> None:
    async def check() -> None:
        await rig.connect()
        rig.modem.usb.unplug()
        rig.modem.break_lines()
        assert "is gone" in (await rig.event()).sentence

    rig.on(check())


# -- apn = auto ------------------------------------------------------------------------------------


def auto(folder: Path, **modem: Any) -> Rig:
    made = Rig(folder, {"apn": "auto"}, **modem)
    (made.modem.usb.root / "providers.xml").write_text(DATABASE)
    return made


def apns(rig: Rig) -> list[str]:
    """The APNs that were asked for, in their order."""
    asked = [each for each in rig.modem.proxied if (each.service, each.number) == (WDS, 0x20)]
    return [each.tlvs.get(0x14, b"").decode() for each in asked]


def test_the_operator_s_apns_are_tried_in_their_order_and_what_works_comes_first_next_time(
    tmp_path: Path,
) -> None:
    rig = auto(tmp_path, apns=["second.lab"], user="u", password="p")

    async def check() -> None:
        await rig.connect()
        assert apns(rig) == ["first.lab", "second.lab"]
        await rig.driver.disconnect(rig.link)
        rig.restart()
        await rig.connect()
        assert apns(rig)[2:] == ["second.lab"]
        rig.change(apns=["first.lab"], user="", password="")
        await rig.driver.disconnect(rig.link)
        await rig.connect()
        assert apns(rig)[3:] == ["second.lab", "first.lab"]

    rig.on(check())


def test_the_last_one_is_the_network_s_own_choice(tmp_path: Path) -> None:
    rig = auto(tmp_path, apns=["else"])  # the modem takes that where it is told none
    rig.on(rig.connect())
    assert apns(rig) == ["first.lab", "second.lab", ""]


def test_if_none_works_all_are_named(tmp_path: Path) -> None:
    rig = auto(tmp_path, user="x", password="y")
    rig.change(apns=["third.lab"])
    said = rig.on(rig.fails(Reason.WRONG_APN))
    assert "the operator 202-01 refuses each APN that is known for it" in said
    assert "first.lab, second.lab, the network's own choice" in said


def test_without_the_list_of_operators_it_says_what_to_install(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"apn": "auto"})
    said = rig.on(rig.fails(Reason.NO_TOOL))
    assert "set apn, or: apt install mobile-broadband-provider-info" in said

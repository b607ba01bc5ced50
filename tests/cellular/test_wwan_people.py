"""What the wwan driver has for people: details, the form, settings, repairs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from conman_core import BadValue, ConnectError, Retry
from conman_core.contract import declared_by
from conman_core.objections import objections
from conman_core.options import defaults
from conman_plugins.cellular.wwan import WwanDriver
from tests.cellular.fakemodem import OLD
from tests.cellular.wwanrig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, {"apn": "internet"})


# -- for people ------------------------------------------------------------------------------------


def test_details_of_a_modem_that_works(rig: Rig) -> None:
    found = rig.on(rig.driver.details(rig.link))
    assert found == {
        "registration": "registered",
        "operator": "Lab Mobile",
        "technology": "lte",
        "roaming": "no",
        "signal": "-65 dBm",
        "IMEI": "860730100000001",
    }


@pytest.mark.parametrize("control", ["silent", "garbage"])
def test_details_of_one_that_does_not(rig: Rig, control: str) -> None:
    rig.change(control=control)
    assert rig.on(rig.driver.details(rig.link)) == {}


def test_what_a_person_enters_is_tried_and_kept_until_the_settings_are_edited(rig: Rig) -> None:
    rig.change(apns=["entered"])
    values = {"apn": "entered", "user": "", "password": "", "pin": ""}

    async def check() -> None:
        with pytest.raises(ConnectError):
            await rig.connect()
        await rig.driver.apply(values)
        assert isinstance(await rig.event(), Retry)
        assert not rig.modem.modem.calls
        rig.restart()
        assert await rig.connect()
        await rig.driver.disconnect(rig.link)
        rig.context.settings = {**rig.context.settings, "apn": "edited"}
        rig.restart()
        with pytest.raises(ConnectError, match="APN edited"):
            await rig.connect()

    rig.on(check())


def test_what_a_person_enters_wrongly_changes_nothing(rig: Rig) -> None:
    async def check() -> None:
        with pytest.raises(ConnectError, match="refuses APN wrong"):
            await rig.driver.apply({"apn": "wrong"})
        assert await rig.connect()

    rig.on(check())
    assert rig.context.store.load() == {}


def test_a_try_for_a_person_comes_before_one_that_waits_for_a_network(rig: Rig) -> None:
    rig.change(registration="searching", apns=["entered"])

    async def check() -> None:
        connecting = asyncio.ensure_future(rig.connect())
        while "nas-get-serving-system" not in rig.modem.questions:
            await asyncio.sleep(0)
        applying = asyncio.ensure_future(rig.driver.apply({"apn": "entered"}))
        await asyncio.sleep(0)
        rig.change(registration="home")
        await applying
        with pytest.raises(ConnectError, match="other settings are tried"):
            await connecting

    rig.on(check())


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"apn": "no apn"}, "apn"),
        ({"apn": "", "user": "me"}, "apn"),
        ({"apn": "a", "pin": "123"}, "pin"),
        ({"apn": "a", "pin": "12a4"}, "pin"),
        ({"apn": "a", "password": "x" * 128}, "password"),
        ({"apn": "a", "user": "a\nb"}, "user"),
    ],
)
def test_what_cannot_be_right_is_told_at_its_field(
    rig: Rig, values: dict[str, str], field: str
) -> None:
    with pytest.raises(BadValue) as caught:
        rig.driver.validate(values)
    assert caught.value.field == field
    assert "x" * 128 not in caught.value.sentence


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({"apn": 'a",user=x'}, "apn"),
        ({"pin": "12"}, "pin"),
        ({"user": "me"}, "user"),
        ({"apn": "a", "password": "\x07"}, "password"),
    ],
)
def test_settings_that_cannot_be_right_are_told_before_they_are_used(
    values: dict[str, str], key: str
) -> None:
    declared = declared_by(WwanDriver)
    (found,) = objections("wwan", declared, defaults(declared.options) | values)
    assert found[0] == key
    assert "\x07" not in found[1]


# -- repairs ---------------------------------------------------------------------------------------


def test_the_first_repair_dials_anew(rig: Rig) -> None:
    async def check() -> None:
        assert await rig.driver.recover(rig.link, 0)
        await rig.connect()
        assert await rig.driver.recover(rig.link, 0)
        assert "dialled anew" in (await rig.event()).sentence

    rig.on(check())


def test_then_airplane_mode_then_a_reset(rig: Rig) -> None:
    modes: list[str] = []
    rig.modem.modem.listeners.append(
        lambda what: modes.append(rig.modem.modem.mode) if what == "mode" else None
    )

    async def check() -> None:
        assert await rig.driver.recover(rig.link, 1)
        assert modes == ["low-power", "online"]
        rig.modem.modem.reboot = lambda: modes.append("reset")
        assert await rig.driver.recover(rig.link, 2)
        assert modes[2:] == ["offline", "reset"]

    rig.on(check())


@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_a_modem_that_does_not_answer_is_taken_anew_by_the_kernel(
    rig: Rig, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.change(control="silent")
    written: list[str] = []
    real = Path.write_text

    def write(path: Path, text: str, **more: Any) -> int:
        if path.name == "authorized":
            written.append(text)
        return real(path, text, **more)

    monkeypatch.setattr(Path, "write_text", write)

    async def check() -> None:
        with pytest.raises(ConnectError):
            await rig.connect()
        assert await rig.driver.recover(rig.link, step)

    rig.on(check())
    assert written == ["0", "1"]


def test_the_last_repair_is_its_port_s_power(rig: Rig) -> None:
    power = ["uhubctl", "--location", "1", "--ports", "1", "--action", "cycle"]
    rig.context.expect(power)
    rig.context.expect(power, returncode=1)
    rig.context.expect(power, missing=True)

    async def check() -> None:
        assert await rig.driver.recover(rig.link, 4) is True
        assert await rig.driver.recover(rig.link, 4) is False
        assert await rig.driver.recover(rig.link, 4) is False
        assert await rig.driver.recover(rig.link, 5) is False

    rig.on(check())
    rig.context.verify()


def test_an_old_modem_is_asked_what_it_does_not_know_only_once(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"apn": "internet"}, services=OLD)

    async def check() -> None:
        for _ in range(2):
            rig.modem.modem.set_mode("low-power")
            await rig.connect()
            await rig.driver.disconnect(rig.link)

    rig.on(check())
    assert rig.modem.questions.count("uim-get-card-status") == 1

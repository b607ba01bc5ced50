"""What the wwan driver says when it cannot connect, and that it leaves nothing behind then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conman_core import ConnectError, Reason
from conman_plugins.cellular import bearer, line
from conman_plugins.cellular.ports import Ports
from conman_plugins.cellular.wwan import WwanDriver
from tests.cellular.fakemodem import OLD
from tests.cellular.wwanrig import Rig

MakeRig = Callable[..., Rig]


@pytest.fixture
def rig(tmp_path: Path) -> MakeRig:
    def make(settings: dict[str, str] | None = None, **modem: Any) -> Rig:
        return Rig(tmp_path, {"apn": "internet"} | (settings or {}), **modem)

    return make


def test_no_card(rig: MakeRig) -> None:
    made = rig()
    made.modem.insert(present=False)
    assert "insert one" in made.on(made.fails(Reason.NO_SIM))
    old = rig(services=OLD)
    old.modem.insert(present=False)
    assert "insert one" in old.on(old.fails(Reason.NO_SIM))


def test_a_card_that_wants_its_pin(rig: MakeRig) -> None:
    made = rig()
    made.modem.insert(pin="1234")
    assert "3 tries left" in made.on(made.fails(Reason.PIN_REQUIRED))


@pytest.mark.parametrize("services", [None, OLD], ids=["UIM", "DMS"])
def test_the_pin_is_entered_once_and_not_on_a_command_line(rig: MakeRig, services: Any) -> None:
    made = rig({"pin": "47110815"}, **({"services": services} if services else {}))
    made.modem.insert(pin="47110815")
    assert made.on(made.connect())
    assert not any("47110815" in word for call in made.context.calls for word in call.argv)


def test_a_wrong_pin_costs_one_try_over_all_restarts(rig: MakeRig) -> None:
    made = rig({"pin": "9999"})
    made.modem.insert(pin="1234")
    assert "the SIM card refused the PIN" in made.on(made.fails(Reason.PIN_WRONG))
    for _ in range(3):
        made.restart()
        assert "2 tries left" in made.on(made.fails(Reason.PIN_WRONG))
    assert made.modem.modem.sim.retries == 2


def test_a_card_that_wants_its_puk(rig: MakeRig) -> None:
    made = rig({"pin": "1234"})
    made.modem.insert(pin="1234", retries=0)
    assert "PUK" in made.on(made.fails(Reason.PIN_WRONG))


def test_a_network_that_refuses_the_card_gives_its_cause_after_some_patience(rig: MakeRig) -> None:
    made = rig(registration="denied")
    before = made.context.clock.now
    assert "(plmn not allowed)" in made.on(made.fails(Reason.REJECTED))
    assert 5 <= made.context.clock.now - before < 12


def test_no_network_at_all(rig: MakeRig) -> None:
    made = rig(registration="searching")
    before = made.context.clock.now
    assert "searching for a network" in made.on(made.fails(Reason.NOT_REGISTERED))
    assert 50 <= made.context.clock.now - before < 60


def test_abroad_only_if_it_is_wanted(rig: MakeRig) -> None:
    made = rig(registration="roaming")
    assert "write roaming = yes in [conman:wwan]" in made.on(made.fails(Reason.MISCONFIGURED))
    made = rig({"roaming": "yes"}, registration="roaming")
    assert made.on(made.connect())


def test_a_network_that_takes_the_modem_late_is_heard_at_once(
    rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = rig(registration="searching")
    for_ever = asyncio.Event()
    monkeypatch.setattr(made.context, "sleep", lambda _: for_ever.wait())

    async def check() -> None:
        connecting = asyncio.ensure_future(made.connect())
        while made.modem.questions.count("nas-get-serving-system") < 3:
            await asyncio.sleep(0)
        assert made.driver._modem(made.link).progress == "searching for a network"
        made.change(registration="home")
        assert await connecting
        assert not [client for client in made.modem.qmi.clients.values() if client.service == 3]

    made.on(check())


@pytest.mark.parametrize(
    ("refusal", "reason", "words"),
    [
        ([6, 27], Reason.WRONG_APN, "refuses APN internet (unknown APN); set apn in [conman:wwan]"),
        ([6, 33], Reason.WRONG_APN, "service not subscribed"),
        ([6, 29], Reason.WRONG_KEY, "correct user and password in [conman:wwan]"),
        ([6, 8], Reason.REJECTED, "the operator bars this SIM card from data"),
        ([6, 26], Reason.NO_ADDRESS, "the network has no room"),
        ([2, 999], Reason.NO_ADDRESS, "cause 2.999"),
    ],
)
def test_why_there_is_no_session(
    rig: MakeRig, refusal: list[int], reason: Reason, words: str
) -> None:
    made = rig(apns=["other"], refusal=refusal)
    assert words in made.on(made.fails(reason))


def test_a_kernel_that_knows_frames_only_and_a_modem_that_knows_none(rig: MakeRig) -> None:
    made = rig()
    made.modem.usb.raw_ip.unlink()
    assert "its kernel driver knows Ethernet frames only" in made.on(made.fails(Reason.BROKEN))


def test_a_kernel_that_does_not_change_its_format_gets_its_interface_back(
    rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = rig()

    def refuse(*_: object) -> None:
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Ports, "set_raw_ip", refuse)
    assert "cannot agree how wwan0 carries packets" in made.on(made.fails(Reason.BROKEN))
    assert made.modem.usb.switched == [False, True]


def test_a_switch_of_the_device_keeps_the_radio_off(rig: MakeRig) -> None:
    made = rig()
    made.modem.modem.set_mode("low-power")
    made.modem.locked = True
    assert "switch or pin of the device" in made.on(made.fails(Reason.RF_KILLED))


def test_a_modem_that_is_offline_needs_a_reset(rig: MakeRig) -> None:
    made = rig()
    made.modem.modem.set_mode("offline")
    assert "only a reset" in made.on(made.fails(Reason.WEDGED))


@pytest.mark.parametrize(("control", "reason"), [("silent", "WEDGED"), ("garbage", "BROKEN")])
def test_a_modem_that_is_silent_or_mad(rig: MakeRig, control: str, reason: str) -> None:
    made = rig(control=control)
    made.on(made.fails(Reason[reason]))


def test_a_dial_that_nobody_answers(rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bearer, "START_LIMIT", 0.05)
    monkeypatch.setattr(bearer, "_STOP_LIMIT", 0.05)
    monkeypatch.setattr(line, "ANSWER", 0.05)
    made = rig()
    ask = made.modem.qmi.receive

    def deaf(frame: bytes) -> None:
        if frame[9:11] != b"\x20\x00":  # Start Network
            ask(frame)

    monkeypatch.setattr(made.modem.qmi, "receive", deaf)
    assert "does not answer within 0.05 s" in made.on(made.fails(Reason.TIMEOUT))


def test_a_modem_of_modemmanager_is_left_alone(
    rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = rig()

    def taken(_: object) -> None:
        raise ConnectError(Reason.BUSY, "ModemManager has it")

    machine = made.modem.machine
    object.__setattr__(machine, "must_be_free", taken)
    made.driver = WwanDriver(made.context, machine)

    async def check() -> None:
        await made.fails(Reason.BUSY)
        assert await made.driver.details(made.link) == {}
        for step in (1, 2, 3, 4):
            with pytest.raises(ConnectError, match="ModemManager has it"):
                await made.driver.recover(made.link, step)

    made.on(check())
    assert made.modem.questions == []

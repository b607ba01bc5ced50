"""What qmicli prints about a `FakeModem`, laid out as qmicli 1.32 does.

tests/cellular/qmicli/ has recordings of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from conman_core.testing.fakes import FakeFinished
from tests.lab.modems import qmux
from tests.lab.modems.qmux import DMS, WDA, WDS

if TYPE_CHECKING:
    from tests.cellular.fakemodem import FakeModem

DEV = "[/dev/cdc-wdm0]"
_PIN = {"pin": "enabled-not-verified", "puk": "blocked", "blocked": "permanently-blocked"}
_APP = {"pin": "pin1-or-upin-pin-required", "puk": "puk1-or-upin-puk-required"}
Answer = str | FakeFinished
ANSWERS: dict[str, Callable[[FakeModem, str, Sequence[str]], Answer]] = {}


def _says(
    question: str,
) -> Callable[[Callable[[FakeModem, str, Sequence[str]], Answer]], None]:
    def register(function: Callable[[FakeModem, str, Sequence[str]], Answer]) -> None:
        ANSWERS[question] = function

    return register


def declined(code: int, word: str) -> FakeFinished:
    return FakeFinished(1, "", f"error: couldn't do it: QMI protocol error ({code}): '{word}'\n")


@_says("dms-get-operating-mode")
def _mode(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
    locked = "yes" if it.locked else "no"
    return (
        f"{DEV} Operating mode retrieved:\n\tMode: '{it.modem.mode}'\n\tHW restricted: '{locked}'\n"
    )


@_says("dms-set-operating-mode")
def _set_mode(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
    number = {"online": 0, "low-power": 1, "offline": 3, "reset": 4}[value]
    answer = it.ask(DMS, 0x002E, {1: bytes([number])})
    if answer.u16(qmux.RESULT):
        return declined(answer.u16(qmux.RESULT, 2), "InvalidTransition")
    return f"{DEV} Operating mode set successfully\n"


@_says("dms-get-ids")
def _ids(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
    return f"{DEV} Device IDs retrieved:\n\t    ESN: '0'\n\t   IMEI: '{it.modem.imei}'\n"


@_says("dms-uim-get-iccid")
def _iccid(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
    if not it.modem.sim.present:
        return declined(37, "UimUninitialized")
    return f"{DEV} UIM ICCID retrieved:\n\tICCID: '{it.modem.sim.iccid}'\n"


@_says("uim-get-card-status")
def _card_status(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
    card = it.modem.sim
    if not card.present:
        return f"{DEV} Successfully got card status\nSlot [1]:\n\tCard state: 'absent'\n"
    pin = _PIN.get(card.state, "disabled" if card.pin is None else "enabled-verified")
    return (
        f"{DEV} Successfully got card status\nSlot [1]:\n\tCard state: 'present'\n"
        "\tUPIN state: 'not-initialized'\n\t\tUPIN retries: '3'\n\t\tUPUK retries: '10'\n"
        "\tApplication [1]:\n\t\tApplication type:  'usim (2)'\n"
        f"\t\tApplication state: '{_APP.get(card.state, 'ready')}'\n"
        f"\t\tUPIN replaces PIN1: 'no'\n\t\tPIN1 state: '{pin}'\n"
        f"\t\t\tPIN1 retries: '{card.retries}'\n\t\t\tPUK1 retries: '{card.puk_retries}'\n"
    )


@_says("dms-uim-get-pin-status")
def _pin_status(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
    card = it.modem.sim
    if not card.present:
        return declined(37, "UimUninitialized")
    pin = _PIN.get(card.state, "disabled" if card.pin is None else "enabled-verified")
    return (
        f"{DEV} PIN status retrieved successfully\n{DEV} PIN1:\n\tStatus: {pin}\n"
        f"\tVerify: {card.retries}\n\tUnblock: {card.puk_retries}\n"
    )


@_says("nas-get-serving-system")
def _serving(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
    states = {"home": "registered", "roaming": "registered", "denied": "registration-denied"}
    now = it.modem.registration
    state = states.get(now, "not-registered-searching" if now == "searching" else "not-registered")
    attached = "attached" if it.modem.registered else "detached"
    said = (
        f"{DEV} Successfully got serving system:\n\tRegistration state: '{state}'\n"
        f"\tCS: '{attached}'\n\tPS: '{attached}'\n\tSelected network: '3gpp'\n"
        f"\tRadio interfaces: '1'\n\t\t[0]: '{it.modem.settings.technology}'\n"
    )
    if not it.modem.registered:
        return said
    plmn = it.modem.network
    return said + (
        f"\tRoaming status: '{'on' if now == 'roaming' else 'off'}'\n\tCurrent PLMN:\n"
        f"\t\tMCC: '{plmn[:3]}'\n\t\tMNC: '{int(plmn[3:])}'\n"
        f"\t\tDescription: '{it.modem.settings.operator}'\n"
    )


@_says("nas-get-system-info")
def _system(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
    said = f"{DEV} Successfully got system info:\n\tLTE service:\n\t\tStatus: 'limited'\n"
    if it.modem.registration == "denied":
        said += "\t\tForbidden: 'yes'\n\t\tRegistration reject: 'ps' (plmn-not-allowed)\n"
    return said


@_says("nas-get-home-network")
def _home(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
    home = it.modem.settings.home
    return (
        f"{DEV} Successfully got home network:\n\tHome network:\n\t\tMCC: '{home[:3]}'\n"
        f"\t\tMNC: '{int(home[3:])}'\n\t\tDescription: '{it.modem.settings.operator}'\n"
    )


@_says("nas-get-signal-info")
def _signal(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
    if it.modem.registration == "none":
        return declined(74, "InformationUnavailable")
    return f"{DEV} Successfully got signal info\nLTE:\n\tRSSI: '{it.modem.settings.signal} dBm'\n"


@_says("wda-get-data-format")
def _format(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
    protocol = "raw-ip" if it.qmi.raw_ip else "802-3"
    return f"{DEV} Successfully got data format\n               Link layer protocol: '{protocol}'\n"


@_says("wda-set-data-format")
def _set_format(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
    it.ask(WDA, 0x0020, {0x11: (2 if "raw-ip" in value else 1).to_bytes(4, "little")})
    return f"{DEV} Successfully set data format\n"


@_says("wds-get-current-settings")
def _settings(it: FakeModem, value: str, more: Sequence[str]) -> Answer:
    number = int(re.findall(r"--client-cid=(\d+)", " ".join(more))[0])
    client = it.qmi.clients.get((WDS, number))
    call = it.modem.calls.get(client.family) if client else None
    if not call:
        return declined(15, "OutOfCall")
    said = f"{DEV} Current settings retrieved:\n           IP Family: IPv{call.family}\n"
    if call.family == 4:
        said += f"        IPv4 address: {call.address}\n    IPv4 subnet mask: 255.255.255.0\n"
        said += f"IPv4 gateway address: {call.gateway}\n    IPv4 primary DNS: 8.8.8.8\n"
    else:
        said += f"        IPv6 address: {call.address}/64\n"
        said += f"IPv6 gateway address: {call.gateway}/64\n"
    return said + f"                 MTU: {it.modem.settings.mtu}\n"

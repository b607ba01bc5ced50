"""QMI services DMS and UIM: the device itself, its operating mode, and its card."""

from __future__ import annotations

import struct
from collections.abc import Callable

from tests.lab.modems import qmux
from tests.lab.modems.qmi import Client, Qmi, handles
from tests.lab.modems.qmux import DMS, UIM, Message, QmiError, Tlvs, counted
from tests.lab.modems.sim import CardError, NothingToDo, NoTriesLeft, Sim, WrongCode

MODES = {0: "online", 1: "low-power", 3: "offline", 4: "reset", 5: "offline", 6: "low-power"}
NUMBERS = {"online": 0, "low-power": 1, "offline": 3}
#: PIN: (not verified, verified, disabled, blocked, blocked for ever); libqmi has the same numbers
NOT_VERIFIED, VERIFIED, DISABLED, BLOCKED, PERMANENTLY = 1, 2, 3, 4, 5
READY, PIN_REQUIRED, PUK_REQUIRED, PIN_BLOCKED = 7, 2, 3, 5  # of the application on the card
#: files of the card: their number, and how a text becomes its content
ICCID_FILE, IMSI_FILE = 0x2FE2, 0x6F07
USIM = bytes.fromhex("a0000000871002ff33ff018900000100")


def pin_state(sim: Sim) -> int:
    """The state of PIN1."""
    states = {"pin": NOT_VERIFIED, "puk": BLOCKED, "blocked": PERMANENTLY}
    return states.get(sim.state, DISABLED if sim.pin is None else VERIFIED)


def retries(sim: Sim) -> bytes:
    return bytes([sim.retries, sim.puk_retries])


def try_code(qmi: Qmi, tlv: int, action: Callable[[Sim], object], card: int = 0) -> Tlvs:
    """Let the card check a code; how many tries are left is told in any case. Raises QmiError."""
    if not qmi.modem.sim.present:
        raise QmiError(qmux.UIM_UNINITIALIZED)
    try:
        qmi.modem.card(action)
    except CardError as error:
        left = {tlv: retries(qmi.modem.sim)}
        if isinstance(error, NothingToDo):
            raise QmiError(qmux.NO_EFFECT, left) from error
        if isinstance(error, NoTriesLeft):
            raise QmiError(qmux.PIN_BLOCKED, left) from error
        if card and isinstance(error, WrongCode):
            left[card] = b"\x63" + bytes([0xC0 | qmi.modem.sim.retries])  # status word of the card
        raise QmiError(qmux.INCORRECT_PIN, left) from error
    return {tlv: retries(qmi.modem.sim)}


# -- DMS -------------------------------------------------------------------------------------------


@handles(DMS, 0x0001)
def dms_events(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    client.events |= set(request.tlvs)
    return {}


@handles(DMS, 0x0020)
def capabilities(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    """Rates, packet service, a card, and GSM, UMTS and LTE."""
    rates = struct.pack("<II", 50_000_000, 150_000_000)
    return {0x01: rates + bytes([2, 2]) + counted(bytes([4, 5, 8]))}


def text(number: int, say: Callable[[Qmi], str]) -> None:
    """A message whose answer is one text; empty when there is no card to read it from."""

    @handles(DMS, number)
    def answer(qmi: Qmi, client: Client, request: Message) -> Tlvs:
        said = say(qmi)
        if not said:
            raise QmiError(qmux.UIM_UNINITIALIZED)
        return {0x01: said.encode()}


text(0x0021, lambda qmi: qmi.model[0])
text(0x0022, lambda qmi: qmi.model[1])
text(0x0023, lambda qmi: qmi.model[2])
text(0x003C, lambda qmi: qmi.modem.sim.iccid if qmi.modem.sim.present else "")
text(0x0043, lambda qmi: qmi.modem.sim.imsi if qmi.modem.sim.state == "ready" else "")


@handles(DMS, 0x0024)
def own_number(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    raise QmiError(qmux.NOT_PROVISIONED)


@handles(DMS, 0x0025)
def ids(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    return {0x10: b"0", 0x11: qmi.modem.imei.encode(), 0x12: b"", 0x13: b"1"}


@handles(DMS, 0x0026)
def power_state(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    return {0x01: bytes([1, 100])}


@handles(DMS, 0x0027)
def dms_protect(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    wanted, pin = bool(request.u8(0x01, 1)), request.counted(0x01, 2).decode(errors="replace")
    current = qmi.modem.sim.pin
    return try_code(qmi, 0x10, lambda sim: sim.protect(pin, wanted=wanted, current=current))


@handles(DMS, 0x0028)
def dms_verify(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    pin = request.counted(0x01, 1).decode(errors="replace")
    return try_code(qmi, 0x10, lambda sim: sim.verify(pin))


@handles(DMS, 0x0029)
def dms_unblock(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    puk = request.counted(0x01, 1)
    pin = request.counted(0x01, 2 + len(puk)).decode(errors="replace")
    return try_code(qmi, 0x10, lambda sim: sim.unblock(puk.decode(errors="replace"), pin))


@handles(DMS, 0x002B)
def dms_pin_status(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    sim = qmi.modem.sim
    if not sim.present:
        raise QmiError(qmux.UIM_UNINITIALIZED)
    return {0x11: bytes([pin_state(sim)]) + retries(sim), 0x12: bytes([NOT_VERIFIED, 3, 10])}


@handles(DMS, 0x002D)
def operating_mode(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    return {0x01: bytes([NUMBERS[qmi.modem.mode]]), 0x11: b"\0"}


@handles(DMS, 0x002E)
def set_operating_mode(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    mode = MODES.get(request.u8(0x01))
    if not mode:
        raise QmiError(qmux.INVALID_ARGUMENT)
    if qmi.modem.mode == "offline" and mode != "reset":
        raise QmiError(qmux.INVALID_TRANSITION)  # from there only a reset leads back
    qmi.modem.loop.later(0, lambda: qmi.modem.set_mode(mode))  # after the answer
    return {}


@handles(DMS, 0x0040)
def personalisation(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    """Whether it takes only some operator's cards: it does not."""
    return {0x01: bytes([0, 0, 0])}


@handles(DMS, 0x0044)
def card_state(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    states = {"ready": 0, "absent": 2}
    return {0x01: bytes([states.get(qmi.modem.sim.state, 1)])}


# -- UIM -------------------------------------------------------------------------------------------


def card_status(sim: Sim) -> bytes:
    """The slot, and the one application on its card."""
    if not sim.present:
        return struct.pack("<HHHHB", *[0xFFFF] * 4, 1) + bytes([0, 0, 0, 0, 3, 0])
    state = {"pin": PIN_REQUIRED, "puk": PUK_REQUIRED, "blocked": PIN_BLOCKED}
    app = bytes([2, state.get(sim.state, READY), 2, 11, 0, 0]) + counted(USIM)
    app += bytes([0, pin_state(sim)]) + retries(sim) + bytes([NOT_VERIFIED, 3, 10])
    return struct.pack("<HHHHB", 0, *[0xFFFF] * 3, 1) + bytes([1, 0, 3, 10, 0, 1]) + app


@handles(UIM, 0x002F)
def get_card_status(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    return {0x10: card_status(qmi.modem.sim)}


@handles(UIM, 0x002E)
def uim_events(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    client.events |= {request.u32(0x01)}
    return {0x10: request.tlvs[0x01]}


def codes(request: Message, count: int) -> list[str]:
    """The texts of a UIM message, each behind its length; what is before them has one byte."""
    found: list[str] = []
    at = 1
    for _ in range(count):
        code = request.counted(0x02, at)
        found.append(code.decode(errors="replace"))
        at += 1 + len(code)
    return found


@handles(UIM, 0x0025)
def uim_protect(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    wanted, pin = bool(request.u8(0x02, 1)), request.counted(0x02, 2).decode(errors="replace")
    current = qmi.modem.sim.pin
    return try_code(qmi, 0x10, lambda sim: sim.protect(pin, wanted=wanted, current=current))


@handles(UIM, 0x0026)
def uim_verify(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    (pin,) = codes(request, 1)
    return try_code(qmi, 0x10, lambda sim: sim.verify(pin), card=0x13)


@handles(UIM, 0x0027)
def uim_unblock(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    puk, pin = codes(request, 2)
    return try_code(qmi, 0x10, lambda sim: sim.unblock(puk, pin), card=0x13)


def swapped(digits: str, *, first: str = "") -> bytes:
    """Digits as a card keeps them: two in a byte, the second one first (3GPP 31.102)."""
    padded = first + digits + "f" * (len(first + digits) % 2)
    pairs = zip(padded[::2], padded[1::2], strict=True)
    return bytes(int(high + low, 16) for low, high in pairs)


@handles(UIM, 0x0020)
def read_transparent(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    """A file of the card: the ICCID without a PIN, the IMSI with it."""
    sim = qmi.modem.sim
    number = request.u16(0x02)
    if not sim.present:
        raise QmiError(qmux.UIM_UNINITIALIZED)
    if number == ICCID_FILE:
        content = swapped(sim.iccid)
    elif number == IMSI_FILE and sim.state == "ready":
        content = counted(swapped(sim.imsi, first="9"))
    else:
        raise QmiError(qmux.SIM_FILE_NOT_FOUND, {0x10: bytes([0x6A, 0x82])})
    return {0x10: bytes([0x90, 0]), 0x11: struct.pack("<H", len(content)) + content}

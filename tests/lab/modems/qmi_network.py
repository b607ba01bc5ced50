"""QMI service NAS: the networks around, and whether one of them takes the modem."""

from __future__ import annotations

import struct

from tests.lab.modems import qmux
from tests.lab.modems.qmi import Client, Qmi, handles
from tests.lab.modems.qmux import NAS, Message, QmiError, Tlvs, counted, plmn
from tests.lab.modems.state import Modem

RADIOS = {"gsm": 4, "umts": 5, "lte": 8}
CAPABILITIES = {"gsm": 2, "umts": 12, "lte": 11}  # EDGE, HSDPA+, LTE
#: TLVs of Get System Info: of the service's status, and of what is known of the network
SERVICES = {"gsm": (0x12, 0x17), "umts": (0x13, 0x18), "lte": (0x14, 0x19)}
NOT_REGISTERED, REGISTERED, SEARCHING, DENIED = 0, 1, 2, 3
STATES = {"home": REGISTERED, "roaming": REGISTERED, "denied": DENIED, "searching": SEARCHING}
NO_SERVICE, LIMITED, AVAILABLE = 0, 1, 2
PACKETS, BOTH = 2, 3  # domains: packets; packets and calls
#: what Register Indications can ask for
SERVING_SYSTEM, SYSTEM_INFO, SIGNAL, REJECT = 0x13, 0x18, 0x19, 0x21
REJECT_REASON = 0x12  # of Set Event Report
CELL, AREA = 0x01A2B301, 0x2A17


def serving_system(modem: Modem, *, indication: bool = False) -> Tlvs:
    """Get Serving System, or its indication: some TLVs have other numbers there."""
    settings, registration = modem.settings, modem.registration
    state = STATES.get(registration, NOT_REGISTERED)
    attached = 1 if state == REGISTERED else 2
    radio = RADIOS[settings.technology] if state in (REGISTERED, DENIED) else 0
    tlvs = {0x01: bytes([state, attached, attached, 2, 1, radio])}
    if state != REGISTERED:
        return tlvs
    tlvs[0x10] = bytes([0 if registration == "roaming" else 1])
    tlvs[0x11] = counted(bytes([CAPABILITIES[settings.technology]]))
    tlvs[0x12] = plmn(modem.network) + counted(settings.operator.encode())
    shift = 1 if indication else 0
    tlvs[0x1C + shift] = struct.pack("<H", 0xFFFE)
    tlvs[0x1D + shift] = struct.pack("<I", CELL)
    tlvs[0x21 + shift] = bytes([AVAILABLE, BOTH, NO_SERVICE, 0, 0])
    tlvs[0x24 + shift] = struct.pack("<H", AREA)
    three = len(modem.network) == 6
    tlvs[0x29 if indication else 0x27] = plmn(modem.network) + bytes([three])
    return tlvs


def system_info(modem: Modem) -> Tlvs:
    """Get System Info, also as an indication."""
    settings, registration = modem.settings, modem.registration
    tlvs = {status: bytes([NO_SERVICE, NO_SERVICE, 0]) for status, _ in SERVICES.values()}
    if registration not in ("home", "roaming", "denied"):
        return tlvs
    denied = registration == "denied"
    status, info = SERVICES[settings.technology]
    service = LIMITED if denied else AVAILABLE
    tlvs[status] = bytes([service, service, 0 if denied else 1])
    cause = bytes([1, PACKETS, settings.reject_cause]) if denied else bytes([0, 0, 0])
    tlvs[info] = (
        bytes([1, BOTH, 1, BOTH, 1, registration == "roaming", 1, denied])
        + struct.pack("<BHBI", 1, 0xFFFE, 1, CELL)
        + cause
        + struct.pack("<B3s3s", 1, modem.network[:3].encode(), _mnc(modem.network))
    )
    tails = {"gsm": b"\0\0\0\0", "umts": b"\0\0\0\0\0\0\0", "lte": struct.pack("<BH", 1, AREA)}
    tlvs[info] += tails[settings.technology]
    return tlvs


def _mnc(code: str) -> bytes:
    """Three bytes; two digits are followed by 0xff."""
    return code[3:].encode().ljust(3, b"\xff")


@handles(NAS, 0x0024)
def get_serving_system(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    return serving_system(qmi.modem)


@handles(NAS, 0x004D)
def get_system_info(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    return system_info(qmi.modem)


@handles(NAS, 0x0025)
def home_network(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    """It is read from the card."""
    if qmi.modem.sim.state != "ready":
        raise QmiError(qmux.INFORMATION_UNAVAILABLE)
    home = qmi.modem.settings.home
    name = counted(qmi.modem.settings.operator.encode())
    return {0x01: plmn(home) + name, 0x12: bytes([1, len(home) == 6])}


@handles(NAS, 0x0002)
def set_event_report(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    _choose(client, {key: value[0] for key, value in request.tlvs.items() if value})
    return {}


@handles(NAS, 0x0003)
def register_indications(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    # the same number means something else in Set Event Report
    _choose(client, {0x100 | key: value[0] for key, value in request.tlvs.items() if value})
    return {}


def _choose(client: Client, wanted: dict[int, int]) -> None:
    for key, on in wanted.items():
        client.events = client.events | {key} if on else client.events - {key}


# -- signal ----------------------------------------------------------------------------------------


def signal_info(modem: Modem) -> Tlvs:
    """Get Signal Info; nothing while there is no network."""
    rssi = modem.settings.signal
    if modem.registration == "none":
        return {}
    if modem.settings.technology == "gsm":
        return {0x12: struct.pack("<b", rssi)}
    if modem.settings.technology == "umts":
        return {0x13: struct.pack("<bh", rssi, -12)}
    return {0x14: struct.pack("<bbhh", rssi, -10, rssi - 30, 150)}


@handles(NAS, 0x004F)
def get_signal_info(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    tlvs = signal_info(qmi.modem)
    if not tlvs:
        raise QmiError(qmux.INFORMATION_UNAVAILABLE)
    return tlvs


@handles(NAS, 0x0020)
def signal_strength(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    if not signal_info(qmi.modem):
        raise QmiError(qmux.INFORMATION_UNAVAILABLE)
    settings = qmi.modem.settings
    radio = RADIOS[settings.technology]
    tlvs = {
        0x01: struct.pack("<bb", settings.signal, radio),
        0x11: struct.pack("<HBb", 1, -settings.signal, radio),
    }
    if radio == RADIOS["lte"]:
        tlvs[0x16] = struct.pack("<bb", -10, radio)
        tlvs[0x17] = struct.pack("<h", 150)
        tlvs[0x18] = struct.pack("<h", settings.signal - 30)
    return tlvs


@handles(NAS, 0x0031)
def band(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    """The band in use: EUTRAN 3, WCDMA 2100 or GSM 900."""
    if not qmi.modem.registered:
        raise QmiError(qmux.INFORMATION_UNAVAILABLE)
    radio = RADIOS[qmi.modem.settings.technology]
    number, channel = {4: (47, 42), 5: (80, 10687), 8: (122, 1300)}[radio]
    return {0x01: bytes([1]) + struct.pack("<bHH", radio, number, channel)}


# -- wishes of the host ----------------------------------------------------------------------------


@handles(NAS, 0x0021)
def network_scan(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    """Two networks; real modems take a minute or more for it."""
    settings = qmi.modem.settings
    home = plmn(settings.home) + bytes([0x26]) + counted(settings.operator.encode())
    other = plmn(settings.abroad) + bytes([0x1A]) + counted(b"Elsewhere")
    radio = RADIOS[settings.technology]
    radios = b"".join(
        plmn(code) + struct.pack("<b", radio) for code in (settings.home, settings.abroad)
    )
    return {0x10: struct.pack("<H", 2) + home + other, 0x11: struct.pack("<H", 2) + radios}


@handles(NAS, 0x0034)
def get_selection(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    """Everything by itself: GSM, UMTS and LTE, the operator, roaming."""
    return {
        0x10: b"\0",
        0x11: struct.pack("<H", 0x1C),
        0x12: struct.pack("<Q", 0x0480_0000_0040_0380),
        0x14: struct.pack("<H", 0xFF),
        0x15: struct.pack("<Q", 0x0000_0000_0008_0045),
        0x16: b"\0",
        0x18: struct.pack("<I", 2),
        0x19: struct.pack("<I", 0),
    }


@handles(NAS, 0x002B)
def technology_preference(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    return {0x01: struct.pack("<HB", 0, 0)}


def accept(number: int) -> None:
    """A message that is answered and has no effect here."""

    @handles(NAS, number)
    def answer(qmi: Qmi, client: Client, request: Message) -> Tlvs:
        return {}


for _number in (0x0000, 0x0022, 0x0023, 0x002A, 0x0033, 0x0050, 0x0067, 0x006C):
    accept(_number)


def tell(qmi: Qmi) -> None:
    """Tell who wants to know what has become of the registration."""
    modem = qmi.modem
    for client in qmi.of(NAS):
        if 0x100 | SERVING_SYSTEM in client.events:
            qmi.indicate(client, 0x0024, serving_system(modem, indication=True))
        if 0x100 | SYSTEM_INFO in client.events:
            qmi.indicate(client, 0x004E, system_info(modem))
        if 0x100 | SIGNAL in client.events and signal_info(modem):
            qmi.indicate(client, 0x0051, signal_info(modem))
        if modem.registration != "denied":
            continue
        cause = modem.settings.reject_cause
        if REJECT_REASON in client.events:
            qmi.indicate(client, 0x0002, {0x12: struct.pack("<BH", PACKETS, cause)})
        if 0x100 | REJECT in client.events:
            radio = RADIOS[modem.settings.technology]
            tlvs = {1: bytes([radio]), 2: bytes([PACKETS]), 3: bytes([cause])}
            qmi.indicate(client, 0x0068, tlvs)

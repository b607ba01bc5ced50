"""QMI services WDS and WDA: sessions, their addresses, and how their data is framed."""

from __future__ import annotations

import struct
from ipaddress import IPv4Network

from tests.lab.modems import qmi_device, qmi_network, qmux
from tests.lab.modems.qmi import Client, Qmi, handles
from tests.lab.modems.qmux import NAS, UIM, WDA, WDS, Message, QmiError, Tlvs, ipv4, ipv6
from tests.lab.modems.state import CLIENT_END, REGULAR_DEACTIVATION, Call, Refused

DISCONNECTED, CONNECTED = 1, 2
LEFT = 0xFFFF_FFFF  # the handle that stands for whatever session there is
DNS = {4: ("8.8.8.8", "9.9.9.9"), 6: ("2001:db8:ff::8", "2001:db8:ff::9")}
MASK = IPv4Network("0.0.0.0/24").netmask
#: the old call end reasons beside the verbose ones (libqmi, qmi-enums-wds.h)
OLD_REASONS = {(6, 27): 1013, (6, 29): 10, (6, 36): 1008, (3, 2001): 3, CLIENT_END: 2}
RAW_IP, ETHERNET = 2, 1
BEARERS = {"gsm": 6, "umts": 13, "lte": 10}
DNS_WANTED, ADDRESS_WANTED, GATEWAY_WANTED, MTU_WANTED = 1 << 4, 1 << 8, 1 << 9, 1 << 13


def reason_tlvs(reason: tuple[int, int]) -> Tlvs:
    return {
        0x10: struct.pack("<H", OLD_REASONS.get(reason, 1)),
        0x11: struct.pack("<Hh", *reason),
    }


def _session(qmi: Qmi, client: Client) -> Call | None:
    return qmi.modem.calls.get(client.family)


@handles(WDS, 0x0020)
def start_network(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    """Start a session, or share the one there is with whoever started it."""
    if 0x19 in request.tlvs:
        client.family = request.u8(0x19)
    if client.handle:
        raise QmiError(qmux.NO_EFFECT)
    call = _session(qmi, client)
    if not call:
        apn = request.text(0x14) or (qmi.modem.settings.apns or [""])[0]  # else of the profile
        try:
            call = qmi.modem.dial(apn, client.family, request.text(0x17), request.text(0x18))
        except Refused as refused:
            raise QmiError(qmux.CALL_FAILED, reason_tlvs(refused.reason)) from refused
    client.handle = qmi.next_handle()
    return {0x01: struct.pack("<I", client.handle)}


@handles(WDS, 0x0021)
def stop_network(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    handle = request.u32(0x01)
    if handle == LEFT and _session(qmi, client):
        for other in qmi.of(WDS):
            if other.family == client.family:
                other.handle = 0
        qmi.modem.hang_up(client.family)
        return {}
    if not client.handle or handle != client.handle:
        raise QmiError(qmux.INVALID_HANDLE if _session(qmi, client) else qmux.NO_EFFECT)
    leave(qmi, client)
    return {}


def leave(qmi: Qmi, client: Client) -> None:
    """End the part of a client in a session; without anybody's part the session ends."""
    if not client.handle:
        return
    client.handle = 0
    if not any(other.handle for other in qmi.of(WDS) if other.family == client.family):
        qmi.modem.hang_up(client.family)


@handles(WDS, 0x0022)
def packet_service_status(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    return {0x01: bytes([CONNECTED if _session(qmi, client) else DISCONNECTED])}


@handles(WDS, 0x0023)
def channel_rates(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    if not _session(qmi, client):
        raise QmiError(qmux.OUT_OF_CALL)
    return {0x01: struct.pack("<IIII", *[50_000_000, 150_000_000] * 2)}


@handles(WDS, 0x0024)
def packet_statistics(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    """Counts of the session; the numbers of TLVs are not those of the mask's bits."""
    call = _session(qmi, client)
    if not call:
        raise QmiError(qmux.OUT_OF_CALL)
    tx, rx = call.counts["tx"], call.counts["rx"]
    mask = request.u32(0x01)
    numbers = {
        0: (0x10, "<I", tx[0]),
        1: (0x11, "<I", rx[0]),
        **{bit: (0x10 + bit, "<I", 0) for bit in (2, 3, 4, 5)},
        6: (0x19, "<Q", tx[1]),
        7: (0x1A, "<Q", rx[1]),
        8: (0x1D, "<I", 0),
        9: (0x1E, "<I", 0),
    }
    return {
        key: struct.pack(layout, value)
        for bit, (key, layout, value) in numbers.items()
        if mask >> bit & 1
    }


@handles(WDS, 0x002D)
def current_settings(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    call = _session(qmi, client)
    if not call:
        raise QmiError(qmux.OUT_OF_CALL)
    mask = request.u32(0x10) if 0x10 in request.tlvs else 0xFFFF_FFFF
    first, second = DNS[call.family]
    four = call.family == 4
    tlvs = {0x11: bytes([0 if four else 2]), 0x14: call.apn.encode(), 0x2B: bytes([call.family])}
    if mask & DNS_WANTED:
        names = {0x15: ipv4(first), 0x16: ipv4(second)} if four else {}
        tlvs |= names or {0x27: ipv6(first), 0x28: ipv6(second)}
    if mask & ADDRESS_WANTED:
        tlvs |= {0x1E: ipv4(call.address)} if four else {0x25: ipv6(call.address) + bytes([64])}
    if mask & GATEWAY_WANTED:
        if four:
            tlvs |= {0x20: ipv4(call.gateway), 0x21: ipv4(str(MASK))}
        else:
            tlvs |= {0x26: ipv6(call.gateway) + bytes([64])}
    if mask & MTU_WANTED:
        tlvs[0x29] = struct.pack("<I", qmi.modem.settings.mtu)
    return tlvs


@handles(WDS, 0x0037)
def bearer_technology(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    if not _session(qmi, client):
        raise QmiError(qmux.OUT_OF_CALL)
    return {0x01: bytes([BEARERS[qmi.modem.settings.technology]])}


@handles(WDS, 0x002A)
def profile_list(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    return {0x01: bytes([1, 0, 1, 0])}


@handles(WDS, 0x002B)
def profile_settings(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    apn = (qmi.modem.settings.apns or [""])[0]
    return {0x10: b"", 0x11: b"\0", 0x14: apn.encode(), 0x1B: b"", 0x1D: b"\0"}


@handles(WDS, 0x0049)
def default_profile(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    return {0x01: b"\1"}


@handles(WDS, 0x004D)
def set_ip_family(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    client.family = {4: 4, 6: 6}.get(request.u8(0x01), 4)
    return {}


@handles(WDS, 0x0034)
def autoconnect(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    return {0x01: b"\0"}


def accept(number: int) -> None:
    """A message that is answered and has no effect here."""

    @handles(WDS, number)
    def answer(qmi: Qmi, client: Client, request: Message) -> Tlvs:
        return {}


for _number in (0x0000, 0x0001, 0x0003, 0x0028, 0x0051, 0x0089, 0x00A2):
    accept(_number)


@handles(WDA, 0x0020)
def set_data_format(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    """A modem that only knows raw-ip says so, whatever is asked."""
    if 0x11 in request.tlvs:
        qmi.raw_ip = qmi.raw_ip_only or request.u32(0x11) == RAW_IP
    return get_data_format(qmi, client, request)


@handles(WDA, 0x0021)
def get_data_format(qmi: Qmi, client: Client, request: Message) -> Tlvs:
    none = struct.pack("<I", 0)
    protocol = struct.pack("<I", RAW_IP if qmi.raw_ip else ETHERNET)
    return {0x10: b"\0", 0x11: protocol, 0x12: none, 0x13: none, 0x15: none, 0x16: none}


def connect(qmi: Qmi) -> None:
    """Let the clients hear of what happens to the modem."""
    known: dict[int, Call] = {}

    def call_changed() -> None:
        calls = qmi.modem.calls
        for family in (4, 6):
            if known.get(family) is calls.get(family):
                continue
            tlvs: Tlvs = {0x12: bytes([family])}
            if family in calls:
                known[family] = calls[family]
                tlvs[0x01] = bytes([CONNECTED, 0])
            else:
                del known[family]
                tlvs[0x01] = bytes([DISCONNECTED, 0])
                tlvs |= reason_tlvs(qmi.modem.last_reason or REGULAR_DEACTIVATION)
            for client in qmi.of(WDS):
                if client.family == family:
                    client.handle = client.handle if family in calls else 0
                    qmi.indicate(client, 0x0022, tlvs)

    def changed(what: str) -> None:
        if what == "call":
            call_changed()
        elif what == "sim":
            for client in qmi.of(UIM):
                if client.events:
                    status = qmi_device.card_status(qmi.modem.sim)
                    qmi.indicate(client, 0x0032, {0x10: status})
        elif what == "registration" and qmi.of(NAS):
            qmi_network.tell(qmi)

    qmi.modem.listeners.append(changed)
    qmi.released.append(lambda client: leave(qmi, client))

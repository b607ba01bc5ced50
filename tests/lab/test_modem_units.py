"""The lab's modems without a kernel: the bus, the packets, the disc, the pages."""

from __future__ import annotations

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab.modems import cdrom, descriptors, hotplug, packets, rndis, usbip, webapi
from tests.lab.modems.loop import Loop
from tests.lab.modems.models import MODELS
from tests.lab.modems.packets import Lease
from tests.lab.modems.state import Modem
from tests.lab.modems.unitkit import card, modem

__all__ = ["card", "modem"]


# -- USB/IP -----------------------------------------------------------------------------------


class Wire:
    """A device and what it has written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.got: list[tuple[int, bytes]] = []
        self.configured: list[int] = []
        handlers = usbip.Handlers(
            lambda kind, index: b"descriptor" if kind == 1 else None,
            lambda setup, data: b"class" if setup.request == 1 else None,
            lambda endpoint, data: self.got.append((endpoint, data)),
            self.configured.append,
        )
        self.device = usbip.Device(handlers, self.written.append)

    def submit(self, seqnum: int, endpoint: int, data: bytes | int, setup: bytes = b"") -> bytes:
        into = isinstance(data, int)
        length = data if isinstance(data, int) else len(data)
        head = usbip.HEAD.pack(usbip.CMD_SUBMIT, seqnum, 65537, into, endpoint)
        head += usbip.SUBMIT.pack(0, length, 0, 0, 0, setup.ljust(8, b"\0"))
        return head if isinstance(data, int) else head + data

    def last(self) -> tuple[int, int, int, bytes]:
        """Command, sequence number, status and data of what was written last."""
        said = self.written[-1]
        command, seqnum, *_ = usbip.HEAD.unpack_from(said)
        return command, seqnum, struct.unpack_from(">i", said, 20)[0], said[48:]


def test_data_for_the_host_waits_until_it_is_asked_for_and_the_other_way_round() -> None:
    wire = Wire()
    wire.device.send(0x81, b"early")
    assert wire.written == []
    wire.device.receive(wire.submit(1, 1, 512))
    assert wire.last() == (usbip.RET_SUBMIT, 1, 0, b"early")
    wire.device.receive(wire.submit(2, 1, 512))
    wire.device.send(0x81, b"late")
    assert wire.last() == (usbip.RET_SUBMIT, 2, 0, b"late")


def test_a_message_longer_than_asked_for_comes_in_pieces() -> None:
    wire = Wire()
    wire.device.send(0x81, b"abcdef")
    wire.device.receive(wire.submit(1, 1, 4) + wire.submit(2, 1, 4))
    assert [said[48:] for said in wire.written] == [b"abcd", b"ef"]


def test_a_request_that_is_taken_back_gets_no_data_any_more() -> None:
    wire = Wire()
    unlink = struct.pack(">IIIIII24x", usbip.CMD_UNLINK, 2, 65537, 0, 0, 1)
    wire.device.receive(wire.submit(1, 1, 512) + unlink)
    assert wire.last() == (usbip.RET_UNLINK, 2, -errno.ECONNRESET, b"")
    wire.device.send(0x81, b"data")
    assert len(wire.written) == 1
    wire.device.receive(unlink)
    assert wire.last()[2] == 0  # it was answered before


def test_a_torn_message_is_read_when_the_rest_is_there() -> None:
    wire = Wire()
    message = wire.submit(1, 3, b"0123456789")
    for at in range(0, len(message), 7):
        wire.device.receive(message[at : at + 7])
    assert wire.got == [(3, b"0123456789")]
    assert wire.last() == (usbip.RET_SUBMIT, 1, 0, b"")


def test_what_a_device_does_not_understand_is_a_stall() -> None:
    wire = Wire()
    for setup, status in (
        (usbip.SETUP.pack(0x80, usbip.GET_DESCRIPTOR, 0x0100, 0, 4), 0),
        (usbip.SETUP.pack(0x80, usbip.GET_DESCRIPTOR, 0x0600, 0, 10), -errno.EPIPE),
        (usbip.SETUP.pack(0xA1, 1, 0, 0, 64), 0),
        (usbip.SETUP.pack(0xA1, 2, 0, 0, 64), -errno.EPIPE),
    ):
        wire.device.receive(wire.submit(1, 0, 64, setup))
        assert wire.last()[2] == status
    assert wire.written[0][48:] == b"desc"  # no more than asked for


def test_firmware_that_hangs_answers_no_class_request_but_stays_on_the_bus() -> None:
    wire = Wire()
    wire.device.silent = True
    wire.device.receive(wire.submit(1, 0, 64, usbip.SETUP.pack(0xA1, 1, 0, 0, 64)))
    assert wire.written == []
    configure = usbip.SETUP.pack(0, usbip.SET_CONFIGURATION, 1, 0, 0)
    wire.device.receive(wire.submit(2, 0, b"", configure))
    assert wire.configured == [1]


def test_the_lengths_in_a_configuration_are_right() -> None:
    """Every descriptor says how long it is; together they are what the head says."""
    ends = (descriptors.Endpoint(0x81, descriptors.INTERRUPT), descriptors.Endpoint(0x82))
    extra = descriptors.cdc_header() + descriptors.cdc_union(0, 1) + descriptors.cdc_acm(1)
    made = descriptors.Description(
        1, 2, (descriptors.Interface(0, (2, 2, 1), ends, extra, "name"),), "maker", "model", "1"
    )
    said = made.get(descriptors.CONFIGURATION, 0) or b""
    assert struct.unpack_from("<HB", said, 2) == (len(said), 1)
    at, kinds = 0, []
    while at < len(said):
        kinds.append(said[at + 1])
        at += said[at]
    assert at == len(said)
    assert kinds == [2, 4, 0x24, 0x24, 0x24, 0x24, 5, 5]
    assert (made.get(descriptors.STRING, said[9 + 8]) or b"")[2:].decode("utf-16-le") == "name"
    assert made.get(descriptors.STRING, 99) is None
    assert len(made.device()) == 18


# -- data -------------------------------------------------------------------------------------


def dhcp(kind: int, wanted: bytes = b"") -> bytes:
    extra = bytes([50, 4]) + wanted if wanted else b""
    message = b"\1\1\6\0" + b"xid!" + bytes(20) + b"\2\0\0\0\0\1" + bytes(202)
    message += packets.COOKIE + bytes([53, 1, kind]) + extra + b"\xff"
    return packets.udp(("0.0.0.0", 68), (packets.BROADCAST, 67), message)


def test_a_modem_answers_dhcp_itself() -> None:
    lease = Lease("10.64.1.2", "10.64.1.1", ("8.8.8.8",), mtu=1400)
    question = packets.dhcp_question(dhcp(packets.DISCOVER))
    assert question
    answer = packets.dhcp_answer(question, lease)
    assert answer
    assert packets.checksum(answer[:20]) == 0
    given_ = packets.options(answer[28:])
    assert given_[53] == bytes([packets.OFFER])
    assert (given_[1], given_[26]) == (b"\xff\xff\xff\0", struct.pack(">H", 1400))
    for wanted, kind in ((b"\x0a\x40\1\2", packets.ACK), (b"\x0a\x40\1\3", packets.NAK)):
        question = packets.dhcp_question(dhcp(packets.REQUEST, wanted))
        answer = question and packets.dhcp_answer(question, lease)
        assert answer
        assert packets.options(answer[28:])[53] == bytes([kind])


@given(st.binary(max_size=120))
def test_no_packet_ends_a_modem(data: bytes) -> None:
    for packet in (data, b"\x45" + data, b"\x60" + data, dhcp(1) + data):
        if packets.addresses(packet):
            packets.trimmed(packet)
        packets.dhcp_question(packet)
    packets.arp_answer(data, b"\2" * 6, "10.0.0.1")
    list(rndis.unpack(data))
    rndis.answer(data, b"\2" * 6)


def test_arp_is_answered_for_every_address_but_the_devices_own() -> None:
    mac, asker = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")

    def ask(source: bytes, wanted: bytes) -> bytes | None:
        body = bytes.fromhex("0001080006040001") + asker + source + bytes(6) + wanted
        frame = b"\xff" * 6 + asker + b"\x08\x06" + body
        return packets.arp_answer(frame, mac, "10.64.1.2")

    answer = ask(bytes([10, 64, 1, 2]), bytes([10, 64, 1, 1]))
    assert answer
    assert answer[:12] == asker + mac
    assert answer[20:32] == b"\0\2" + mac + bytes([10, 64, 1, 1])
    assert ask(bytes(4), bytes([10, 64, 1, 2])) is None


@given(st.lists(st.binary(min_size=14, max_size=1514), max_size=4))
def test_frames_in_rndis_come_out_as_they_went_in(frames: list[bytes]) -> None:
    assert list(rndis.unpack(b"".join(map(rndis.pack, frames)))) == frames


def test_new_interfaces_of_modems_are_told_from_others() -> None:
    base = b"add@/devices/platform/vhci_hcd.0/usb1/1-1"
    assert hotplug.added(base + b"/1-1:1.4/net/wwan0\0ACTION=add\0") == ("1-1", "wwan0")
    assert hotplug.added(base + b"/1-1:1.4/net/wwan0/queues/rx-0\0") is None
    assert hotplug.added(base.replace(b"add", b"remove") + b"/1-1:1.4/net/wwan0\0") is None
    assert hotplug.added(b"add@/devices/virtual/net/ppp0\0") is None


# -- the disc and the pages ---------------------------------------------------------------------


@pytest.mark.parametrize("command", ["1b0000000200", "110620000001010001000000"])
def test_the_disc_is_switched_by_eject_and_by_huaweis_command(command: str) -> None:
    class Bus:
        loop = Loop()
        sent: list[bytes] = []  # noqa: RUF012

        def send(self, endpoint: int, data: bytes) -> None:
            self.sent.append(data)

    bus, switched = Bus(), []
    disc = cdrom.Cdrom(bus, 0, lambda: switched.append(True))  # type: ignore[arg-type]
    body = bytes.fromhex(command)
    wrapper = struct.pack("<IIIBBB", cdrom.COMMAND, 77, 0, 0, 0, len(body)) + body.ljust(16, b"\0")
    disc.out(1, wrapper)
    bus.loop.turn(0)
    assert switched
    assert bus.sent == [struct.pack("<IIIB", cdrom.STATUS, 77, 0, 0)]


def get(site: webapi.Site, path: str, *headers: str, body: str = "") -> str:
    method = "POST" if body else "GET"
    lines = "\r\n".join((f"{method} {path} HTTP/1.1", "Host: 192.168.8.1", *headers))
    return site.answer(f"{lines}\r\n\r\n{body}".encode()).decode()


def between(text: str, name: str) -> str:
    return text.partition(f"<{name}>")[2].partition(f"</{name}>")[0]


def test_the_pages_want_a_session_and_for_changes_a_token(modem: Modem) -> None:
    site = webapi.Site(modem, lambda: modem.dial("internet", 4))
    assert between(get(site, "/api/monitoring/status"), "code") == str(webapi.NO_RIGHTS)
    said = get(site, "/api/webserver/SesTokInfo")
    cookie = f"Cookie: {between(said, 'SesInfo')}"
    token = f"__RequestVerificationToken: {between(said, 'TokInfo')}"
    assert between(get(site, "/api/monitoring/status", cookie), "ConnectionStatus") == "902"
    switch = "/api/dialup/mobile-dataswitch", cookie
    on = "<request><dataswitch>1</dataswitch></request>"
    assert between(get(site, *switch, body=on), "code") == str(webapi.WRONG_TOKEN)
    assert "OK" in get(site, *switch, token, body=on)
    assert between(get(site, "/api/monitoring/status", cookie), "ConnectionStatus") == "901"
    assert between(get(site, *switch, token, body=on), "code") == str(webapi.WRONG_TOKEN)
    assert between(get(site, "/api/device/signal", cookie), "rsrp") == "-95dBm"
    assert between(get(site, "/api/net/current-plmn", cookie), "Numeric") == "20201"
    assert between(get(site, "/api/no/such", cookie), "code") == str(webapi.UNKNOWN_PAGE)


def test_every_model_says_what_it_gives() -> None:
    for model in MODELS.values():
        assert model.terminals or model.network
        assert model.at_port < max(1, len(model.terminals))

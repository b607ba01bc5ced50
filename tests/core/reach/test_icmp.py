"""The ICMP and ARP codecs take what they should and shrug at everything else."""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conman_core.reach import arp, icmp

TOKEN = b"12345678"
REQUEST = icmp.encode_request(0x1234, 7, TOKEN)


def with_checksum(message):
    return message[:2] + struct.pack("!H", icmp.checksum(message)) + message[4:]


def reply(identifier=0x1234, sequence=7, token=TOKEN):
    return with_checksum(struct.pack("!BBHHH", 0, 0, 0, identifier, sequence) + token)


def ip_packet(payload, source="1.1.1.1", target="10.0.0.2", protocol=1, options=b""):
    first = 0x40 | (5 + len(options) // 4)
    head = struct.pack("!BBHHHBBH", first, 0, 20 + len(payload), 0, 0, 64, protocol, 0)
    return head + ip_address(source).packed + ip_address(target).packed + options + payload


def error(kind, code, quoted):
    return with_checksum(struct.pack("!BBHI", kind, code, 0, 0) + quoted)


def test_the_checksum_is_that_of_rfc_1071():
    # the example of its section 3: the sum is ddf2
    assert icmp.checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2
    assert icmp.checksum(REQUEST) == 0


@given(st.binary(max_size=64))
def test_a_message_with_its_checksum_sums_to_zero(data):
    message = with_checksum(b"\0\0\0\0" + data)
    assert icmp.checksum(message) == 0


def test_an_echo_reply_is_read():
    assert icmp.parse(reply()) == icmp.Echo(0x1234, 7, TOKEN)


def test_our_own_request_is_not_taken_for_a_reply():
    assert icmp.parse(REQUEST) is None


def test_a_damaged_reply_is_dropped():
    damaged = bytearray(reply())
    damaged[-1] ^= 1
    assert icmp.parse(bytes(damaged)) is None


@pytest.mark.parametrize(
    ("kind", "code", "note"),
    [
        (3, 0, "network unreachable"),
        (3, 1, "host unreachable"),
        (3, 13, "destination unreachable"),
        (11, 0, "routed in a circle"),
    ],
)
def test_an_error_names_the_host_that_was_asked(kind, code, note):
    quoted = ip_packet(REQUEST, "10.0.0.2", "8.8.8.8")[:28]
    assert icmp.parse(error(kind, code, quoted)) == icmp.Refusal(0x1234, "8.8.8.8", note)


def test_an_error_about_somebody_elses_packet_is_dropped():
    udp = ip_packet(bytes(8), "10.0.0.2", "8.8.8.8", protocol=17)
    assert icmp.parse(error(3, 1, udp)) is None


def test_an_ip_header_with_options_is_skipped():
    assert icmp.without_ip_header(ip_packet(REQUEST, options=bytes(8))) == REQUEST


@given(st.binary(max_size=100))
@example(b"")
@example(b"\x4f" + bytes(30))
def test_garbage_is_no_message(data):
    icmp.parse(data)
    icmp.parse(with_checksum(data.ljust(8, b"\0")))
    icmp.parse(with_checksum(b"\x03\x00\x00\x00" + bytes(4) + data))
    icmp.without_ip_header(data)


def test_an_arp_reply_says_who_answered_whom():
    sender, asker = IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2")
    request = arp.encode_request(b"\2" * 6, asker, sender)
    assert arp.parse_reply(request) is None
    answer = request[:6] + b"\0\2" + b"\4" * 6 + sender.packed + b"\2" * 6 + asker.packed
    assert arp.parse_reply(answer + bytes(18)) == (sender, asker)  # padded to a whole frame


@given(st.binary(max_size=60))
def test_garbage_is_no_arp_reply(data):
    arp.parse_reply(data)
    arp.parse_reply(bytes.fromhex("0001080006040002") + data)

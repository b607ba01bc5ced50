"""Messages of rtnetlink, to bytes and back."""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import IPv4Interface, ip_address, ip_interface, ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core.model import Family
from conman_core.net import rtmessage as rt
from conman_core.net import rtparse, rtrequest

U32 = st.integers(0, 2**32 - 1)
U8 = st.integers(0, 255)


def networks(version: int) -> st.SearchStrategy[Any]:
    size = 32 if version == 4 else 128
    build = lambda ip, prefix: ip_network((ip.packed, prefix), strict=False)  # noqa: E731
    return st.builds(build, st.ip_addresses(v=version), st.integers(0, size))


@st.composite
def routes(draw: st.DrawFn) -> rt.RouteMessage:
    version = draw(st.sampled_from([4, 6]))
    addresses = st.none() | st.ip_addresses(v=version)
    gateways = st.none() | st.ip_addresses()
    hops = st.builds(
        rt.NextHop, U32.map(lambda n: n // 2), gateways, st.integers(1, 256), st.booleans()
    )
    return rt.RouteMessage(
        destination=draw(networks(version)),
        gateway=draw(gateways),
        oif=draw(st.none() | U32),
        metric=draw(U32),
        table=draw(U32.filter(bool)),
        protocol=draw(U8),
        scope=draw(U8),
        prefsrc=draw(addresses),
        type=draw(U8),
        onlink=draw(st.booleans()),
        options=draw(st.binary(max_size=40)),
        hops=tuple(draw(st.lists(hops, max_size=3))),
        gone=draw(st.booleans()),
    )


@st.composite
def rules(draw: st.DrawFn) -> rt.RuleMessage:
    version = draw(st.sampled_from([4, 6]))
    return rt.RuleMessage(
        family=Family(version),
        priority=draw(U32),
        source=draw(st.none() | networks(version)),
        table=draw(U32.filter(bool)),
        suppress_prefixlength=draw(st.none() | st.integers(0, 128)),
        protocol=draw(U8),
        gone=draw(st.booleans()),
    )


def datagram(kind: int, body: bytes) -> bytes:
    return rtrequest.message(kind, 0, 1, body)


@given(routes())
def test_every_route_survives_the_way_to_bytes_and_back(route: rt.RouteMessage) -> None:
    kind = rt.DELROUTE if route.gone else rt.NEWROUTE
    assert rtparse.parse(datagram(kind, rtrequest.route(route))) == [route]


@given(rules())
def test_every_rule_survives_the_way_to_bytes_and_back(rule: rt.RuleMessage) -> None:
    kind = rt.DELRULE if rule.gone else rt.NEWRULE
    assert rtparse.parse(datagram(kind, rtrequest.rule(rule))) == [rule]


@given(
    U32,
    st.ip_addresses().flatmap(
        lambda ip: st.integers(0, ip.max_prefixlen).map(lambda n: ip_interface(f"{ip}/{n}"))
    ),
    st.none() | st.floats(-10, 1e12),
    st.none() | st.floats(-10, 1e12),
)
def test_every_address_survives_and_its_lifetimes_are_ones_the_kernel_takes(
    index: int, interface: Any, valid: float | None, preferred: float | None
) -> None:
    body = rtrequest.address(index, interface, valid=valid, preferred=preferred, protocol=203)
    (found,) = rtparse.parse(datagram(rt.NEWADDR, body))
    assert isinstance(found, rt.AddressMessage)
    assert (found.index, found.interface, found.protocol) == (index, interface, 203)
    life = rt.FOREVER if found.valid is None else found.valid
    assert (found.valid is None) == (valid is None)
    attributes = rtparse.attributes(body, rt.IFADDRMSG.size)
    assert 1 <= struct.unpack("=IIII", attributes[6])[0] <= life
    if isinstance(interface, IPv4Interface) and interface.network.prefixlen < 31:
        assert attributes[4] == interface.network.broadcast_address.packed
    else:
        assert 4 not in attributes


def sample() -> bytes:
    """One of each message, padded to four bytes as the kernel does."""
    route = rt.RouteMessage(
        ip_network("10.0.0.0/8"),
        metric=5,
        prefsrc=ip_address("10.0.0.1"),
        hops=(rt.NextHop(2, ip_address("10.0.0.9")), rt.NextHop(3, ip_address("fe80::1"), 9)),
    )
    rule = rt.RuleMessage(Family.IPV6, 5, ip_network("2001:db8::/32"), 20002, 0, 203)
    link = (
        rt.IFINFOMSG.pack(0, 1, 2, 0x11043, 0) + b"\x09\0\x03\0eth0\0\0\0\0\x08\0\x04\0\xdc\5\0\0"
    )
    parts = [
        datagram(rt.NEWROUTE, rtrequest.route(route)),
        datagram(rt.NEWRULE, rtrequest.rule(rule)),
        datagram(rt.NEWADDR, rtrequest.address(2, ip_interface("10.0.0.1/8"), valid=5)),
        datagram(rt.NEWLINK, link),
    ]
    return b"".join(part + bytes(-len(part) % 4) for part in parts)


def only_malformed(data: bytes) -> None:
    try:
        messages = rtparse.parse(data)
    except rtparse.Malformed:
        return
    assert len(messages) <= len(data)


def test_a_datagram_with_several_messages_gives_them_in_order() -> None:
    assert [type(each) for each in rtparse.parse(sample())] == [
        rt.RouteMessage,
        rt.RuleMessage,
        rt.AddressMessage,
        rt.LinkMessage,
    ]


@given(st.binary(max_size=200))
def test_garbage_raises_only_malformed(data: bytes) -> None:
    only_malformed(data)


@given(st.sampled_from([16, 17, 20, 21, 24, 25, 32, 33]), st.binary(max_size=200))
def test_a_garbage_body_raises_only_malformed(kind: int, body: bytes) -> None:
    only_malformed(datagram(kind, body))


@given(st.data())
def test_a_message_with_changed_bytes_raises_only_malformed(data: st.DataObject) -> None:
    changed = bytearray(sample())
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(U8)
    only_malformed(bytes(changed))


def test_a_datagram_that_was_cut_anywhere_gives_whole_messages_or_malformed() -> None:
    whole = rtparse.parse(sample())
    for length in range(len(sample())):
        try:
            assert (
                rtparse.parse(sample()[:length]) == whole[: len(rtparse.parse(sample()[:length]))]
            )
        except rtparse.Malformed:
            continue


@pytest.mark.parametrize(
    "body",
    [
        b"",
        rt.NLMSGHDR.pack(0, 24, 0, 0, 0),
        rt.NLMSGHDR.pack(15, 24, 0, 0, 0),
        datagram(rt.NEWROUTE, rt.RTMSG.pack(2, 0, 0, 0, 254, 4, 0, 1, 0) + b"\0\0\5\0"),
        datagram(
            rt.NEWROUTE, rt.RTMSG.pack(2, 0, 0, 0, 254, 4, 0, 1, 0) + b"\x0c\0\x09\0" + bytes(8)
        ),
        datagram(rt.NEWROUTE, rt.RTMSG.pack(2, 33, 0, 0, 254, 4, 0, 1, 0)),
        datagram(rt.NEWADDR, rt.IFADDRMSG.pack(2, 24, 0, 0, 2) + b"\x05\0\2\0\x0a\0\0\0"),
    ],
    ids=["empty", "length 0", "short", "attribute 0", "next hop 0", "prefix 33", "short address"],
)
def test_lengths_that_lie_do_not_loop_or_crash(body: bytes) -> None:
    if not body:
        assert rtparse.parse(body) == []
        return
    with pytest.raises(rtparse.Malformed):
        rtparse.parse(body)


def test_what_is_not_for_routing_is_passed_over() -> None:
    bridge_port = rt.IFINFOMSG.pack(7, 1, 2, 0, 0)
    cached = rt.RTMSG.pack(10, 128, 0, 0, 254, 4, 0, 1, 0x200) + b"\x14\0\1\0" + bytes(16)
    by_tos = rt.RTMSG.pack(2, 0, 0, 0x10, 254, 4, 0, 1, 0)
    by_source = rt.RTMSG.pack(10, 0, 64, 0, 254, 4, 0, 1, 0)
    multicast = rt.RTMSG.pack(128, 0, 0, 0, 254, 17, 0, 5, 0)
    for kind, body in (
        (rt.DELLINK, bridge_port),
        (rt.NEWROUTE, cached),
        (rt.NEWROUTE, by_tos),
        (rt.NEWROUTE, by_source),
        (rt.NEWROUTE, multicast),
        (rt.NEWRULE, rt.FIB_RULE_HDR.pack(128, 0, 0, 0, 254, 1, 0)),
        (68, b"a neighbour discovery option"),
    ):
        assert rtparse.parse(datagram(kind, body)) == []


def test_the_other_end_of_a_point_to_point_link_is_not_taken_for_ours() -> None:
    body = rt.IFADDRMSG.pack(2, 32, 0, 0, 3) + b"\x08\0\1\0\x0a\0\0\1" + b"\x08\0\2\0\x0a\0\0\2"
    (found,) = rtparse.parse(datagram(rt.NEWADDR, body))
    assert found == rt.AddressMessage(3, ip_interface("10.0.0.2/32"))


def test_carrier_and_administrative_state_are_told_apart() -> None:
    (link,) = rtparse.parse(sample()[-len(datagram(0, b"")) - 36 :])
    assert link == rt.LinkMessage(2, "eth0", up=True, carrier=True, mtu=1500)
    for flags, expected in ((0x1, (True, False)), (0x10000, (False, True)), (0, (False, False))):
        (link,) = rtparse.parse(datagram(rt.DELLINK, rt.IFINFOMSG.pack(0, 1, 2, flags, 0)))
        assert isinstance(link, rt.LinkMessage)
        assert (link.up, link.carrier) == expected
        assert link.gone


def test_a_refusal_carries_the_kernels_own_words() -> None:
    body = (-22).to_bytes(4, "little", signed=True) + bytes(16) + b"\x0c\0\1\0No good\0"
    envelope = rtparse.Envelope(2, 0x300, 1, body)
    assert rtparse.refusal(envelope) == (22, "No good")
    assert rtparse.refusal(replace(envelope, flags=0)) == (22, "")
    assert rtparse.refusal(rtparse.Envelope(3, 2, 1, b"")) == (0, "")


@given(U32, st.binary(max_size=60))
def test_a_garbage_refusal_raises_only_malformed(flags: int, body: bytes) -> None:
    try:
        rtparse.refusal(rtparse.Envelope(2, flags, 1, body))
    except rtparse.Malformed:
        return

"""What is taken from a DHCP server, what is refused, and what is said about it."""

from __future__ import annotations

import contextlib
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core.model import Address, Connection, Family, StaticRoute
from conman_core.net.lease import (
    LARGEST_MTU,
    LEASE_REASONS,
    MOST_ROUTES,
    MOST_SERVERS,
    SHORTEST_PREFIX,
    SMALLEST_MTU,
    BadLease,
    Report,
    read_report,
    split_reports,
)

CHECKED = (IPv4Address("1.1.1.1"), IPv4Address("8.8.8.8"), IPv6Address("2606:4700::1111"))
BOUND = {
    "reason": "BOUND",
    "ip_address": "10.9.0.62",
    "subnet_cidr": "24",
    "routers": "10.9.0.1",
    "classless_static_routes": "",
    "domain_name_servers": "10.9.0.1 9.9.9.9",
    "interface_mtu": "",
    "dhcp_lease_time": "120",
}


def read(**changes: str) -> Report:
    return read_report(BOUND | changes, "eth0", CHECKED)


def connection(**changes: str) -> Connection:
    report = read(**changes)
    assert report.connection
    return report.connection


def routes(text: str, **changes: str) -> list[str]:
    taken = connection(classless_static_routes=text, **changes).routes
    return [f"{route.network} {route.gateway}" for route in taken]


def test_a_whole_lease_becomes_a_connection() -> None:
    text = "10.20.0.0/16 10.9.0.7"
    report = read(classless_static_routes=text, interface_mtu="1400")
    assert report == Report(
        "BOUND",
        Connection(
            interface="eth0",
            addresses=(Address(IPv4Interface("10.9.0.62/24"), 120.0, 120.0),),
            gateways={Family.IPV4: IPv4Address("10.9.0.1")},
            dns=(IPv4Address("10.9.0.1"), IPv4Address("9.9.9.9")),
            routes=(StaticRoute(IPv4Network("10.20.0.0/16"), IPv4Address("10.9.0.7")),),
            mtu=1400,
        ),
    )


@pytest.mark.parametrize("reason", sorted(LEASE_REASONS))
def test_every_kind_of_lease_gives_a_connection(reason: str) -> None:
    assert read(reason=reason).connection == read().connection


@pytest.mark.parametrize("reason", ["NAK", "FAIL", "DEPARTED"])
def test_a_void_lease_is_lost(reason: str) -> None:
    assert read(reason=reason) == Report(reason, lost=True)


@pytest.mark.parametrize(
    "reason", ["PREINIT", "CARRIER", "NOCARRIER", "EXPIRE", "STOP", "STOPPED", "", "TEST", "bound"]
)
def test_anything_else_changes_nothing(reason: str) -> None:
    assert read(reason=reason) == Report(reason)


# what makes a lease unusable


@pytest.mark.parametrize(
    "address",
    [
        "",
        "garbage",
        "10.9.0",
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "224.0.0.5",
        "240.0.0.1",
        "255.255.255.255",
        "::1",
        "10.9.0.0",
        "10.9.0.255",
    ],
)
def test_an_address_that_no_host_can_have_is_refused_with_a_sentence(address: str) -> None:
    with pytest.raises(BadLease, match=r"^the DHCP server gave "):
        read(ip_address=address)


@pytest.mark.parametrize("prefix", ["", "0", "1", "7", "33", "-1", "x", "24.0", "²", "9" * 5000])
def test_a_prefix_that_cannot_be_or_takes_all_traffic_is_refused(prefix: str) -> None:
    with pytest.raises(BadLease, match="prefix length"):
        read(subnet_cidr=prefix)


@pytest.mark.parametrize(("address", "prefix"), [("10.9.0.0", "31"), ("10.9.0.62", "32")])
def test_networks_without_edges_are_fine(address: str, prefix: str) -> None:
    taken = connection(ip_address=address, subnet_cidr=prefix).addresses[0]
    assert taken.interface == IPv4Interface(f"{address}/{prefix}")


@pytest.mark.parametrize("time", ["0", "-5", "4294967296", "1e3", "soon"])
def test_a_lease_time_that_cannot_be_is_refused(time: str) -> None:
    with pytest.raises(BadLease, match="seconds"):
        read(dhcp_lease_time=time)


@pytest.mark.parametrize(
    ("time", "valid"),
    [("4294967295", None), ("", None), ("4294967294", 4294967294.0), ("20", 20.0), ("3", 20.0)],
)
def test_the_lifetime_is_the_lease_time_or_for_ever(time: str, valid: float | None) -> None:
    address = connection(dhcp_lease_time=time).addresses[0]
    assert (address.valid, address.preferred) == (valid, valid)


# gateways


def test_the_first_usable_router_is_the_gateway_and_others_are_noted() -> None:
    report = read(routers="0.0.0.0 junk 10.9.0.62 10.9.0.1 10.9.0.2")
    assert report.connection
    assert report.connection.gateways == {Family.IPV4: IPv4Address("10.9.0.1")}
    assert [note.split("; not")[0].split()[-1] for note in report.notes] == [
        "0.0.0.0",
        "junk",
        "10.9.0.62",
    ]


def test_without_a_router_there_is_no_default_route() -> None:
    assert connection(routers="").gateways == {}


def test_the_default_of_option_121_goes_before_the_router_option() -> None:
    taken = connection(classless_static_routes="0.0.0.0/0 10.9.0.9")
    assert taken.gateways == {Family.IPV4: IPv4Address("10.9.0.9")}
    assert taken.routes == ()


def test_a_default_of_option_121_on_the_link_itself_has_no_gateway() -> None:
    assert connection(classless_static_routes="0.0.0.0/0 0.0.0.0").gateways == {Family.IPV4: None}


def test_option_121_without_a_default_leaves_the_router_option() -> None:
    taken = connection(classless_static_routes="10.20.0.0/16 10.9.0.7")
    assert taken.gateways == {Family.IPV4: IPv4Address("10.9.0.1")}


def test_an_impossible_default_of_option_121_leaves_the_router_option() -> None:
    report = read(classless_static_routes="0.0.0.0/0 224.0.0.1")
    assert report.connection
    assert report.connection.gateways == {Family.IPV4: IPv4Address("10.9.0.1")}
    assert "default route by 224.0.0.1" in report.notes[0]


# routes


def test_harmless_routes_are_taken() -> None:
    text = "10.0.0.0/9 10.9.128.7 192.168.0.0/16 0.0.0.0 172.16.0.0/255.240.0.0 10.9.0.8"
    assert routes(text, routers="192.0.2.1") == [
        "10.0.0.0/9 10.9.128.7",
        "192.168.0.0/16 None",
        "172.16.0.0/12 10.9.0.8",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.0.0.0/1 10.9.0.1 128.0.0.0/1 10.9.0.1", "shorter than /8"),
        ("8.0.0.0/7 10.9.0.1", "shorter than /8"),
        ("10.0.0.0/8 10.9.0.5", "the link's own gateway 10.9.0.1"),
        ("10.9.0.1/32 10.9.0.5", "the link's own gateway 10.9.0.1"),
        ("1.1.1.1/32 10.9.0.1", "covers 1.1.1.1, which conman checks"),
        ("8.8.8.0/24 10.9.0.1", "covers 8.8.8.8, which conman checks"),
        ("127.0.0.0/8 10.9.0.1", "no host"),
        ("239.1.0.0/16 10.9.0.1", "no host"),
        ("10.20.0.0/16 255.255.255.255", "no router"),
        ("10.20.0.0/16 10.9.0.62", "no router"),
        ("10.20.0.0/33 10.9.0.1", "garbled"),
        ("10.20.0.0/16 router", "garbled"),
    ],
)
def test_harmful_routes_are_left_out_and_the_reason_is_noted(text: str, why: str) -> None:
    report = read(classless_static_routes=text)
    assert report.connection
    assert report.connection.routes == ()
    assert report.notes
    assert all(why in note for note in report.notes)


def test_routes_are_bounded_in_number_and_unique() -> None:
    text = " ".join(f"172.16.{n}.0/24 10.9.0.7" for n in range(200))
    assert len(routes(f"{text} {text}")) == MOST_ROUTES
    assert routes("172.16.0.0/24 10.9.0.7 172.16.0.0/24 10.9.0.7") == ["172.16.0.0/24 10.9.0.7"]


# the rest


def test_dns_servers_keep_their_order_without_doubles_and_nonsense() -> None:
    text = "9.9.9.9 127.0.0.1 10.9.0.1 9.9.9.9 0.0.0.0 x"
    assert connection(domain_name_servers=text).dns == (
        ip_address("9.9.9.9"),
        ip_address("10.9.0.1"),
    )
    many = " ".join(f"10.0.0.{n}" for n in range(1, 100))
    assert len(connection(domain_name_servers=many).dns) == MOST_SERVERS


@pytest.mark.parametrize(
    ("mtu", "taken"),
    [("576", 576), ("1500", 1500), ("65535", 65535), ("575", None), ("65536", None), ("x", None)],
)
def test_an_mtu_that_makes_sense_is_taken(mtu: str, taken: int | None) -> None:
    report = read(interface_mtu=mtu)
    assert report.connection
    assert report.connection.mtu == taken
    assert bool(report.notes) == (taken is None)


# from bytes


def encode(values: dict[str, str]) -> bytes:
    return "".join(f"{name}={value}\n" for name, value in values.items()).encode() + b"\n"


@given(st.integers(1, 300), st.integers(1, 4))
def test_reports_are_the_same_however_the_bytes_come(size: int, number: int) -> None:
    data = encode(BOUND) * number
    found = []
    rest = b""
    for start in range(0, len(data), size):
        reports, rest = split_reports(rest + data[start : start + size])
        found += reports
    assert found == [BOUND] * number
    assert rest == b""


def test_a_torn_report_spoils_neither_the_one_before_nor_the_one_after() -> None:
    torn = encode({"reason": "BOUND", "ip_address": "10.0.0.1", "interface_mtu": "9000"})[:40]
    data = encode(BOUND) + torn + b"\n" + encode({"reason": "NAK"}) + b"noise\n\n" + encode(BOUND)
    reports, rest = split_reports(data)
    assert reports == [BOUND, {"reason": "NAK"}, BOUND]
    assert rest == b""


def test_a_rest_without_end_does_not_grow() -> None:
    assert split_reports(b"reason=" + b"x" * 100_000) == ([], b"")


octets = st.one_of(st.integers(0, 255), st.sampled_from([0, 1, 8, 10, 127, 128, 224, 255]))
addresses = st.tuples(octets, octets, octets, octets).map(lambda o: ".".join(map(str, o)))
networks = st.tuples(addresses, st.integers(0, 33)).map(lambda n: f"{n[0]}/{n[1]}")
pairs = st.lists(st.tuples(networks | addresses, addresses).map(" ".join), max_size=8).map(" ".join)
words = st.text(max_size=30) | pairs | st.integers(-5, 2**33).map(str) | addresses


@given(st.dictionaries(st.sampled_from([*BOUND, "x"]), words))
def test_whatever_a_server_says_is_a_lease_or_is_refused(values: dict[str, str]) -> None:
    with contextlib.suppress(BadLease):
        read_report({"reason": "BOUND"} | values, "eth0", CHECKED)


@given(pairs, addresses, st.integers(0, 33), st.integers(0, 2**33), st.integers(0, 2**17))
def test_whatever_a_server_says_no_route_takes_traffic_that_it_should_not(
    offered: str, router: str, prefix: int, lifetime: int, mtu: int
) -> None:
    changes = {"subnet_cidr": str(prefix), "dhcp_lease_time": str(lifetime)}
    try:
        taken = connection(
            classless_static_routes=offered, routers=router, interface_mtu=str(mtu), **changes
        )
    except BadLease:
        return
    gateway = taken.gateways.get(Family.IPV4)
    for route in taken.routes:
        assert route.network.prefixlen >= SHORTEST_PREFIX
        assert gateway is None or gateway not in route.network
        assert not any(address in route.network for address in CHECKED)
    assert taken.addresses[0].interface.network.prefixlen >= SHORTEST_PREFIX
    assert taken.addresses[0].valid is None or taken.addresses[0].valid > 0
    assert taken.mtu is None or SMALLEST_MTU <= taken.mtu <= LARGEST_MTU


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_but_the_documented_error(data: bytes) -> None:
    for noise in (data, encode(BOUND) + data, data.replace(b"\xff", b"\n\n")):
        reports, _ = split_reports(noise)
        for report in reports:
            with contextlib.suppress(BadLease):
                read_report(report, "eth0")

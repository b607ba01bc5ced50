"""Which routes and rules a link must have."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, ip_address, ip_interface, ip_network

from hypothesis import given
from hypothesis import strategies as st

from conman_core.model import Address, Connection, Family, StaticRoute
from conman_core.net import linkplan
from conman_core.net.rtmessage import MAIN_TABLE

ADDRESSES = st.builds(
    lambda ip, prefix: Address(ip_interface(f"{ip}/{prefix}")),
    st.ip_addresses(v=4),
    st.integers(0, 32),
)
NETWORKS = st.builds(
    lambda ip, prefix: IPv4Network((ip.packed, prefix), strict=False),
    st.ip_addresses(v=4),
    st.integers(1, 32),
)
STATIC = st.builds(StaticRoute, NETWORKS, st.none() | st.ip_addresses(v=4))
CONNECTIONS = st.builds(
    Connection,
    interface=st.just("eth0"),
    addresses=st.lists(ADDRESSES, max_size=3).map(tuple),
    gateways=st.just({}) | st.builds(lambda g: {Family.IPV4: g}, st.none() | st.ip_addresses(v=4)),
    routes=st.lists(STATIC, max_size=3).map(tuple),
)


@given(CONNECTIONS)
def test_the_laws_of_a_links_routes(connection: Connection) -> None:
    routes = linkplan.routes_for(connection, 7, 100)
    sources = {address.interface.ip for address in connection.addresses}
    seen: set[object] = set()
    for route in routes:
        assert route.oif == 7
        assert route.protocol == linkplan.PROTOCOL
        assert (route.table, route.metric) in {(MAIN_TABLE, 100), (20007, 1)}
        assert route.prefsrc in sources
        assert (route.table, route.destination) not in seen, "one route for one network"
        seen.add((route.table, route.destination))
        near = any(
            earlier.gateway is None and route.gateway in earlier.destination
            for earlier in routes[: routes.index(route)]
            if route.gateway and earlier.table == route.table
        )
        assert route.gateway is None or near or route.onlink, "the kernel finds the gateway"
    prefixes = [route.destination.prefixlen == 0 for route in routes if route.table == MAIN_TABLE]
    assert prefixes == sorted(prefixes), "what attracts traffic comes last"
    assert {(r.destination, r.gateway) for r in routes if r.table == MAIN_TABLE} == {
        (r.destination, r.gateway) for r in routes if r.table == 20007
    }


def test_the_source_is_the_address_in_the_gateways_network() -> None:
    connection = Connection(
        interface="eth0",
        addresses=(
            Address(ip_interface("169.254.3.4/16")),
            Address(ip_interface("192.168.1.5/24")),
        ),
        gateways={Family.IPV4: ip_address("192.168.1.1")},
        routes=(StaticRoute(IPv4Network("10.0.0.0/8"), IPv4Address("169.254.0.1")),),
    )
    sources = {
        str(route.destination): str(route.prefsrc)
        for route in linkplan.routes_for(connection, 3, 100)
    }
    assert sources["0.0.0.0/0"] == "192.168.1.5"
    assert sources["10.0.0.0/8"] == "169.254.3.4"


def test_a_default_route_of_the_gateways_wins_over_a_static_one() -> None:
    connection = Connection(
        interface="eth0",
        addresses=(Address(ip_interface("192.168.1.5/24")),),
        gateways={Family.IPV4: ip_address("192.168.1.1")},
        routes=(StaticRoute(IPv4Network("0.0.0.0/0"), IPv4Address("192.168.1.66")),),
    )
    (default,) = (
        route
        for route in linkplan.routes_for(connection, 3, 100)
        if route.destination.prefixlen == 0 and route.table == MAIN_TABLE
    )
    assert default.gateway == ip_address("192.168.1.1")


def test_each_address_has_two_rules_and_each_family_one_shared_rule() -> None:
    connection = Connection(
        interface="eth0",
        addresses=tuple(
            Address(ip_interface(text)) for text in ("10.0.0.2/24", "10.0.1.2/24", "2001:db8::2/64")
        ),
    )
    shown = [
        (int(rule.family), rule.priority, str(rule.source), rule.table, rule.suppress_prefixlength)
        for rule in linkplan.rules_for(connection, 3)
    ]
    assert sorted(shown, key=repr) == sorted(
        [
            (4, 32700, "10.0.0.2/32", 20003, 0),
            (4, 32700, "10.0.1.2/32", 20003, 0),
            (4, 32701, "None", 254, 0),
            (4, 32702, "10.0.0.2/32", 20003, None),
            (4, 32702, "10.0.1.2/32", 20003, None),
            (6, 32700, "2001:db8::2/128", 20003, 0),
            (6, 32701, "None", 254, 0),
            (6, 32702, "2001:db8::2/128", 20003, None),
        ],
        key=repr,
    )


def test_the_protocol_number_is_nobody_elses() -> None:
    # linux/rtnetlink.h up to EIGRP (192), FRRouting's zebra/rt_netlink.h up to 198
    taken = {*range(19), 42, 80, 84, 99, *range(186, 199)}
    assert linkplan.PROTOCOL not in taken


def test_a_gateway_of_ipv6_is_always_in_reach_at_its_link_local_address() -> None:
    connection = Connection(
        interface="eth0",
        addresses=(Address(ip_interface("2001:db8::2/64")),),
        gateways={Family.IPV6: ip_address("fe80::1")},
    )
    routes = linkplan.routes_for(connection, 3, 100)
    assert {route.destination for route in routes} == {
        ip_network("2001:db8::/64"),
        ip_network("::/0"),
    }
    assert not any(route.onlink for route in routes)
    assert not any(route.prefsrc for route in routes)

"""Addresses, routes and rules of links on the real kernel."""

from __future__ import annotations

import errno
import itertools
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from conman_core.errors import SystemFault
from conman_core.model import Connection, Family
from conman_core.net.netlink import Netlink
from conman_core.net.routing import PROTOCOL, TABLE_BASE, Router
from tests.netns.namespaces import bench
from tests.netns.uplinks import ECHO, FAR, Uplinks, connection, interface, running

pytestmark = pytest.mark.netns


@pytest.fixture
def net() -> Iterator[Uplinks]:
    with bench("rt") as made:
        net = Uplinks(made)
        yield net
        net.netlink.close()


def defaults(net: Uplinks) -> list[str]:
    return net.device.ip("-4", "route", "show", "default").splitlines()


def test_the_link_with_the_lower_metric_carries_the_traffic(net: Uplinks) -> None:
    net.router.configure(connection(1), 100)
    net.router.configure(connection(2), 200)
    assert net.way() == "eth0"
    net.router.set_metric("eth1", 50)
    assert net.way() == "eth1"
    with net.echo() as seen:
        sock = net.udp(net.device)
        sock.sendto(b"?", (FAR, ECHO))
        assert sock.recv(10) == b"?"
        sock.close()
    assert seen == ["10.2.0.2"]


def test_a_standby_answers_at_its_address_and_carries_what_is_bound_to_it(net: Uplinks) -> None:
    net.router.configure(connection(1), 100)
    net.router.configure(connection(2), 200)
    assert net.way(FAR, "from", "10.2.0.2") == "eth1"
    with net.echo() as seen:
        sock = net.udp(net.device, "10.2.0.2")
        sock.sendto(b"?", (FAR, ECHO))
        assert sock.recv(10) == b"?"
        sock.close()
    assert seen == ["10.2.0.2"]
    net.far.run("ping", "-c", "1", "-W", "2", "10.2.0.2")


def test_moving_the_traffic_50_times_back_and_forth_loses_no_packet(net: Uplinks) -> None:
    net.router.configure(connection(1), 100)
    net.router.configure(connection(2), 200)
    moving = True
    sent, failures = 0, []

    def flow() -> None:
        nonlocal sent
        while moving and not failures:
            payload = str(sent).encode()
            try:
                sock.sendto(payload, (FAR, ECHO))
                while sock.recv(100) != payload:
                    pass
            except OSError as error:
                failures.append(error)
            sent += 1

    sock = net.udp(net.device)
    with net.echo() as seen, running(flow):
        try:
            for metric in (50, 200) * 50:
                before = sent
                while sent < before + 3 and not failures:
                    time.sleep(0.0005)
                net.router.set_metric("eth1", metric)
        finally:
            moving = False
    sock.close()
    assert not failures
    assert sent > 300
    moves = sum(one != other for one, other in itertools.pairwise(seen))
    assert moves >= 99, "the traffic did move each time"


def watched(net: Uplinks, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the kernel's way after each single request."""
    exchange, ways = net.netlink._exchange, []

    def watch(*args: Any) -> bool:
        done = exchange(*args)
        ways.append(net.way())
        return done

    monkeypatch.setattr(net.netlink, "_exchange", watch)
    return ways


def test_a_lone_link_is_never_without_a_route_while_its_metric_changes(
    net: Uplinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.router.configure(connection(1), 100)
    ways = watched(net, monkeypatch)
    for metric in (50, 10_100, 100):
        net.router.set_metric("eth0", metric)
    net.router.configure(connection(1), 70)
    assert set(ways) == {"eth0"}
    assert len(ways) > 20


def test_a_tcp_connection_of_one_link_survives_the_move_to_the_other(net: Uplinks) -> None:
    net.router.configure(connection(2), 100)
    server = net.far.call(lambda: socket.create_server((FAR, 5000)))
    client = net.device.call(lambda: socket.create_connection((FAR, 5000), timeout=3))
    peer, (address, _) = server.accept()
    assert address == "10.2.0.2"
    net.router.configure(connection(1), 50)
    assert net.way() == "eth0"
    for _ in range(20):
        client.sendall(b"ping")
        assert peer.recv(10) == b"ping"
        peer.sendall(b"pong")
        assert client.recv(10) == b"pong"
    for each in (client, peer, server):
        each.close()


def test_two_links_in_one_network_keep_apart(net: Uplinks) -> None:
    with bench("lan") as made:
        device, switch = made.namespace("dev"), made.namespace("sw")
        switch.ip("link", "add", "br0", "type", "bridge")
        switch.ip("link", "set", "br0", "up")
        switch.ip("addr", "add", "192.168.7.1/24", "dev", "br0")
        for name, setting, value in (
            ("rp_filter", "rp_filter", "2"),
            ("arp", "arp_ignore", "1"),
            ("arp", "arp_announce", "2"),
        ):
            del name
            device.sysctl(f"net.ipv4.conf.all.{setting}", value)
        netlink = device.call(Netlink)
        router = Router(netlink)
        for number in (0, 1):
            made.cable(device, f"eth{number}", switch, f"port{number}")
            switch.ip("link", "set", f"port{number}", "master", "br0")
            offer = connection(
                number + 1, addresses=(f"192.168.7.{10 + number}/24",), gateway="192.168.7.1"
            )
            router.configure(offer, 100 + number)

        def way(*words: str) -> str:
            return device.ip("route", "get", *words).split(" dev ")[1].split()[0]

        for uplink, standby, metric in (("eth0", "eth1", 101), ("eth1", "eth0", 50)):
            router.set_metric("eth1", metric)
            assert way("192.168.7.99") == uplink, "neighbours are reached over the uplink too"
            assert way(FAR) == uplink
            for name, number in (("eth0", 10), ("eth1", 11)):
                source = f"192.168.7.{number}"
                assert way("192.168.7.99", "from", source) == name
                assert way(FAR, "from", source) == name
                device.run("ping", "-c", "1", "-W", "2", "-I", source, "192.168.7.1")
            assert standby != uplink
        netlink.close()


def test_the_kernel_leaves_a_dead_cable_and_the_standby_carries_on(net: Uplinks) -> None:
    for name in ("eth0", "eth1"):
        net.device.sysctl(f"net.ipv4.conf.{name}.ignore_routes_with_linkdown", "1")
    net.router.configure(connection(1), 100)
    net.router.configure(connection(2), 200)
    net.a.ip("link", "set", "lan", "down")
    deadline = time.monotonic() + 5
    while net.way() != "eth1":
        assert time.monotonic() < deadline
    with net.echo() as seen:
        sock = net.udp(net.device)
        sock.sendto(b"?", (FAR, ECHO))
        assert sock.recv(10) == b"?"
        sock.close()
    assert seen == ["10.2.0.2"]


def test_another_programs_special_route_holds_for_bound_packets_too(net: Uplinks) -> None:
    net.router.configure(connection(1), 100)
    net.router.configure(connection(2), 200)
    net.device.ip("link", "add", "docker0", "type", "bridge")
    net.device.ip("link", "set", "docker0", "up")
    net.device.ip("addr", "add", "172.17.0.1/16", "dev", "docker0")
    for source in ("10.1.0.2", "10.2.0.2"):
        assert net.way("172.17.0.9", "from", source) == "docker0"
    assert net.way(FAR, "from", "10.2.0.2") == "eth1"
    assert net.way("10.2.0.1", "from", "10.2.0.2") == "eth1"


def test_configuring_twice_changes_nothing(net: Uplinks) -> None:
    offer = connection(1, valid=None, routes=(("10.50.0.0/16", "10.1.0.9"),))
    assert net.router.configure(offer, 100) == (interface("10.1.0.2/24"),)
    once = net.snapshot()
    assert net.router.configure(offer, 100) == ()
    assert net.snapshot() == once


def test_a_link_has_its_routes_in_main_and_in_its_own_table(net: Uplinks) -> None:
    net.router.configure(
        connection(1, routes=(("10.50.0.0/16", "10.1.0.9"), ("10.60.0.0/16", None))), 100
    )
    index = net.netlink.link("eth0").index
    for table, metric in (("main", 100), (str(TABLE_BASE + index), 1)):
        shown = net.device.ip("-N", "route", "show", "table", table)
        rest = f"proto {PROTOCOL} src 10.1.0.2 metric {metric}"
        link = f"proto {PROTOCOL} scope link src 10.1.0.2 metric {metric}"
        link = link.replace("scope link", "scope 253")
        assert {" ".join(line.split()) for line in shown.splitlines()} == {
            f"default via 10.1.0.1 dev eth0 {rest}",
            f"10.1.0.0/24 dev eth0 {link}",
            f"10.50.0.0/16 via 10.1.0.9 dev eth0 {rest}",
            f"10.60.0.0/16 dev eth0 {link}",
        }


def test_a_changed_lease_replaces_what_is_no_longer_true(net: Uplinks) -> None:
    net.router.configure(connection(1, routes=(("10.50.0.0/16", "10.1.0.9"),)), 100)
    changed = connection(1, addresses=("10.8.0.2/16",), gateway="10.8.0.1")
    assert net.router.configure(changed, 70) == (interface("10.8.0.2/16"),)
    after = net.snapshot()
    assert "10.1.0." not in after
    assert "10.50." not in after
    net.router.unconfigure("eth0")
    net.router.configure(changed, 70)
    assert without_lifetimes(net.snapshot()) == without_lifetimes(after)


def without_lifetimes(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "valid_lft" not in line)


@pytest.mark.parametrize("promote", ["0", "1"])
def test_another_address_of_the_same_network_stays_when_the_old_one_goes(
    net: Uplinks, promote: str
) -> None:
    """The kernel takes later addresses of a network along with the first one."""
    net.device.sysctl("net.ipv4.conf.eth0.promote_secondaries", promote)
    net.router.configure(connection(1), 100)
    net.router.configure(connection(1, addresses=("10.1.0.77/24",)), 100)
    assert "10.1.0.2/" not in net.snapshot()
    net.device.run("ping", "-c", "1", "-W", "2", "-I", "10.1.0.77", FAR)
    net.device.run("ping", "-c", "1", "-W", "2", FAR)


def test_with_promote_secondaries_an_address_changes_without_a_moment_offline(
    net: Uplinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.device.sysctl("net.ipv4.conf.eth0.promote_secondaries", "1")
    net.router.configure(connection(1), 100)
    net.device.ip("route", "add", "10.99.0.0/16", "dev", "eth0", "proto", "static")
    ways = watched(net, monkeypatch)
    net.router.configure(connection(1, addresses=("10.1.0.77/24",)), 100)
    assert set(ways) == {"eth0"}
    assert "10.99.0.0/16" in net.device.ip("route"), "another program's route stays too"


def test_an_address_of_another_program_is_left_as_it_is(net: Uplinks) -> None:
    net.device.ip(
        "addr", "add", "10.1.0.2/24", "dev", "eth0", "valid_lft", "1000", "preferred_lft", "900"
    )
    net.device.ip("addr", "add", "10.1.5.5/24", "dev", "eth0")
    assert net.router.new_addresses(connection(1)) == ()
    assert net.router.configure(connection(1, valid=5000), 100) == ()
    net.router.configure(connection(1, addresses=("10.1.0.3/24",)), 100)
    net.router.unconfigure("eth0")
    found = {each.interface: each for each in net.netlink.addresses() if each.valid}
    assert set(found) == {interface("10.1.0.2/24")}
    assert 990 < (found[interface("10.1.0.2/24")].valid or 0) <= 1000
    assert "10.1.5.5/24" in net.snapshot()


@pytest.mark.parametrize("kernel_keeps_protocol", [True, False])
def test_an_address_of_ours_is_renewed_and_removed(
    net: Uplinks, monkeypatch: pytest.MonkeyPatch, kernel_keeps_protocol: bool
) -> None:
    if not kernel_keeps_protocol:
        set_address = net.netlink.replace_address

        def old_kernel(*args: Any, protocol: int, **options: Any) -> None:
            set_address(*args, **options)

        monkeypatch.setattr(net.netlink, "replace_address", old_kernel)
    ours = interface("10.1.0.2/24")
    assert net.router.new_addresses(connection(1)) == (ours,)
    assert net.router.configure(connection(1, valid=600), 100) == (ours,)
    assert net.router.configure(connection(1, valid=5000), 100, owned=[ours]) == ()
    index = net.netlink.link("eth0").index
    (found,) = (each for each in net.netlink.addresses(index) if each.interface == ours)
    assert (found.valid or 0) > 4000
    net.router.unconfigure("eth0", owned=[ours])
    assert "10.1.0.2" not in net.snapshot()


def test_an_address_whose_life_ends_takes_its_routes_along(net: Uplinks) -> None:
    net.router.configure(connection(1, valid=1), 100)
    net.router.configure(connection(2), 200)
    assert net.way() == "eth0"
    deadline = time.monotonic() + 5
    while "10.1.0." in "".join(defaults(net)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert net.way() == "eth1"


@pytest.mark.parametrize(
    ("addresses", "gateway", "shown"),
    [
        (("10.1.0.2/32",), "10.1.0.1", "default via 10.1.0.1 dev eth0"),
        (("10.77.0.2/24",), "10.1.0.1", "default via 10.1.0.1 dev eth0"),
        (("10.1.0.2/0",), "10.1.0.1", "default via 10.1.0.1 dev eth0"),
        (("10.1.0.2/24",), None, "default dev eth0"),
        (("192.168.9.9/24", "10.1.0.2/24"), "10.1.0.1", "default via 10.1.0.1 dev eth0"),
    ],
)
def test_a_gateway_may_be_outside_the_network_or_missing(
    net: Uplinks, addresses: tuple[str, ...], gateway: str | None, shown: str
) -> None:
    net.router.configure(connection(1, addresses=addresses, gateway=gateway), 100)
    (route,) = defaults(net)
    assert route.startswith(shown)
    assert f"src {addresses[-1].split('/')[0]}" in route
    net.router.configure(connection(1, addresses=addresses, gateway=gateway), 100)
    net.router.release()
    assert defaults(net) == []


def test_a_family_without_an_address_gets_no_default_route(net: Uplinks) -> None:
    net.router.configure(replace(connection(1), addresses=()), 100)
    assert defaults(net) == []


def test_an_interface_is_set_up_and_given_its_mtu(net: Uplinks) -> None:
    net.device.ip("link", "set", "eth0", "down")
    net.router.configure(connection(1, mtu=1400), 100)
    link = net.netlink.link("eth0")
    assert link.up
    assert link.mtu == 1400


def test_an_mtu_that_the_device_cannot_do_does_not_cost_the_link(
    net: Uplinks, caplog: pytest.LogCaptureFixture
) -> None:
    net.router.configure(connection(1, mtu=70000), 100)
    assert net.way() == "eth0"
    assert "eth0 keeps its MTU of 1500" in caplog.text


def test_a_refused_connection_leaves_nothing_behind(net: Uplinks) -> None:
    before = net.snapshot()
    with pytest.raises(SystemFault, match=r"eth0: the kernel refused to add the route") as caught:
        net.router.configure(connection(1, gateway="10.1.0.255"), 100)
    assert caught.value.errno == errno.EINVAL
    assert net.snapshot() == before


@pytest.mark.parametrize("call", range(1, 20))
def test_an_interface_that_vanishes_at_any_moment_is_named_and_leaves_nothing(
    net: Uplinks, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    before = (net.device.ip("rule"), defaults(net))
    ask, calls = net.netlink._exchange, 0

    def counted(*args: Any) -> bool:
        nonlocal calls
        calls += 1
        if calls == call:
            net.device.ip("link", "del", "eth0")
        return ask(*args)

    monkeypatch.setattr(net.netlink, "_exchange", counted)

    def use() -> None:
        net.router.configure(connection(1), 100)
        net.router.set_metric("eth0", 50)
        net.router.set_metric("eth0", 60)

    with pytest.raises(SystemFault, match=r"^eth0 is gone"):
        use()
    assert calls >= call, "it did vanish on the way"
    with pytest.raises(SystemFault, match=r"eth0 is gone") as caught:
        net.router.set_metric("eth0", 60)
    assert caught.value.errno == errno.ENODEV
    net.router.unconfigure("eth0")
    assert (net.device.ip("rule"), defaults(net)) == before


def test_a_metric_that_cannot_be_set_leaves_the_old_one(
    net: Uplinks, monkeypatch: pytest.MonkeyPatch
) -> None:
    net.router.configure(connection(1), 100)
    before = net.snapshot()
    add = net.netlink.add_route

    def refuse_default(route: Any) -> bool:
        if route.destination.prefixlen == 0:
            raise SystemFault("no memory")
        return add(route)

    monkeypatch.setattr(net.netlink, "add_route", refuse_default)
    with pytest.raises(SystemFault, match="eth0: no memory"):
        net.router.set_metric("eth0", 50)
    assert without_lifetimes(net.snapshot()) == without_lifetimes(before)


def test_unconfiguring_one_link_leaves_the_other_and_the_rest_as_they_were(net: Uplinks) -> None:
    before = net.snapshot()
    net.router.configure(connection(1), 100)
    only_first = net.snapshot()
    net.router.configure(connection(2), 200)
    net.router.unconfigure("eth1")
    assert without_lifetimes(net.snapshot()) == without_lifetimes(only_first)
    net.router.unconfigure("eth0")
    net.router.unconfigure("eth0")
    assert net.snapshot() == before


def test_sweeping_keeps_the_links_that_are_named(net: Uplinks) -> None:
    net.router.configure(connection(2), 200)
    only_second = net.snapshot()
    net.router.configure(connection(1), 100)
    net.router.sweep(["eth1"])
    assert without_lifetimes(net.snapshot()) == without_lifetimes(only_second)
    net.router.configure(connection(1), 100)
    net.device.ip("link", "del", "eth0")
    net.router.sweep(["eth0", "eth1"])
    assert net.device.ip("rule").count("10.1.0.2") == 0, "rules outlive an interface"


KILLED = """
import sys
from conman_core.net.netlink import Netlink
from conman_core.net.routing import Router
from tests.netns.uplinks import connection
router = Router(Netlink())
router.configure(connection(1, routes=(("10.50.0.0/16", "10.1.0.9"),)), 100)
router.configure(connection(2), 200)
print("ready", flush=True)
sys.stdin.read()
"""


def test_release_after_a_kill_leaves_the_machine_as_it_was(net: Uplinks) -> None:
    net.device.ip("addr", "add", "10.1.0.200/24", "dev", "eth0")
    net.device.ip("route", "add", "default", "via", "10.1.0.1", "metric", "900")
    before = net.snapshot()
    process = net.device.start(
        *(sys.executable, "-c", KILLED),
        stdout=subprocess.PIPE,
        stderr=None,
        stdin=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert process.stdout
    assert process.stdout.readline() == b"ready\n"
    assert net.way() == "eth0"
    assert net.snapshot() != before
    net.device.bench.stop(process, signal.SIGKILL)
    net.router.release()
    assert net.snapshot() == before


FOREIGN = (
    "default via 10.1.0.1 dev eth0 proto dhcp src 10.1.0.2",
    "default via 10.1.0.1 dev eth0 proto static metric 600 mtu 1300",
    "default dev eth0 proto boot scope link metric 7",
    "default via 192.0.2.1 dev eth0 proto 77 onlink",
    "default proto static metric 5 nexthop via 10.1.0.1 dev eth0 weight 2"
    " nexthop via 10.2.0.1 dev eth1 weight 1",
)


@pytest.mark.parametrize("line", FOREIGN)
def test_a_foreign_default_route_is_removed_and_put_back_exactly(net: Uplinks, line: str) -> None:
    net.device.ip("addr", "add", "10.1.0.2/24", "dev", "eth0")
    net.device.ip("addr", "add", "10.2.0.2/24", "dev", "eth1")
    net.device.ip("route", "add", *line.split())
    before = net.snapshot()
    net.router.configure(connection(1), 100)
    net.router.configure(connection(2), 200)
    (route,) = net.router.foreign_defaults(["eth0"])
    fields = net.router.remember(route)
    assert net.router.remove(route)
    assert not net.router.remove(route)
    assert net.router.foreign_defaults(["eth0", "eth1"]) == []
    assert len(defaults(net)) == 2, "ours stay"
    assert net.router.restore(fields)
    assert not net.router.restore(fields)
    net.router.release()
    assert net.snapshot() == before


def test_a_foreign_default_of_metric_0_that_went_by_itself_costs_no_other(net: Uplinks) -> None:
    """The kernel takes a metric of 0 in a deletion for any metric."""
    net.device.ip("addr", "add", "10.1.0.2/24", "dev", "eth0")
    net.device.ip("route", "add", "default", "via", "10.1.0.1")
    net.device.ip("route", "add", "default", "via", "10.1.0.1", "metric", "600")
    route = min(net.router.foreign_defaults(["eth0"]), key=lambda each: each.metric)
    net.device.ip("route", "del", "default", "via", "10.1.0.1", "metric", "0")
    assert not net.router.remove(route)
    assert "metric 600" in defaults(net)[0]


def test_defaults_elsewhere_are_not_touched(net: Uplinks) -> None:
    net.device.ip("route", "add", "default", "dev", "eth1", "metric", "3")
    net.device.ip("route", "add", "default", "dev", "eth0", "table", "77")
    net.device.ip("route", "add", "unreachable", "default", "metric", "4000")
    net.router.configure(connection(1), 100)
    assert net.router.foreign_defaults(["eth0"]) == []


def test_a_foreign_ipv6_default_is_found_removed_and_put_back(net: Uplinks) -> None:
    ip = net.device.ip
    route_words = ("default", "via", "fe80::1", "dev", "eth0", "proto", "ra", "metric", "1024")
    ip("-6", "route", "add", *route_words, "expires", "500")
    (route,) = net.router.foreign_defaults(["eth0"])
    fields = net.router.remember(route)
    assert net.router.remove(route)
    assert ip("-6", "route", "show", "default") == ""
    assert net.router.restore(fields)
    shown = ip("-6", "route", "show", "default")
    assert shown.startswith(" ".join(route_words))
    assert 490 < int(shown.split(" expires ")[1].split("sec")[0]) <= 500


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"interface": "eth7"}, "there is no interface eth7"),
        ({"destination": "garbage"}, "garbage"),
        ({"metric": -1}, "-1 is not from 0"),
        ({"metric": "many"}, "not a route"),
        ({"hops": None}, "not a route"),
    ],
)
def test_a_remembered_route_that_makes_no_sense_is_an_error(
    net: Uplinks, change: dict[str, Any], sentence: str
) -> None:
    net.device.ip("route", "add", "default", "dev", "eth0")
    (route,) = net.router.foreign_defaults(["eth0"])
    with pytest.raises(SystemFault, match=sentence):
        net.router.restore(net.router.remember(route) | change)
    with pytest.raises(SystemFault, match="cannot be put back"):
        net.router.restore({})


def test_ipv6_needs_nothing_but_ipv6_addresses(net: Uplinks) -> None:
    before = net.snapshot()
    net.device.sysctl("net.ipv6.conf.eth0.accept_dad", "0")
    offer = Connection(
        interface="eth0",
        addresses=connection(1, addresses=("2001:db8:1::2/64",)).addresses,
        gateways={Family.IPV6: ip_address("fe80::1")},
    )
    net.router.configure(offer, 100)
    shown = net.device.ip("-6", "route", "get", "2001:db8:ffff::1")
    assert "via fe80::1 dev eth0" in shown
    assert "metric 100" in shown
    net.router.set_metric("eth0", 50)
    assert "metric 50" in net.device.ip("-6", "route", "get", "2001:db8:ffff::1")
    net.router.configure(offer, 50)
    net.router.release()
    assert without_lifetimes(net.snapshot()) == without_lifetimes(before)


def test_configuring_and_moving_take_milliseconds(net: Uplinks) -> None:
    figures = {}

    def median(name: str, action: Any) -> None:
        times = []
        for number in range(100):
            begin = time.perf_counter()
            action(number)
            times.append(time.perf_counter() - begin)
        figures[name] = statistics.median(times) * 1000

    net.router.configure(connection(2), 200)
    fresh = []
    for _ in range(100):
        begin = time.perf_counter()
        net.router.configure(connection(1), 100)
        fresh.append(time.perf_counter() - begin)
        net.router.unconfigure("eth0")
    figures["configure, fresh"] = statistics.median(fresh) * 1000
    net.router.configure(connection(1), 100)
    median("configure, again", lambda number: net.router.configure(connection(1), 100))
    median("set_metric", lambda number: net.router.set_metric("eth0", 50 + number % 2))
    print({name: f"{value:.2f} ms" for name, value in figures.items()})
    assert max(figures.values()) < 50


def test_networks_of_other_programs_in_the_main_table_are_left_alone(net: Uplinks) -> None:
    net.device.ip("addr", "add", "10.1.0.200/32", "dev", "eth0")
    net.device.ip("route", "add", "10.99.0.0/16", "dev", "eth0", "metric", "100")
    net.router.configure(connection(1), 100)
    net.router.set_metric("eth0", 50)
    net.router.unconfigure("eth0")
    networks = {route.destination for route in net.netlink.routes() if route.protocol == 3}
    assert networks == {ip_network("10.99.0.0/16")}

"""The netlink sockets against the real kernel."""

from __future__ import annotations

import errno
import select
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest

from conman_core.errors import SystemFault
from conman_core.model import Family
from conman_core.net import netlink
from conman_core.net.netlink import Monitor, Netlink, Overrun
from conman_core.net.rtmessage import (
    AddressMessage,
    LinkMessage,
    Message,
    RouteMessage,
    RuleMessage,
)
from tests.netns.namespaces import Namespace, bench

pytestmark = pytest.mark.netns

OURS = 203


class Device:
    """A host with eth0 (10.0.0.2/24 at its other end's switch) and sockets that live in it."""

    def __init__(self, host: Namespace, far: Namespace) -> None:
        self.host = host
        self.far = far
        self.netlink = host.call(Netlink)
        self.index = self.netlink.link("eth0").index

    def monitor(self, **options: int) -> Monitor:
        return self.host.call(lambda: Monitor(**options))


@pytest.fixture
def device() -> Iterator[Device]:
    with bench("nl") as made:
        host, far = made.namespace("dev"), made.namespace("far")
        # Ends of a cable that have the same number look like hardware to the kernel, which
        # reports hardware's changes of carrier once a second at most (net/core/link_watch.c).
        far.ip("link", "add", "br9", "type", "bridge")
        made.cable(host, "eth0", far, "eth0")
        device = Device(host, far)
        yield device
        device.netlink.close()


def wait_for(
    monitor: Monitor, wanted: Callable[[Message | Overrun], bool], seconds: float = 5
) -> Message | Overrun:
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([monitor], [], [], left)[0]:
            for message in monitor.read():
                if wanted(message):
                    return message
    raise AssertionError("the kernel did not say it")


def test_links_are_listed_as_ip_shows_them(device: Device) -> None:
    device.host.ip("link", "add", "br0", "type", "bridge")
    device.host.ip("link", "set", "eth0", "address", "02:00:00:00:00:07", "mtu", "1400")
    links = {link.name: link for link in device.netlink.links()}
    assert links["eth0"] == LinkMessage(
        device.index, "eth0", True, True, 1400, "veth", "02:00:00:00:00:07"
    )
    assert links["br0"].kind == "bridge"
    assert not links["br0"].up
    assert links["lo"].kind is None
    assert device.netlink.link("eth0") == links["eth0"]


def test_an_interface_that_does_not_exist_is_named_with_its_errno(device: Device) -> None:
    with pytest.raises(SystemFault, match="look at eth7: No such device") as caught:
        device.netlink.link("eth7")
    assert caught.value.errno == errno.ENODEV


def test_a_link_is_set_down_and_up_and_its_mtu_changed(device: Device) -> None:
    device.netlink.set_up(device.index, False)
    assert not device.netlink.link("eth0").up
    device.netlink.set_up(device.index, True)
    device.netlink.set_mtu(device.index, 1280)
    link = device.netlink.link("eth0")
    assert link.up
    assert link.mtu == 1280


@pytest.mark.parametrize("text", ["10.0.0.2/24", "10.0.0.2/32", "10.0.0.2/31", "2001:db8::2/64"])
def test_an_address_is_added_renewed_and_deleted(device: Device, text: str) -> None:
    address = ip_interface(text)

    def found() -> AddressMessage | None:
        messages = device.netlink.addresses(device.index)
        return next((each for each in messages if each.interface == address), None)

    device.netlink.replace_address(device.index, address, 100, 50, protocol=OURS)
    assert found() == AddressMessage(device.index, address, 100, OURS)
    device.netlink.replace_address(device.index, address, 300.9, None, protocol=OURS)
    assert found() == AddressMessage(device.index, address, 300, OURS)
    device.netlink.replace_address(device.index, address, None, None, protocol=OURS)
    assert found() == AddressMessage(device.index, address, None, OURS)
    assert device.netlink.delete_address(device.index, address)
    assert not device.netlink.delete_address(device.index, address)
    assert found() is None


def test_an_address_brings_no_route_of_the_kernels_and_has_its_broadcast_address(
    device: Device,
) -> None:
    device.netlink.replace_address(device.index, ip_interface("10.0.0.2/24"))
    assert device.host.ip("-4", "route") == ""
    assert "brd 10.0.0.255" in device.host.ip("addr", "show", "eth0")


ROUTE = RouteMessage(ip_network("10.9.0.0/16"), metric=100, table=20002, protocol=OURS, scope=253)


@pytest.mark.parametrize(
    "route",
    [
        ROUTE,
        replace(ROUTE, prefsrc=ip_address("10.0.0.2")),
        replace(ROUTE, gateway=ip_address("10.0.0.1"), scope=0, table=254, metric=2**32 - 1),
        replace(ROUTE, gateway=ip_address("192.0.2.1"), scope=0, onlink=True),
        replace(ROUTE, gateway=ip_address("fe80::1"), scope=0),
        replace(ROUTE, destination=ip_network("0.0.0.0/0"), table=254),
        replace(ROUTE, destination=ip_network("2001:db8:9::/48"), scope=0),
        replace(
            ROUTE, destination=ip_network("::/0"), scope=0, gateway=ip_address("fe80::1"), table=254
        ),
        replace(
            ROUTE,
            destination=ip_network("::/0"),
            scope=0,
            gateway=ip_address("fe80::1"),
            expires=100,
            protocol=9,
        ),
    ],
    ids=str,
)
def test_what_is_added_is_what_the_kernel_lists(device: Device, route: RouteMessage) -> None:
    device.netlink.replace_address(device.index, ip_interface("10.0.0.2/24"), noprefixroute=False)
    route = replace(route, oif=device.index)
    before = device.netlink.routes()
    assert device.netlink.add_route(route)
    assert not device.netlink.add_route(route), "a second time it is there already"
    listed = device.netlink.routes(route.protocol)
    assert [replace(each, expires=each.expires and 100) for each in listed] == [route]
    assert device.netlink.delete_route(route)
    assert not device.netlink.delete_route(route)
    assert device.netlink.routes() == before


def test_a_multipath_route_with_options_is_removed_and_put_back_exactly(device: Device) -> None:
    device.host.ip("addr", "add", "10.0.0.2/24", "dev", "eth0")
    device.host.ip(
        *("route", "add", "10.9.0.0/16", "proto", "static", "metric", "7", "mtu", "1200"),
        *("nexthop", "via", "10.0.0.1", "dev", "eth0", "weight", "3"),
        *("nexthop", "via", "192.0.2.1", "dev", "eth0", "onlink"),
    )
    shown = device.host.ip("route")
    (route,) = (each for each in device.netlink.routes(4) if each.hops)
    assert [hop.weight for hop in route.hops] == [3, 1]
    assert device.netlink.delete_route(route)
    assert "nexthop" not in device.host.ip("route")
    assert device.netlink.add_route(route)
    assert device.host.ip("route") == shown


@pytest.mark.parametrize("family", list(Family))
@pytest.mark.parametrize("suppress", [None, 0])
def test_a_rule_is_added_once_and_deleted(
    device: Device, family: Family, suppress: int | None
) -> None:
    source = ip_network("10.0.0.2" if family is Family.IPV4 else "2001:db8::2")
    rule = RuleMessage(family, 32700, source, 20002, suppress, OURS)
    before = device.netlink.rules()
    assert device.netlink.add_rule(rule)
    assert not device.netlink.add_rule(rule)
    assert [each for each in device.netlink.rules() if each not in before] == [rule]
    assert device.netlink.delete_rule(rule)
    assert not device.netlink.delete_rule(rule)
    assert device.netlink.rules() == before


def test_a_refusal_says_what_was_refused_and_why(device: Device) -> None:
    route = RouteMessage(ip_network("0.0.0.0/0"), ip_address("192.0.2.1"), device.index, 5)
    with pytest.raises(SystemFault) as caught:
        device.netlink.add_route(route)
    assert caught.value.errno == errno.ENETUNREACH
    assert str(caught.value).startswith(
        "the kernel refused to add the route 0.0.0.0/0 via 192.0.2.1 metric 5 table 254: "
    )
    assert "invalid gateway" in str(caught.value), "the kernel's own words are kept"


def test_long_lists_arrive_whole(device: Device) -> None:
    lines = [f"route add 10.{n // 250}.{n % 250}.0/24 dev eth0 proto 77" for n in range(3000)]
    device.host.run("ip", "-batch", "-", stdin="\n".join(lines))
    assert len(set(device.netlink.routes(77))) == 3000


class Tampered(socket.socket):
    """A netlink socket whose answers pass through `tamper` first."""

    tamper: Callable[[bytes], bytes]

    def recvmsg(self, *sizes: int) -> tuple[bytes, list[tuple[int, int, bytes]], int, Any]:
        data, ancillary, flags, sender = super().recvmsg(*sizes)
        return self.tamper(data), ancillary, flags, sender


@pytest.fixture
def tampered(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Callable[[bytes], bytes]], Netlink]]:
    made: list[Netlink] = []

    def make(tamper: Callable[[bytes], bytes]) -> Netlink:
        sock = device.host.call(
            lambda: Tampered(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
        )
        sock.tamper = tamper
        monkeypatch.setattr(netlink, "_socket", lambda: sock)
        made.append(Netlink(timeout=0.2))
        return made[-1]

    yield make
    for each in made:
        each.close()


Tamper = Callable[[Callable[[bytes], bytes]], Netlink]


def test_a_kernel_that_does_not_answer_is_an_error_and_not_a_hang(tampered: Tamper) -> None:
    deaf = tampered(lambda data: b"")
    with pytest.raises(SystemFault, match="did not answer: cannot list the interfaces") as caught:
        deaf.links()
    assert caught.value.errno == errno.ETIMEDOUT


def test_the_late_answer_to_a_request_that_was_given_up_is_not_taken_for_another(
    tampered: Tamper,
) -> None:
    late = [True]

    def tamper(data: bytes) -> bytes:
        if late:
            late.clear()
            raise TimeoutError
        return data

    slow = tampered(tamper)
    with pytest.raises(SystemFault, match="did not answer"):
        slow.addresses()
    assert {link.name for link in slow.links()} == {"lo", "eth0"}


def test_an_answer_that_makes_no_sense_is_an_error(tampered: Tamper) -> None:
    with pytest.raises(SystemFault, match="makes no sense") as caught:
        tampered(lambda data: data[:-1]).links()
    assert caught.value.errno == errno.EBADMSG


def interrupted(data: bytes) -> bytes:
    """Set NLM_F_DUMP_INTR in the first message."""
    return data[:6] + bytes([data[6] | 0x10]) + data[7:]


def test_a_list_that_changed_while_it_was_made_is_asked_for_again(tampered: Tamper) -> None:
    answers: list[bytes] = []

    def tamper(data: bytes) -> bytes:
        answers.append(data)
        return interrupted(data) if len(answers) == 1 else data

    links = tampered(tamper).links()
    assert sorted(link.name for link in links) == ["eth0", "lo"]
    assert len(answers) > 2


def test_a_list_that_never_stands_still_is_used_as_it_is(
    tampered: Tamper, caplog: pytest.LogCaptureFixture
) -> None:
    assert len(tampered(interrupted).links()) == 2
    assert "changed all the time" in caplog.text


def test_a_lack_of_rights_says_what_to_do(tampered: Tamper, device: Device) -> None:
    def tamper(data: bytes) -> bytes:
        return data[:16] + (-errno.EPERM).to_bytes(4, "little", signed=True) + data[20:]

    with pytest.raises(SystemFault, match=r"set interface .* up: .*; run conman as root"):
        tampered(tamper).set_up(device.index, True)


def test_a_monitor_hears_of_links_addresses_and_routes(device: Device) -> None:
    monitor = device.monitor()
    try:
        assert monitor.read() == []
        device.host.ip("addr", "add", "10.0.0.2/24", "dev", "eth0")
        address = AddressMessage(device.index, ip_interface("10.0.0.2/24"))
        wait_for(monitor, lambda message: message == address)
        device.host.ip("route", "add", "default", "via", "10.0.0.1", "metric", "9")
        route = RouteMessage(
            ip_network("0.0.0.0/0"), ip_address("10.0.0.1"), device.index, 9, protocol=3
        )
        wait_for(monitor, lambda message: message == route)
        device.host.ip("route", "del", "default")
        wait_for(monitor, lambda message: message == replace(route, gone=True))
        device.host.ip("link", "del", "eth0")
        wait_for(
            monitor,
            lambda message: (
                isinstance(message, LinkMessage) and message.gone and message.name == "eth0"
            ),
        )
    finally:
        monitor.close()


def test_a_port_that_leaves_a_bridge_is_not_an_interface_that_is_gone(device: Device) -> None:
    device.host.ip("link", "add", "br0", "type", "bridge")
    device.host.ip("link", "set", "eth0", "master", "br0")
    monitor = device.monitor()
    try:
        device.host.ip("link", "set", "eth0", "nomaster")
        device.host.ip("link", "del", "br0")
        heard: list[Message | Overrun] = []
        wait_for(
            monitor,
            lambda message: (
                heard.append(message) is None
                and isinstance(message, LinkMessage)
                and message.gone
                and message.name == "br0"
            ),
        )
        assert "eth0" not in {
            each.name for each in heard if isinstance(each, LinkMessage) and each.gone
        }
    finally:
        monitor.close()


def test_a_monitor_that_was_too_slow_says_so_and_goes_on(device: Device) -> None:
    monitor = device.monitor(receive_buffer=4096)
    try:
        lines = [f"route add 10.1.{n % 256}.0/24 dev eth0 metric {n}" for n in range(1, 501)]
        device.host.run("ip", "-batch", "-", stdin="\n".join(lines))
        wait_for(monitor, lambda message: isinstance(message, Overrun))
        while monitor.read():
            pass
        device.far.ip("link", "set", "eth0", "down")
        wait_for(monitor, lambda message: isinstance(message, LinkMessage) and not message.carrier)
    finally:
        monitor.close()


def test_a_monitor_that_keeps_up_loses_nothing(device: Device) -> None:
    monitor = device.monitor()
    try:
        lines = [f"route add 10.1.{n % 256}.0/24 dev eth0 metric {n}" for n in range(1, 501)]
        device.host.run("ip", "-batch", "-", stdin="\n".join(lines))
        heard: set[int] = set()
        wait_for(
            monitor,
            lambda message: (
                heard.add(message.metric) is None and len(heard) == 500
                if isinstance(message, RouteMessage)
                else False
            ),
        )
    finally:
        monitor.close()


def test_a_pulled_cable_is_heard_within_milliseconds(device: Device) -> None:
    monitor = device.monitor()
    far = device.far.call(Netlink)
    try:
        index, times = far.link("eth0").index, []
        for _ in range(20):
            begin = time.monotonic()
            far.set_up(index, False)
            wait_for(
                monitor, lambda message: isinstance(message, LinkMessage) and not message.carrier
            )
            times.append(time.monotonic() - begin)
            far.set_up(index, True)
            wait_for(monitor, lambda message: isinstance(message, LinkMessage) and message.carrier)
        print(f"cable pulled to event: median {statistics.median(times) * 1000:.2f} ms")
        assert statistics.median(times) < 0.05
    finally:
        far.close()
        monitor.close()

"""A link is judged by what really answers over it, over it alone, and within three seconds."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from ipaddress import ip_address, ip_interface
from pathlib import Path

import pytest

from conman_core.model import Address, Connection, Family, Verdict
from conman_core.reach import LIMIT, Check, Checker, Finding, PathMemory, Targets, icmp
from conman_core.reach.path import path_of
from tests.netns.internet import SITES, TARGETS, Internet, internet
from tests.netns.namespaces import Namespace
from tests.netns.services import DNSMASQ, resolves, start_dns, start_servers, wait_ready

pytestmark = pytest.mark.netns

PAGES = (f"http://{SITES[0]}/generate_204", f"http://{SITES[1]}/check_network_status.txt")
INTERNET = Targets(tuple(ip_address(host) for host in TARGETS), PAGES)
#: a path that is known to be quick and was fully checked a moment ago
KNOWN = PathMemory(srtt=0.001, last_full=1e9)
HOME, BACKUP = "10.77.1.1", "10.77.2.1"
_tables = itertools.count()
LATE = 0.3  # a busy test machine; the round itself needs a few milliseconds


def connection(interface="eth0", address="10.77.1.50/24", gateway=HOME, dns=(HOME,)):
    return Connection(
        interface,
        (Address(ip_interface(address)),),
        {Family.IPV4: gateway and ip_address(gateway)},
        tuple(ip_address(server) for server in dns),
    )


ETH0 = connection()
ETH1 = connection("eth1", "10.77.2.50/24", BACKUP, (BACKUP,))


def check(
    host: Namespace, *rounds: Connection, targets=INTERNET, memory=KNOWN, full=False
) -> list[tuple[Finding, float]]:
    """Check connections side by side; return what was found and how long each round took."""

    async def one(link: Connection) -> tuple[Finding, float]:
        started = time.monotonic()
        found = await Checker().check(link, targets, memory, full=full)
        return found, time.monotonic() - started

    async def every() -> list[tuple[Finding, float]]:
        return await asyncio.gather(*(one(link) for link in rounds))

    return host.call(lambda: asyncio.run(every()))


def asked(found: Finding) -> dict[str, str]:
    """What was asked, and the outcome."""
    return {f"{ask['method']} {ask['target']}": ask["outcome"] for ask in found.details["asked"]}


@contextlib.contextmanager
def rules(host: Namespace, hook: str, *lines: str) -> Iterator[Callable[[], dict[str, int]]]:
    """Add nft rules; gives a function that returns the packets of each counter `count_NAME`."""
    table = f"test{next(_tables)}"
    kind = "nat" if any("dnat" in line for line in lines) else "filter"
    names = {word for line in lines for word in line.split() if word.startswith("count_")}
    text = [f"add table ip {table}"]
    text += [f"add counter ip {table} {name}" for name in names]
    text += [f"add chain ip {table} c {{ type {kind} hook {hook} priority -150; }}"]
    text += [f"add rule ip {table} c {re.sub('(?=count_)', 'counter name ', x)}" for x in lines]
    host.run("nft", "-f", "-", stdin="\n".join(text) + "\n")

    def counts() -> dict[str, int]:
        listed = json.loads(host.run("nft", "-j", "list", "counters"))["nftables"]
        found = (entry["counter"] for entry in listed if "counter" in entry)
        return {counter["name"]: counter["packets"] for counter in found}

    try:
        yield counts
    finally:
        host.run("nft", "delete", "table", "ip", table)


@contextlib.contextmanager
def server(
    host: Namespace, address: str, port: int, answer: bytes, endless: bytes = b""
) -> Iterator[None]:
    """Answer everybody who connects with the same bytes, and with more until they hang up."""
    listening = host.call(lambda: socket.create_server((address, port)))

    def serve() -> None:
        while True:
            try:
                talking, _ = listening.accept()
            except OSError:
                return
            with talking, contextlib.suppress(OSError):
                talking.settimeout(2)
                talking.recv(4096)
                talking.sendall(answer)
                while endless:
                    talking.sendall(endless)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        listening.close()


@pytest.fixture(scope="module")
def net() -> Iterator[Internet]:
    with internet(prefix="cr", dhcp=False) as made:
        for interface, link in (("eth0", ETH0), ("eth1", ETH1)):
            made.device.ip("link", "set", interface, "up")
            address = str(link.addresses[0].interface)
            made.device.ip("address", "add", address, "dev", interface)
        made.device.sysctl("net.ipv4.ping_group_range", "0 0")
        for name in ("eth0", "eth1"):
            made.device.sysctl(f"net.ipv4.conf.{name}.rp_filter", "2")
        yield made


@pytest.fixture
def device(net: Internet) -> Iterator[Namespace]:
    """The device, with eth1 before eth0 in its main table: bound checks must not care."""
    for interface, gateway, metric in (("eth0", HOME, "200"), ("eth1", BACKUP, "100")):
        route = ("default", "via", gateway, "dev", interface, "metric", metric)
        net.device.ip("route", "replace", *route)
    yield net.device
    net.home.restore()
    net.home.dns_start()
    net.cable_in("eth0")


def test_everything_that_works_is_asked_at_first_and_a_page_decides(device):
    [(found, seconds)] = check(device, ETH0, memory=None)
    assert found.good
    assert found.details["full"]
    assert found.sentence.startswith("http://")
    assert seconds < 1
    assert found.rtt is not None
    assert found.rtt < 1
    assert found.memory.last_full is not None
    assert json.loads(json.dumps(found.details)) == found.details


def test_a_routine_round_asks_hosts_and_the_name_server_and_ends_with_the_first_answer(device):
    [(found, seconds)] = check(device, ETH0)
    assert found.verdict is Verdict.ONLINE
    assert set(asked(found)) == {*(f"ping {host}" for host in TARGETS), f"dns {HOME}"}
    assert seconds < 0.25


def test_a_routine_round_on_a_link_with_a_bill_is_one_echo(device):
    [(found, _)] = check(device, replace(ETH0, metered=True))
    assert found.verdict is Verdict.ONLINE
    assert asked(found) == {"ping 1.1.1.1": "answered"}


def test_a_routine_round_costs_few_bytes(device):
    def bytes_of(**round_: object) -> int:
        def count() -> int:
            listed = json.loads(device.ip("-json", "-stats", "link", "show", "dev", "eth0"))
            stats = listed[0]["stats64"]
            return int(stats["rx"]["bytes"] + stats["tx"]["bytes"])

        before = count()
        check(device, ETH0, **round_)
        return count() - before

    assert bytes_of() < 1000
    assert bytes_of(full=True) < 4000


def test_echo_alone_is_enough_where_the_machine_has_other_name_servers(net, device):
    with rules(net.home, "prerouting", "tcp dport 80 drop", "udp dport 53 drop"):
        [(found, seconds)] = check(device, ETH0, targets=replace(INTERNET, use_dns=False))
    assert found.verdict is Verdict.ONLINE
    assert seconds < 0.25


def test_a_page_alone_is_enough(net, device):
    with rules(net.home, "prerouting", "ip protocol icmp drop"):
        [(found, seconds)] = check(device, ETH0)
    assert found.verdict is Verdict.ONLINE
    assert asked(found)["ping 1.1.1.1"] == "silent"
    assert seconds < 1


def test_a_page_with_the_right_words_is_as_good_as_an_empty_one(net, device):
    with rules(net.home, "prerouting", "ip protocol icmp drop"):
        [(found, _)] = check(device, ETH0, targets=replace(INTERNET, urls=PAGES[1:]))
    assert found.sentence.startswith(PAGES[1])
    assert found.verdict is Verdict.ONLINE


def test_a_name_server_beyond_the_router_alone_is_enough(net, device):
    with rules(net.home, "prerouting", "ip protocol icmp drop", "tcp dport 80 drop"):
        [(found, seconds)] = check(device, connection(dns=("9.9.9.9",)))
    assert found.verdict is Verdict.ONLINE
    assert "9.9.9.9 beyond the router" in found.sentence
    assert 1 < seconds < 1.25 + LATE  # pages were given their chance


def test_a_link_without_name_servers_resolves_over_the_hosts(net, device):
    with rules(net.home, "prerouting", "ip protocol icmp drop"):
        [(found, _)] = check(device, connection(dns=()))
    assert found.verdict is Verdict.ONLINE
    assert found.sentence.startswith("http://")


def test_a_path_that_drops_echo_is_asked_for_a_page_from_the_fourth_round_on(net, device):
    memory: PathMemory | None = None
    with rules(net.home, "prerouting", "ip protocol icmp drop"):
        for _ in range(4):
            [(found, seconds)] = check(device, ETH0, memory=memory)
            memory = found.memory
    assert found.verdict is Verdict.ONLINE
    assert asked(found) == {f"page {PAGES[0]}": "answered", f"dns {HOME}": "answered"}
    assert seconds < 0.25


def in_time(seconds: float) -> bool:
    return LIMIT <= seconds < LIMIT + LATE


def test_silent_death_is_found_in_three_seconds_though_another_link_lives(net, device):
    net.home.silence()
    (found, seconds), (alive, _) = check(device, ETH0, ETH1)
    assert alive.verdict is Verdict.ONLINE
    assert found.verdict is Verdict.LIMITED
    assert found.sentence == f"the router {HOME} answers, the internet beyond it does not"
    assert in_time(seconds)
    assert found.memory.last_full is None  # the next round asks for everything again


def test_a_dead_line_and_a_wrong_router_are_found_in_three_seconds(net, device):
    net.cable_out("eth0")
    wrong = "10.77.2.66"
    device.ip("route", "replace", "default", "via", wrong, "dev", "eth1", "metric", "100")
    outcomes = check(device, ETH0, connection("eth1", "10.77.2.50/24", wrong, (wrong,)))
    for (found, seconds), router in zip(outcomes, (HOME, wrong), strict=True):
        assert found.verdict is Verdict.OFFLINE
        assert f", not even its router {router}" in found.sentence
        assert seconds < LIMIT + LATE


def test_a_line_that_comes_back_within_the_round_is_online(net, device):
    net.home.silence()
    back = threading.Timer(1.5, net.home.restore)
    back.start()
    [(found, seconds)] = check(device, ETH0)
    back.join()
    assert found.verdict is Verdict.ONLINE
    assert 1.5 < seconds < LIMIT


def test_name_servers_that_do_not_serve_limit_the_link_and_are_named(net, device):
    """One takes questions and is silent, one knows only errors, on one host there is none."""
    only_errors, none = "10.77.1.2", "10.77.1.3"
    for address in (only_errors, none):
        net.home.ip("address", "add", f"{address}/24", "dev", "lan0")
    argv = (*DNSMASQ, "--no-resolv", "--bind-interfaces", f"--listen-address={only_errors}")
    serving = net.home.start(*argv, "--address=/known.example/192.0.2.1")
    wait_ready(net.home, serving, "DNS", lambda: resolves(net.home, only_errors, "known.example"))
    with rules(net.home, "prerouting", f"ip daddr {HOME} udp dport 53 drop"):
        outcomes = check(device, *(connection(dns=(one,)) for one in (HOME, only_errors, none)))
    net.bench.stop(serving)
    for address in (only_errors, none):
        net.home.ip("address", "del", f"{address}/24", "dev", "lan0")
    does = ("does not", "says REFUSED", "says connection refused")
    for (found, seconds), said in zip(outcomes, does, strict=True):
        assert found.verdict is Verdict.LIMITED
        assert f"{said}: names do not resolve" in found.sentence
        assert in_time(seconds)


def test_a_login_page_is_found_though_echo_and_names_pass(net, device):
    portal = start_servers(net.home, "portal", HOME, "8081")
    with rules(net.home, "prerouting", f'iifname "lan0" tcp dport 80 dnat to {HOME}:8081'):
        [(found, seconds)] = check(device, ETH0, full=True)
    net.bench.stop(portal)
    assert found.verdict is Verdict.PORTAL
    assert "http://login.example/" in found.sentence
    assert found.details["login_page"] == "http://login.example/"
    assert seconds < 1


def test_a_page_that_nobody_asked_for_is_a_login_page_too(net, device):
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n<html>Welcome</html>"
    dnat = f'iifname "lan0" tcp dport 80 dnat to {HOME}:8082'
    with server(net.home, HOME, 8082, page), rules(net.home, "prerouting", dnat):
        [(found, _)] = check(device, ETH0, full=True)
    assert found.verdict is Verdict.PORTAL
    assert not found.good


def test_pages_are_waited_for_no_longer_than_a_second_once_a_host_has_answered(net, device):
    with rules(net.home, "prerouting", "tcp dport 80 drop"):
        [(found, seconds)] = check(device, ETH0, full=True)
    assert found.verdict is Verdict.ONLINE
    assert 1 <= seconds < 1 + LATE


def test_a_server_that_never_ends_is_cut_off_and_proves_nothing(net, device):
    dnat = f'iifname "lan0" tcp dport 80 dnat to {HOME}:8083'
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with (
        server(net.home, HOME, 8083, head, endless=b"1" * 4096),
        rules(net.home, "prerouting", dnat),
        rules(net.home, "prerouting", "ip protocol icmp drop"),
    ):
        [(found, seconds)] = check(device, ETH0, full=True)
    assert found.verdict is Verdict.LIMITED
    assert asked(found)[f"page {PAGES[0]}"] == "refused"
    assert in_time(seconds)


def test_where_only_the_router_counts_it_is_found_though_it_drops_echo(net, device):
    gateway = replace(INTERNET, mode=Check.GATEWAY)
    net.home.silence()
    with rules(net.home, "prerouting", "ip protocol icmp drop"):
        [(found, seconds)] = check(device, ETH0, targets=gateway)
    assert found.verdict is Verdict.ONLINE
    assert seconds < 0.25
    net.cable_out("eth0")
    [(found, seconds)] = check(device, ETH0, targets=gateway)
    assert found.verdict is Verdict.OFFLINE
    assert in_time(seconds)


def test_what_is_not_to_be_checked_is_not_and_says_so(device):
    [(found, seconds)] = check(device, ETH0, targets=replace(INTERNET, mode=Check.NONE))
    assert found.verdict is Verdict.ONLINE
    assert "unchecked" in found.sentence
    assert seconds < 0.1


def test_a_link_without_a_router_address_is_checked_like_any_other(net, device):
    """As on ppp: the default route has no address. Proxy ARP stands in for the other end."""
    net.home.sysctl("net.ipv4.conf.lan0.proxy_arp", "1")
    device.ip("route", "replace", "default", "dev", "eth0", "metric", "200")
    [(found, _)] = check(device, connection(gateway=None))
    device.ip("route", "flush", "cache")
    net.home.sysctl("net.ipv4.conf.lan0.proxy_arp", "0")
    device.ip("route", "del", "default", "dev", "eth0", "metric", "200")
    assert found.verdict is Verdict.ONLINE


def test_half_of_all_packets_lost_is_still_online(net, device):
    with rules(device, "input", 'iifname "eth0" numgen random mod 2 == 0 drop'):
        outcomes = check(device, *[ETH0] * 20)
    assert sum(found.good for found, _ in outcomes) >= 19
    assert max(seconds for _, seconds in outcomes) < LIMIT + LATE


def test_a_third_lost_each_way_is_still_online(net, device):
    lost = "numgen random mod 3 == 0 drop"
    with (
        rules(device, "input", f'iifname "eth0" {lost}'),
        rules(net.home, "prerouting", f'iifname "lan0" {lost}'),
    ):
        outcomes = check(device, *[ETH0] * 20)
    assert sum(found.good for found, _ in outcomes) >= 19


def test_a_check_leaves_by_its_own_device_only(net, device):
    # Not counted: the kernel's own RST for an answer that comes after the round, from no socket.
    questions = ("icmp type echo-request", "udp dport 53", "tcp flags syn / syn,rst")
    out = [
        f'oifname "{name}" {kind} count_{name}' for name in ("eth0", "eth1") for kind in questions
    ]
    with rules(device, "output", *out) as counts:
        for full in (False, True):
            check(device, ETH0, full=full)
        seen = counts()
        assert seen["count_eth0"] > 0
        assert seen["count_eth1"] == 0
        check(device, ETH1, full=True)
        assert counts()["count_eth0"] == seen["count_eth0"]


def test_the_same_router_address_on_another_link_does_not_answer_for_this_one(net, device):
    """Two links, each with a router 10.77.1.1: nothing but the device tells them apart."""
    backup = net.backup
    backup.ip("address", "add", f"{HOME}/24", "dev", "lan0")
    device.ip("address", "add", "10.77.1.51/24", "dev", "eth1")
    twin = start_dns(backup, (HOME,), SITES, "198.51.100.1")
    net.home.dns_hang()
    try:
        twin_link = connection("eth1", "10.77.1.51/24", HOME, (HOME,))
        hosts_are_mute = replace(INTERNET, hosts=(ip_address("192.0.2.77"),))
        (mine, _), (other, _) = check(device, ETH0, twin_link, targets=hosts_are_mute)
    finally:
        net.bench.stop(twin)
        device.ip("address", "del", "10.77.1.51/24", "dev", "eth1")
        backup.ip("address", "del", f"{HOME}/24", "dev", "lan0")
    assert asked(mine)[f"dns {HOME}"] == "silent"
    assert asked(other)[f"dns {HOME}"] == "answered"


def test_two_links_in_one_lan_are_each_checked_over_their_own_device():
    with internet(prefix="cr", shared_lan=True, dhcp=False) as shared:
        device = shared.device
        for name in ("all", "eth0", "eth1"):
            device.sysctl(f"net.ipv4.conf.{name}.rp_filter", "2")
            device.sysctl(f"net.ipv4.conf.{name}.arp_ignore", "1")
            device.sysctl(f"net.ipv4.conf.{name}.arp_announce", "2")
        links = []
        for number, interface in enumerate(("eth0", "eth1")):
            address, gateway = f"10.77.1.{50 + number}/24", f"10.77.1.{1 + number}"
            device.ip("link", "set", interface, "up")
            device.ip("address", "add", address, "dev", interface)
            route = ("default", "via", gateway, "dev", interface, "metric", str(number + 1))
            device.ip("route", "add", *route)
            links.append(connection(interface, address, gateway, (gateway,)))
        assert [found.verdict for found, _ in check(device, *links)] == [Verdict.ONLINE] * 2
        shared.home.silence()
        verdicts = [found.verdict for found, _ in check(device, *links)]
        assert verdicts == [Verdict.LIMITED, Verdict.ONLINE]


def test_a_link_that_vanished_or_lost_its_address_is_a_finding_not_an_error(device):
    gone, moved = connection("eth9"), connection(address="10.77.1.99/24")
    (first, soon), (second, _) = check(device, gone, moved)
    assert first.verdict is Verdict.OFFLINE
    assert second.verdict is Verdict.LIMITED  # its router does answer
    assert "no such device" in first.sentence
    assert "cannot assign requested address" in second.sentence
    assert soon < 1  # there is nothing to wait for


def test_a_kernel_that_refuses_to_send_is_a_finding_not_an_error(device):
    with rules(device, "output", 'oifname "eth0" reject'):
        [(found, seconds)] = check(device, ETH0)
    assert not found.good
    assert "operation not permitted" in found.sentence
    assert seconds < LIMIT + LATE


def test_a_router_that_knows_no_way_is_named(net, device):
    net.home.ip("route", "del", "default")
    try:
        [(found, seconds)] = check(device, ETH0)
    finally:
        net.home.ip("route", "add", "default", "via", "203.0.113.1")
    assert found.verdict is Verdict.LIMITED
    assert f"network unreachable (says {HOME})" in found.sentence
    assert in_time(seconds)  # it may know one in a moment


def test_without_the_privilege_for_raw_sockets_echo_works_too(device, monkeypatch):
    real = icmp.bound

    def unprivileged(path, kind, protocol=0):
        if kind == socket.SOCK_RAW:
            raise PermissionError(1, "Operation not permitted")
        return real(path, kind, protocol)

    monkeypatch.setattr(icmp, "bound", unprivileged)
    [(found, _)] = check(device, ETH0)
    assert asked(found)["ping 1.1.1.1"] == "answered"


def test_a_flood_of_foreign_packets_does_not_push_the_answer_out(net, device):
    """Far more than the socket's buffer holds comes before anybody reads it."""
    path = path_of(ETH0, Family.IPV4)
    assert path

    def replies(*identifiers: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
            for identifier in identifiers:
                reply = bytearray(icmp.encode_request(identifier, 1, bytes(1000)))
                reply[0], reply[2:4] = icmp.ECHO_REPLY, b"\0\0"
                reply[2:4] = icmp.checksum(bytes(reply)).to_bytes(2, "big")
                raw.sendto(reply, ("10.77.1.50", 0))

    sock, raw = device.call(lambda: icmp.open_socket(path, 0x1234))
    with sock:
        assert raw
        net.home.call(lambda: replies(*[0x4242] * 1000, 0x1234, *[0x4242] * 10))
        sock.settimeout(5)
        received = icmp.without_ip_header(sock.recv(2048))
        assert received
        assert icmp.parse(received) == icmp.Echo(0x1234, 1, bytes(1000))
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.recv(2048)


@contextlib.contextmanager
def echoes(host: Namespace, change: Callable[[int, bytearray], None]) -> Iterator[None]:
    """Answer echo requests in the kernel's place, each reply as `change` has left it."""
    stop, listening = threading.Event(), threading.Event()

    def answer() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
            raw.settimeout(0.05)
            listening.set()
            number = itertools.count(1)
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    message = icmp.without_ip_header(raw.recv(2048))
                    if message and message[0] == icmp.ECHO_REQUEST:
                        reply = bytearray(b"\0\0\0\0" + message[4:])
                        change(next(number), reply)
                        reply[2:4] = icmp.checksum(bytes(reply)).to_bytes(2, "big")
                        raw.sendto(reply, ("10.77.1.50", 0))

    host.sysctl("net.ipv4.icmp_echo_ignore_all", "1")
    answering = threading.Thread(target=host.call, args=(answer,))
    answering.start()
    assert listening.wait(10)
    try:
        yield
    finally:
        stop.set()
        answering.join()
        host.sysctl("net.ipv4.icmp_echo_ignore_all", "0")


ONLY_ECHO = Targets((ip_address(HOME),), use_dns=False)


def test_a_forged_echo_reply_is_not_believed(net, device):
    """The first request is answered with another payload, the second as it should be."""

    def change(number: int, reply: bytearray) -> None:
        reply[-1] ^= number == 1

    with echoes(net.home, change):
        [(found, seconds)] = check(device, ETH0, targets=ONLY_ECHO)
    assert found.verdict is Verdict.ONLINE
    assert seconds >= KNOWN.patience


def test_a_slow_line_is_online_and_not_asked_twice_once_it_is_known(net, device):
    with echoes(net.home, lambda _number, _reply: time.sleep(0.6)):
        [(first, _)] = check(device, ETH0, targets=ONLY_ECHO)
    assert first.good
    assert first.details["full"]
    with echoes(net.home, lambda _number, _reply: time.sleep(0.6)):
        known = replace(KNOWN, srtt=first.rtt)
        [(second, seconds)] = check(device, ETH0, targets=ONLY_ECHO, memory=known)
    assert second.good
    assert 0.6 <= seconds < known.patience
    assert asked(second) == {f"ping {HOME}": "answered"}


def test_a_cancelled_round_leaves_no_socket_and_neither_do_two_hundred_rounds(net, device):
    async def rounds() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        chance = random.Random(7)
        before = len([*Path("/proc/self/fd").iterdir()])
        for number in range(200):
            task = loop.create_task(Checker().check(ETH0, INTERNET, KNOWN, full=number % 2 == 0))
            if number % 4 < 2:
                await asyncio.sleep(chance.uniform(0, 0.02))
                task.cancel()
            await asyncio.wait([task])
        assert len(asyncio.all_tasks()) == 1
        return before, len([*Path("/proc/self/fd").iterdir()])

    before, after = device.call(lambda: asyncio.run(rounds()))
    assert after == before

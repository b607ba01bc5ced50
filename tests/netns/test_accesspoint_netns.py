"""What guests of the access point get and reach: real dnsmasq, nft, hostapd, page and routing."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from conman_core import ConnectError
from conman_plugins.accesspoint.air import Air
from tests.netns.guests import (
    ANSWER,
    AP,
    INTERNET,
    OUTSIDE,
    PAGE,
    WANTED,
    Place,
    place,
)
from tests.netns.lan import wait_for
from tests.netns.namespaces import run
from tests.netns.services import DNSMASQ, resolves, wait_ready

pytestmark = pytest.mark.netns

NAMES = ("connectivitycheck.gstatic.com", "captive.apple.com", "localhost", "wpad", ".", "x.local")
EMPTY = ("AAAA", "HTTPS", "SVCB", "TXT", "MX", "NS", "SOA", "SRV", "CAA", "DS")
HERS = "table inet hers { chain input { type filter hook input priority 0; policy accept; }; }\n"


@dataclass
class Visit:
    """A phone that has joined. `told` is what DHCP gave it."""

    place: Place
    told: dict[str, str]


@pytest.fixture(scope="module")
def visit() -> Iterator[Visit]:
    """On the device run servers of its own, for the web, ssh and names."""
    with place() as there:
        there.device.run("nft", "-f", "-", stdin=HERS)
        for port in (22, 443, 8080):
            there.serve(there.device, "0.0.0.0", port)
        there.serve(there.device, OUTSIDE, 80)
        there.serve(there.device, "0.0.0.0", 5353, socket.SOCK_DGRAM)
        there.serve(there.device, "127.0.0.53", 53, socket.SOCK_DGRAM)
        there.serve(there.internet, INTERNET, 80)
        there.open()
        yield Visit(there, there.join())
        assert there.guests.fallen == []


@pytest.fixture
def world() -> Iterator[Place]:
    """One for tests that change something, or have something in the access point's way."""
    with place() as there:
        yield there


# -- addresses and names


def test_a_phone_gets_an_address_the_page_as_its_router_and_for_names(visit: Visit) -> None:
    told = visit.told
    assert re.fullmatch(r"10\.0\.0\.(?!1$)\d+", told["new_ip_address"])
    assert told["new_subnet_cidr"] == "24"
    assert told["new_routers"] == told["new_domain_name_servers"] == PAGE
    assert 120 <= int(told["new_dhcp_lease_time"]) <= 600, "not to be kept on other networks"


@pytest.mark.parametrize("how", ["+notcp", "+tcp"])
def test_every_name_has_the_address_of_the_portal(visit: Visit, how: str) -> None:
    for name in NAMES:
        status, answer = visit.place.ask(f"@{PAGE}", how, name)
        assert status == "NOERROR"
        assert answer.split()[-1] == ANSWER
        assert int(answer.split()[1]) <= 1, "not to be remembered on other networks"


def test_every_other_question_is_answered_at_once_and_empty(visit: Visit) -> None:
    """A phone that is refused, or told that there is no such name, waits or gives up."""
    for kind in EMPTY:
        assert visit.place.ask(f"@{PAGE}", "-t", kind, "www.example.com") == ["NOERROR"], kind


def test_the_name_of_an_address_is_answered_at_once(visit: Visit) -> None:
    for address in (PAGE, visit.told["new_ip_address"], "8.8.8.8", "2001:db8::1"):
        assert visit.place.ask(f"@{PAGE}", "-x", address) == ["NOERROR"]


def test_a_guest_cannot_take_a_name(visit: Visit) -> None:
    """Its own name would be known to all others, and might be wpad."""
    (_, answer) = visit.place.ask(f"@{PAGE}", "iPhone")
    assert answer.split()[-1] == ANSWER


def test_names_are_answered_on_the_portals_address_too(visit: Visit) -> None:
    assert visit.place.ask(f"@{ANSWER}", "example.com")[0] == "NOERROR"


def test_the_devices_own_names_are_no_guests_business(visit: Visit) -> None:
    with open("/etc/hosts") as file:  # noqa: PTH123 - in the device's view
        names = {name for line in file for name in line.partition("#")[0].split()[1:]}
    for name in names | {socket.gethostname()}:
        assert [a.split()[-1] for a in visit.place.ask(f"@{PAGE}", name)[1:]] == [ANSWER], name


def test_no_question_is_passed_on_to_anybody(visit: Visit) -> None:
    for name in ("example.com", "1.0.0.127.in-addr.arpa"):
        visit.place.ask(f"@{PAGE}", name)
    assert visit.place.passed_on("names") == 0


# -- what can be reached


def test_any_address_leads_to_the_page(visit: Visit) -> None:
    for address in (PAGE, ANSWER):
        answer = visit.place.fetch(address, "captive.apple.com")
        assert answer.startswith(b"HTTP/1.1 302 ")
        assert f"Location: http://{PAGE}/".encode() in answer
    assert visit.place.fetch(PAGE, PAGE).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("address", [PAGE, ANSWER])
def test_page_names_and_ssh_are_open_and_all_else_is_refused_at_once(
    visit: Visit, address: str
) -> None:
    found = {port: visit.place.connect(address, port) for port in (22, 53, 80, 443, 8080, 9999)}
    assert found == {
        **{22: "open", 53: "open", 80: "open"},
        **{443: "refused", 8080: "refused", 9999: "refused"},
    }


def test_what_the_device_offers_in_other_networks_is_not_for_guests(visit: Visit) -> None:
    assert [visit.place.connect(OUTSIDE, port) for port in (22, 80, 8080)] == ["refused"] * 3


def test_ping_works(visit: Visit) -> None:
    said = visit.place.phone.run("ping", "-c", "1", "-W", "2", PAGE)
    assert " 0% packet loss" in said


def test_other_datagrams_are_refused_at_once(visit: Visit) -> None:
    def send() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(2)
            asking.connect((PAGE, 5353))
            asking.send(b"?")
            asking.recv(10)

    with pytest.raises(ConnectionRefusedError):
        visit.place.phone.call(send)


def test_nothing_of_a_guest_goes_to_another_network(visit: Visit) -> None:
    assert visit.place.connect(INTERNET, 80, 0.3) != "open"
    assert visit.place.passed_on() == 0


def test_without_its_rules_the_kernel_passes_nothing_on_either(visit: Visit) -> None:
    there = visit.place
    rules = there.device.run("nft", "list", "table", "inet", "conman_accesspoint")
    there.device.run("nft", "delete", "table", "inet", "conman_accesspoint")
    try:
        assert there.connect(OUTSIDE, 22) == "open", "the way is there"
        assert there.connect(INTERNET, 80, 0.3) != "open"
        assert there.passed_on() == 0
    finally:
        there.device.run("nft", "-f", "-", stdin=rules)


def test_there_is_no_ipv6_for_guests(visit: Visit) -> None:
    there = visit.place
    assert there.device.ip("-6", "address", "show", "dev", AP) == ""
    # a machine that passes IPv6 on is a router, and would answer to "all routers"
    heard = there.phone.run("ping", "-6", "-c", "1", "-W", "0.3", "ff02::2%ph0", check=False)
    assert " 0 received" in heard


def test_somebody_elses_rules_stay_as_they_are(visit: Visit) -> None:
    assert visit.place.rules().count("table inet hers") == 1


# -- the end


def test_in_the_end_everything_is_as_it_was(world: Place) -> None:
    world.device.run("nft", "-f", "-", stdin=HERS)
    before = world.rules(), world.kernel(), world.device.ip("rule"), world.device.ip("route")
    world.open()
    assert (world.rules(), world.kernel()) != before[:2]
    world.close()
    after = world.rules(), world.kernel(), world.device.ip("rule"), world.device.ip("route")
    assert after == before
    assert run("ip", "netns", "pids", world.device.name) == ""
    assert world.host.store.load() == {}


def test_what_a_killed_conman_left_is_tidied_up(world: Place) -> None:
    before = world.rules(), world.kernel()
    air = Air(world.host, WANTED, joined=str, left=str, lost=str)  # type: ignore[arg-type]
    world.do(air.prepare(world.plan))
    assert world.kernel() != before[1]
    world.do(Air.tidy(world.host))  # type: ignore[arg-type]
    assert (world.rules(), world.kernel()) == before
    assert world.host.store.load() == {}
    world.do(Air.tidy(world.host))  # type: ignore[arg-type]


# -- others in the way


def test_where_others_have_the_usual_ports_guests_find_the_page_and_names_all_the_same(
    world: Place,
) -> None:
    """One dnsmasq for all networks of the machine, as many routers have it, and a web server."""
    world.serve(world.device, "0.0.0.0", 80)
    other = world.device.start(*DNSMASQ, "--no-resolv", "--address=/#/203.0.113.9")
    wait_ready(world.device, other, "DNS", lambda: resolves(world.device, OUTSIDE, "example.com"))
    world.open()
    world.settle()
    for how in ("+notcp", "+tcp"):
        assert world.ask(f"@{PAGE}", how, "example.com")[1].split()[-1] == ANSWER
    for address in (PAGE, ANSWER):
        assert world.fetch(address, PAGE).startswith(b"HTTP/1.1 200 ")
    assert world.connect(PAGE, 443) == "refused"


def test_a_dhcp_server_for_all_networks_is_told_with_how_to_find_it(world: Place) -> None:
    world.device.start(
        *(*DNSMASQ, "--port=0", "--log-facility=-", "--dhcp-range=198.51.100.50,198.51.100.60"),
        log="other.log",
    )
    wait_for(lambda: "DHCP, IP range" in world.bench.log("other.log"))
    before = world.kernel()
    with pytest.raises(ConnectError, match=r"another DHCP server has port 67 .* sport = :67"):
        world.open()
    assert world.kernel() == before


def test_a_resolver_on_an_address_of_its_own_is_in_nobodys_way(visit: Visit) -> None:
    assert "redirect" not in visit.place.rules()


def test_a_page_that_cannot_be_served_on_any_port_leaves_nothing(world: Place) -> None:
    """Without nft traffic cannot be led past the program that has port 80."""
    world.serve(world.device, "0.0.0.0", 80)
    before = world.kernel()
    world.host.missing.add("nft")
    with pytest.raises(ConnectError, match="another program has port 80 or 53"):
        world.open()
    assert world.kernel() == before

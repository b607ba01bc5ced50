"""The small internet that other tests stand on does what it says, and so do the measuring tools."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.netns.internet import HOME, SITE, SITES, TARGETS, Internet, internet
from tests.netns.measure import TcpHolder, UdpMeter, dhcp_alone

pytestmark = pytest.mark.netns

OPTIONS = "domain_name_servers,classless_static_routes"
DHCPCD = ("dhcpcd", "-4", "-1", "-q", "--nodelay", "-A", "-f", "/dev/null", "-o", OPTIONS)
NO_ANSWER = 0.4  # a veth answers within a millisecond


@pytest.fixture(scope="module")
def net() -> Iterator[Internet]:
    """One for the tests that leave it as they found it."""
    with internet() as made:
        yield made


@pytest.fixture(autouse=True)
def nothing_of_the_machine_changes() -> Iterator[None]:
    def machine() -> tuple[str, ...]:
        files = ("/etc/resolv.conf", "/proc/net/route", "/proc/sys/net/ipv4/ip_forward")
        # The machine's own dhcpcd folder, where a client that escaped would leave its lease.
        leases = sorted(str(file) for file in Path("/var/lib/dhcpcd").glob("*"))
        return (*(Path(file).read_text() for file in files), *leases)

    before = machine()
    yield
    assert machine() == before


@pytest.fixture
def wired(net: Internet) -> Iterator[Internet]:
    """Both uplinks configured by hand: eth0 first, eth1 as a standby that the kernel falls to."""
    device = net.device
    for number, interface in enumerate(("eth0", "eth1"), 1):
        device.ip("link", "set", interface, "up")
        device.sysctl(f"net.ipv4.conf.{interface}.ignore_routes_with_linkdown", "1")
        device.ip("address", "add", f"10.77.{number}.50/24", "dev", interface)
        router = f"10.77.{number}.1"
        device.ip("route", "add", "default", "via", router, "metric", str(number * 100))
    yield net
    net.home.restore()
    for interface in ("eth0", "eth1"):
        net.cable_in(interface)
        device.ip("address", "flush", "dev", interface)
        device.ip("link", "set", interface, "down")


def fetch(net: Internet, url: str) -> tuple[int, str]:
    """Fetch a page as a program on the device does: names by its resolver file."""
    code = (
        "import sys, urllib.request, urllib.error\n"
        "class Stay(urllib.request.HTTPRedirectHandler):\n"
        "    def redirect_request(self, *args): return None\n"
        "try: answer = urllib.request.build_opener(Stay).open(sys.argv[1], timeout=5)\n"
        "except urllib.error.HTTPError as error: answer = error\n"
        "print(answer.status, answer.read().decode().strip())"
    )
    status, _, body = net.device.run("python3", "-c", code, url).strip().partition(" ")
    return int(status), body


def answers(net: Internet, address: str, interface: str | None = None) -> bool:
    bound = ("-I", interface) if interface else ()
    return "1 received" in net.device.run("ping", "-n", "-c1", "-W1", *bound, address, check=False)


def test_the_default_targets_and_pages_answer_and_prove_the_internet(wired: Internet) -> None:
    wired.device.resolv_conf.write_text(f"nameserver {HOME.ip}\n")
    for address in (*TARGETS, SITE):
        assert answers(wired, address)
    assert fetch(wired, f"http://{SITES[0]}/generate_204") == (204, "")
    page = f"http://{SITES[1]}/check_network_status.txt"
    assert fetch(wired, page) == (200, "NetworkManager is online")
    wired.device.resolv_conf.write_text("nameserver 1.1.1.1\n")
    assert fetch(wired, f"http://{SITES[0]}/generate_204") == (204, "")


def test_a_lone_dhcp_client_gets_an_address_a_route_and_a_resolver(net: Internet) -> None:
    device = net.device
    device.run(*DHCPCD, "eth0")
    routes = json.loads(device.ip("-json", "route", "show", "default"))
    assert routes[0]["gateway"] == "10.77.1.1"
    assert "nameserver 10.77.1.1" in device.resolv_conf.read_text()
    assert list((device.folder / "var/lib/dhcpcd").glob("eth0.lease"))
    assert answers(net, TARGETS[0])
    device.ip("address", "flush", "dev", "eth0")
    device.ip("link", "set", "eth0", "down")


def test_a_pulled_cable_costs_milliseconds_when_the_kernel_falls_to_the_standby(
    wired: Internet,
) -> None:
    meter = UdpMeter(wired.device)
    meter.wait_answer(0, interface="eth0")
    pulled = wired.cable_out("eth0")
    first = meter.wait_answer(pulled, interface="eth1")
    meter.wait_answer(first.sent + 0.5)
    meter.stop()
    window = meter.window(pulled, first.received + 0.2)
    assert window.outage < 0.1
    assert window.interfaces[-1] == "eth1"
    assert window.sent > 20


def test_a_silent_death_leaves_carrier_and_gateway_alive_and_loses_every_packet(
    wired: Internet,
) -> None:
    meter = UdpMeter(wired.device)
    meter.wait_answer(0, interface="eth0")
    silenced = wired.home.silence()
    assert answers(wired, str(HOME.ip), "eth0")
    assert not answers(wired, TARGETS[0], "eth0")
    restored = wired.home.restore()
    first = meter.wait_answer(restored)
    last = meter.wait_answer(first.received + 0.2)
    meter.stop()
    window = meter.window(silenced, first.received + meter.period)
    assert window.gap == pytest.approx(first.received - silenced, abs=0.1)
    assert window.lost == pytest.approx(window.gap / meter.period, rel=0.35)
    assert window.outage == window.lost * meter.period
    assert meter.window(first.sent, last.sent).lost == 0


def test_a_held_connection_lives_as_long_as_its_way(wired: Internet) -> None:
    holder = TcpHolder(wired.device, period=0.02)
    holder.wait_echo(0)
    assert holder.local == "10.77.1.50"
    silenced = wired.home.silence()
    time.sleep(NO_ANSWER)
    assert holder.last_echo < silenced + NO_ANSWER / 2
    assert holder.broken is None
    wired.home.restore()
    holder.wait_echo(silenced + NO_ANSWER)
    wired.device.run("ss", "--kill", "--tcp", "src", "10.77.1.50")
    assert holder.wait_broken() in ("ECONNABORTED", "ECONNRESET")
    holder.stop()


def test_a_portal_answers_in_the_name_of_the_site_and_passes_nothing_else(wired: Internet) -> None:
    wired.home.portal_on()
    assert fetch(wired, f"http://{SITE}/generate_204")[0] == 302
    assert not answers(wired, TARGETS[0])
    wired.home.portal_off()
    assert fetch(wired, f"http://{SITE}/generate_204")[0] == 204
    assert answers(wired, TARGETS[0])


def test_dns_can_refuse_or_stay_silent_while_packets_pass(wired: Internet) -> None:
    assert wired.home.dns_answers()
    wired.home.dns_hang()
    assert not wired.home.dns_answers()
    wired.home.dns_start()
    assert wired.home.dns_answers()
    wired.home.dns_stop()
    assert not wired.home.dns_answers()
    assert answers(wired, TARGETS[0])
    wired.home.dns_start()
    assert wired.home.dns_answers()


def test_a_router_drops_what_is_not_from_its_lan(wired: Internet) -> None:
    wired.device.ip("address", "add", "10.99.0.1/32", "dev", "lo")
    ping = ("ping", "-n", "-c1", "-W1", "-I", "10.99.0.1", TARGETS[0])
    assert "0 received" in wired.device.run(*ping, check=False)
    wired.device.ip("address", "del", "10.99.0.1/32", "dev", "lo")


def test_dhcp_can_be_absent_and_come_later_with_classless_routes() -> None:
    with internet(dhcp=False) as net:
        device = net.device
        with pytest.raises(RuntimeError):
            device.run(*DHCPCD, "-t", "1", "eth0")
        net.home.dhcp_start("121,10.88.0.0/16,10.77.1.9,0.0.0.0/0,10.77.1.1")
        device.run(*DHCPCD, "eth0")
        assert "10.88.0.0/16 via 10.77.1.9" in device.ip("route")
        net.home.dhcp_stop()
        with pytest.raises(RuntimeError):
            device.run(*DHCPCD, "-t", "1", "eth1")


def test_in_a_shared_lan_each_uplink_has_its_router_and_pulling_one_leaves_the_other() -> None:
    with internet(shared_lan=True) as net:
        for interface in ("eth0", "eth1"):
            net.device.run(*DHCPCD, interface)
        routes = json.loads(net.device.ip("-json", "route", "show", "default"))
        assert {r["dev"]: r["gateway"] for r in routes} == {
            "eth0": "10.77.1.1",
            "eth1": "10.77.1.2",
        }
        net.cable_out("eth0")
        assert "NO-CARRIER" in net.device.ip("link", "show", "eth0")
        assert "NO-CARRIER" not in net.device.ip("link", "show", "eth1")
        net.cable_in("eth0")
        assert "NO-CARRIER" not in net.device.ip("link", "show", "eth0")


def test_in_a_shared_lan_one_router_can_serve_both_uplinks() -> None:
    with internet(shared_lan=True, one_router=True) as net:
        for interface in ("eth0", "eth1"):
            net.device.run(*DHCPCD, interface)
        routes = json.loads(net.device.ip("-json", "route", "show", "default"))
        assert {r["gateway"] for r in routes} == {"10.77.1.1"}
        assert len(routes) == 2


def test_two_internets_do_not_meet_and_both_are_removed() -> None:
    with internet() as one, internet() as other:
        one.home.silence()
        names = {one.bench.prefix, other.bench.prefix}
        assert len(names) == 2
        folders = (one.bench.folder, other.bench.folder, one.device.resolv_conf.parent)
        other.device.run(*DHCPCD, "eth0")
        assert answers(other, TARGETS[0])
    left = [file.name for file in Path("/run/netns").iterdir()]
    assert not [name for name in left if any(name.startswith(prefix) for prefix in names)]
    assert not [folder for folder in folders if folder.exists()]


def test_the_dhcp_floor_is_measured_fresh_and_with_a_known_lease(net: Internet) -> None:
    fresh = dhcp_alone(net.device, "eth1")
    known = dhcp_alone(net.device, "eth1", known=True)
    assert 0.001 < known < 5
    assert 0.001 < fresh < 5

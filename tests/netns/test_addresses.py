"""Where addresses come from: DHCP servers that are slow, silent or refuse, and none at all."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.netns.device import SETTINGS
from tests.netns.internet import Internet, internet
from tests.netns.test_story import both_verified, link

pytestmark = pytest.mark.netns

STATIC = """
[conman]
priority = ethernet
[conman:ethernet]
interfaces = eth0
address = static
static-address = 10.77.1.77/24
gateway = 10.77.1.1
dns = 10.77.1.1
"""


@pytest.fixture
def net() -> Iterator[Internet]:
    with internet(dhcp=False) as made:
        yield made


def test_a_silent_server_is_said_and_the_other_link_works_meanwhile(net: Internet) -> None:
    net.backup.dhcp_start()
    daemon = net.device.run_conman(SETTINGS + "dhcp-timeout = 2s\n")
    daemon.wait(lambda s: s["uplink"] == "ethernet:eth1" and s["state"] == "online", 10)

    status = daemon.wait(lambda s: link(s, "ethernet:eth0")["reason"] == "NO_ADDRESS", 10)
    assert "no DHCP server answered on eth0 within 2 s" in link(status, "ethernet:eth0")["sentence"]


def test_a_server_that_appears_late_is_used_within_seconds(net: Internet) -> None:
    daemon = net.device.run_conman()
    daemon.wait(lambda s: link(s, "ethernet:eth1")["state"] == "connecting")
    net.home.dhcp_start()
    began = time.monotonic()
    daemon.wait(lambda s: s["uplink"] == "ethernet:eth0" and s["state"] == "online", 15)
    assert time.monotonic() - began < 10


def test_a_slow_server_is_waited_for_while_the_other_link_works(net: Internet) -> None:
    net.backup.dhcp_start()
    serve(net, "--dhcp-reply-delay=3")
    daemon = net.device.run_conman()
    daemon.wait(lambda s: s["uplink"] == "ethernet:eth1" and s["state"] == "online", 5)
    daemon.wait(lambda s: s["uplink"] == "ethernet:eth0" and s["state"] == "online", 20)


def serve(net: Internet, *options: str) -> None:
    """Start a DHCP server at home with options of its own."""
    net.home.start(
        "dnsmasq",
        *("-k", "--conf-file=/dev/null", "--port=0", "--interface=lan0", "--no-ping"),
        *("--dhcp-authoritative", "--dhcp-range=10.77.1.200,10.77.1.210,2m"),
        *(f"--dhcp-leasefile={net.bench.folder}/other.leases", "--dhcp-option=6,10.77.1.1"),
        *(f"--pid-file={net.bench.folder}/other.pid", *options),
    )


def test_a_server_that_refuses_the_known_lease_gives_another(net: Internet) -> None:
    net.home.dhcp_start()
    daemon = net.device.run_conman()
    first = daemon.wait(lambda s: s["uplink"] == "ethernet:eth0" and s["state"] == "online")
    before = link(first, "ethernet:eth0")["addresses"]
    assert daemon.stop() == 0
    assert net.device.conman("release").returncode == 0
    net.home.dhcp_stop()
    address = before[0].partition("/")[0]
    serve(net, f"--dhcp-host=02:00:00:00:00:01,{address}")  # it belongs to another device now
    again = net.device.run_conman()
    status = again.wait(lambda s: s["uplink"] == "ethernet:eth0" and s["state"] == "online", 20)
    assert link(status, "ethernet:eth0")["addresses"] != before


def test_static_addresses_need_no_server(net: Internet) -> None:
    daemon = net.device.run_conman(STATIC)
    status = daemon.wait(lambda s: s["state"] == "online", 10)

    found = link(status, "ethernet:eth0")
    assert found["addresses"] == ["10.77.1.77/24"]
    assert found["gateway"] == "10.77.1.1"
    assert "dhcpcd" not in daemon.log()


def test_static_settings_that_do_not_fit_are_said_at_the_start(net: Internet) -> None:
    daemon = net.device.run_conman(STATIC.replace("gateway = 10.77.1.1", "gateway = 10.9.9.9"))

    assert daemon.process.wait(10) == 1
    told = "line 8: [conman:ethernet] gateway = 10.9.9.9 cannot be reached from static-address"
    assert told in daemon.log()


def test_a_checked_gateway_is_enough_where_the_user_says_so(net: Internet) -> None:
    for router in net.routers:
        router.dhcp_start()
        router.silence()
    daemon = net.device.run_conman(SETTINGS + "check = gateway\n")

    daemon.wait(both_verified, 15)


def test_a_client_that_dies_is_started_again_and_costs_no_packet(net: Internet) -> None:
    for router in net.routers:
        router.dhcp_start()
    daemon = net.device.run_conman()
    status = daemon.wait(both_verified)
    before = link(status, "ethernet:eth0")["since"]
    pids = net.device.run("sh", "-c", "cat /run/dhcpcd/eth0-4.pid /run/dhcpcd/eth0.pid 2>&1 || :")
    victim = next(word for word in pids.split() if word.isdigit())
    net.device.run("kill", "-KILL", victim)

    deadline = time.monotonic() + 15
    while daemon.log().count("INFO    eth0: leased") < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert daemon.log().count("INFO    eth0: leased") == 2
    status = daemon.status()
    assert link(status, "ethernet:eth0")["since"] == before
    assert status["uplink"] == "ethernet:eth0"

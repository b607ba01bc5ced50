"""Leases from a real server by a real dhcpcd, and what happens when either fails."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator

import pytest

from tests.netns.lan import Lan, wait_for
from tests.netns.namespaces import bench

pytestmark = pytest.mark.netns


@pytest.fixture
def lan() -> Iterator[Lan]:
    with bench("dh") as made:
        yield Lan(made)


def test_a_lease_comes_at_once_with_all_that_the_server_offers(lan: Lan) -> None:
    lan.serve("--dhcp-option=6,10.9.0.53,9.9.9.9", "--dhcp-option=26,1400")
    client = lan.client()
    lease = client.lease()
    assert lease["at"] - client.started["at"] < 1.0
    assert re.fullmatch(r"10\.9\.0\.1\d\d/24", lease["address"])
    assert lease["gateway"] == "10.9.0.1"
    assert lease["dns"] == ["10.9.0.53", "9.9.9.9"]
    assert (lease["mtu"], lease["valid"], lease["routes"]) == (1400, 120.0, [])
    assert "client provides name: " in lan.bench.log("server.log")
    assert client.end("close")["left"] == ["children.json"]


def test_the_client_itself_changes_nothing_in_the_kernel(lan: Lan) -> None:
    lan.serve("--dhcp-option=26,1400", "--dhcp-option=121,10.20.0.0/16,10.9.0.7")
    before = lan.device.ip("-4", "route"), lan.addresses()
    lan.client(CONFIGURE="no").lease()
    assert (lan.device.ip("-4", "route"), lan.addresses()) == before == ("", [])
    assert "mtu 1500" in lan.device.ip("link", "show", "eth0")


def test_routes_that_cover_everything_or_the_checks_are_not_taken(lan: Lan) -> None:
    everything = "0.0.0.0/1,10.9.0.66,128.0.0.0/1,10.9.0.66"
    more = "198.51.100.0/24,10.9.0.66,10.20.0.0/16,10.9.0.7,0.0.0.0/0,10.9.0.9"
    lan.serve(f"--dhcp-option=121,{everything},{more}")
    lease = lan.client().lease()
    assert lease["routes"] == ["10.20.0.0/16 10.9.0.7"]
    assert lease["gateway"] == "10.9.0.9"
    for route in ("0.0.0.0/1", "128.0.0.0/1", "198.51.100.0/24"):
        assert f"the route to {route}; not taken" in lan.bench.log("client.log")


def test_each_renewal_is_told(lan: Lan) -> None:
    lan.serve("--dhcp-option-force=58,3", "--dhcp-option-force=59,60")
    client = lan.client()
    first = client.lease()
    for _ in range(2):
        renewed = client.lease(limit=5)
        assert (renewed["address"], renewed["valid"]) == (first["address"], 120.0)
    assert lan.heard("DHCPREQUEST").count(first["address"].split("/")[0]) >= 3


def test_a_silent_server_is_waited_for_and_cancelling_leaves_nothing(lan: Lan) -> None:
    client = lan.client()
    wait_for(lan.clients)
    assert client.poll(2.0) is None
    assert client.end("cancel")["left"] == ["children.json"]
    assert lan.clients() == []


def test_a_server_that_comes_late_is_found(lan: Lan) -> None:
    client = lan.client()
    wait_for(lan.clients)
    assert client.poll(1.0) is None
    lan.serve()
    client.lease()


def test_a_remembered_address_that_the_server_refuses_is_replaced(lan: Lan) -> None:
    first = lan.serve()
    client = lan.client()
    client.lease()
    client.end("close")
    lan.bench.stop(first)
    lan.device.ip("address", "flush", "dev", "eth0")
    lan.use_network("10.8.0")
    lan.serve()
    client = lan.client()
    assert client.lease()["address"].startswith("10.8.0.1")
    assert "DHCPNAK(lan0)" in lan.bench.log("server.log")


def test_a_server_that_is_silent_about_a_remembered_address_costs_two_seconds(lan: Lan) -> None:
    first = lan.serve()
    client = lan.client()
    client.lease()
    client.end("close")
    lan.bench.stop(first)
    lan.device.ip("address", "flush", "dev", "eth0")
    lan.use_network("10.8.0")
    lan.serve(authoritative=False)
    client = lan.client()
    lease = client.lease()
    assert lease["address"].startswith("10.8.0.1")
    assert lease["at"] - client.started["at"] < 3.0


def test_a_cable_that_is_pulled_and_put_back_keeps_the_lease(lan: Lan) -> None:
    lan.serve()
    client = lan.client()
    first = client.lease()
    lan.server.ip("link", "set", "lan0", "down")
    assert client.poll(1.0) is None, "a carrier loss is not the end of a lease"
    assert lan.addresses() == [first["address"]]
    lan.server.ip("link", "set", "lan0", "up")
    assert client.lease()["address"] == first["address"]


def test_a_cable_that_is_put_into_another_network_gives_a_new_lease(lan: Lan) -> None:
    first = lan.serve()
    client = lan.client()
    client.lease()
    lan.server.ip("link", "set", "lan0", "down")
    wait_for(lambda: "carrier lost" in lan.bench.log("client.log"))
    lan.bench.stop(first)
    lan.use_network("10.8.0")
    lan.serve()
    lan.server.ip("link", "set", "lan0", "up")
    client.next("lost")
    assert client.lease()["address"].startswith("10.8.0.1")


def test_an_address_that_somebody_removes_is_not_a_lost_lease(lan: Lan) -> None:
    lan.serve()
    client = lan.client()
    first = client.lease()
    wait_for(lan.addresses)
    lan.device.ip("address", "del", first["address"], "dev", "eth0")
    assert client.lease()["address"] == first["address"]
    wait_for(lambda: lan.addresses() == [first["address"]])


def test_a_killed_client_is_started_again_and_the_address_stays(lan: Lan) -> None:
    lan.serve()
    client = lan.client()
    first = client.lease()
    wait_for(lan.addresses)
    old = lan.clients()
    os.kill(lan.main_client(), signal.SIGKILL)
    assert client.lease()["address"] == first["address"]
    assert lan.addresses() == [first["address"]]
    assert not set(old) & set(lan.clients()), "helpers of the killed one are left"


def test_release_is_heard_by_the_server(lan: Lan) -> None:
    lan.serve()
    client = lan.client()
    address = client.lease()["address"]
    wait_for(lan.addresses)
    client.end("release")
    wait_for(lambda: lan.heard("DHCPRELEASE"))
    assert lan.heard("DHCPRELEASE") == [address.split("/")[0]]
    assert lan.addresses() == [address], "the core removes it, not the client"
    assert lan.clients() == []


def test_close_keeps_the_address_and_the_lease(lan: Lan) -> None:
    lan.serve()
    client = lan.client()
    address = client.lease()["address"]
    wait_for(lan.addresses)
    client.end("close")
    assert lan.addresses() == [address]
    assert lan.clients() == []
    client = lan.client()
    assert client.lease()["address"] == address
    assert lan.heard("DHCPRELEASE") == []


def test_after_a_kill_of_the_supervisor_the_next_one_ends_the_client_with_its_helpers(
    lan: Lan,
) -> None:
    lan.serve()
    client = lan.client()
    address = client.lease()["address"]
    wait_for(lan.addresses)
    lan.bench.stop(client.process, signal.SIGKILL)
    left = lan.clients()
    assert len(left) >= 3
    client = lan.client()
    assert client.started["ended"] == [f"dhcpcd ({min(left)})"]
    assert client.lease()["address"] == address
    assert not set(left) & set(lan.clients())


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (("-4", "eth0"), "dhcpcd -4 -x eth0"),
        (("eth0",), "dhcpcd -x eth0"),
        # even where it leaves the interface alone it would take our command line over
        (("--denyinterfaces", "eth0"), "systemctl disable --now dhcpcd"),
    ],
)
def test_another_dhcpcd_is_told_and_left_alone(
    lan: Lan, arguments: tuple[str, ...], command: str
) -> None:
    lan.serve()
    flags = ("-B", "-p", "-f", "/dev/null", "-C", "resolv.conf", "--noconfigure")
    other = lan.on_device("dhcpcd", *flags, *arguments, log="other.log")
    wait_for(lambda: any((lan.bench.folder / "run").glob("*pid")))
    client = lan.client()
    error = client.next("error")
    assert error["reason"] == "BUSY"
    assert error["sentence"].endswith(command)
    assert other.poll() is None
    assert "control command" not in lan.bench.log("other.log")

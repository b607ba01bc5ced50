"""Leases from a real server by a real dhcpcd, and what happens when either fails."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.netns.namespaces import Bench, bench
from tests.netns.services import DNSMASQ, TOOLS, Process, wait_ready

pytestmark = pytest.mark.netns

ROOT = Path(__file__).parents[2]
#: dhcpcd keeps its files there whatever the network namespace
ENTER = """
mkdir -p /run/dhcpcd /var/lib/dhcpcd
mount --bind "$0/run" /run/dhcpcd
mount --bind "$0/lib" /var/lib/dhcpcd
exec "$@"
"""
LIMIT = 15.0


class Client:
    """The program of tools/lease_client.py on the device."""

    def __init__(self, lan: Lan, **environment: str) -> None:
        self.lan = lan
        argv = (sys.executable, str(TOOLS / "lease_client.py"), str(lan.runtime), "eth0")
        self.process = lan.on_device(
            *argv,
            log="client.log",
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        )
        self.started = self.next("started")

    def next(self, *events: str, limit: float = LIMIT) -> dict[str, Any]:
        """Return the next thing that happened; it must be one of these."""
        said = self.poll(limit)
        assert said is not None, f"none of {events} within {limit:g} s\n{self.lan.logs()}"
        assert said["event"] in events, f"{said} instead of {events}\n{self.lan.logs()}"
        return said

    def poll(self, limit: float) -> dict[str, Any] | None:
        """Return the next thing that happened, None if nothing did."""
        assert self.process.stdout
        readable, _, _ = select.select([self.process.stdout], [], [], limit)
        line = os.read(self.process.stdout.fileno(), 1) if readable else b""
        while line and not line.endswith(b"\n"):
            line += os.read(self.process.stdout.fileno(), 1)
        said: dict[str, Any] | None = json.loads(line) if line else None
        return said

    def lease(self, limit: float = LIMIT) -> dict[str, Any]:
        return self.next("lease", limit=limit)

    def end(self, how: str) -> dict[str, Any]:
        """End it by a command; what it reported before that is passed over."""
        assert self.process.stdin
        self.process.stdin.write(f"{how}\n".encode())
        self.process.stdin.flush()
        while True:
            said = self.next("lease", "lost", "ended")
            if said["event"] == "ended":
                self.lan.bench.stop(self.process)
                return said


class Lan:
    """A cable between the `eth0` of a device and the `lan0` of a DHCP server."""

    def __init__(self, made: Bench) -> None:
        self.bench = made
        self.device = made.namespace("device")
        self.server = made.namespace("server")
        made.cable(self.server, "lan0", self.device, "eth0")
        self.runtime = made.folder / "runtime"
        for folder in ("run", "lib", "runtime"):
            (made.folder / folder).mkdir()
        wait_for(lambda: "LOWER_UP" in self.device.ip("link", "show", "eth0"))
        self.network = ""
        self.use_network("10.9.0")

    def use_network(self, network: str) -> None:
        """Give the server's end another network."""
        self.server.ip("address", "flush", "dev", "lan0")
        self.server.ip("address", "add", f"{network}.1/24", "dev", "lan0")
        self.network = network

    def serve(self, *options: str, authoritative: bool = True) -> Process:
        """Start a DHCP server; the shortest lease that dnsmasq gives is two minutes."""
        process = self.server.start(
            *(*DNSMASQ, "--port=0", "--interface=lan0", "--bind-interfaces", "--no-ping"),
            *(("--dhcp-authoritative",) if authoritative else ()),
            *("--log-dhcp", "--log-facility=-", *options),
            f"--dhcp-range={self.network}.100,{self.network}.199,2m",
            f"--dhcp-leasefile={self.bench.folder}/{self.network}.leases",
            log="server.log",
        )
        bound = Path("/proc/thread-self/net/udp").read_text
        wait_ready(self.server, process, "DHCP", lambda: ":0043 " in self.server.call(bound))
        return process

    def on_device(self, *argv: str, **options: Any) -> Process:
        return self.device.start("sh", "-ec", ENTER, str(self.bench.folder), *argv, **options)

    def client(self, **environment: str) -> Client:
        return Client(self, **environment)

    def heard(self, message: str) -> list[str]:
        """Return the addresses in the server's messages of one kind."""
        return re.findall(rf"{message}\(lan0\) ([\d.]+)", self.bench.log("server.log"))

    def clients(self) -> list[int]:
        """Return the pids of dhcpcd and its helpers on the device."""
        pids = map(int, self.device.run("ip", "netns", "pids", self.device.name).split())
        return [pid for pid in pids if "dhcpcd" in name_of(pid)]

    def main_client(self) -> int:
        return int((self.bench.folder / "run/eth0-4.pid").read_text())

    def addresses(self) -> list[str]:
        shown = json.loads(self.device.ip("-j", "-4", "address", "show", "dev", "eth0"))
        found = (address for link in shown for address in link.get("addr_info", ()))
        return [f"{address['local']}/{address['prefixlen']}" for address in found]

    def logs(self) -> str:
        return self.bench.log("client.log") + self.bench.log("server.log")


def name_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        # in a mount namespace of a newer release dhcpcd runs by the name of its loader
        return Path(f"/proc/{pid}/cmdline").read_text().split("lease_client")[0]
    return ""


def wait_for(condition: Callable[[], object], limit: float = LIMIT) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


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

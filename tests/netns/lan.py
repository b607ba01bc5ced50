"""A device and a DHCP server on one cable, with conman's DHCP client on the device."""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.netns.namespaces import Bench
from tests.netns.services import DNSMASQ, TOOLS, Process, wait_ready

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
        return [pid for pid in pids if name_of(pid) == "dhcpcd"]

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
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def wait_for(condition: Callable[[], object], limit: float = LIMIT) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)

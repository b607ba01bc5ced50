"""Servers of the small internet; each is ready when the function that starts it returns."""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.netns.namespaces import Namespace

TOOLS = Path(__file__).parent / "tools"
LIMIT = 10.0
DNSMASQ = ("dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root")

Process = subprocess.Popen[bytes]


def start_servers(host: Namespace, *arguments: str) -> Process:
    """Start tools/servers.py."""
    argv = (sys.executable, str(TOOLS / "servers.py"), *arguments)
    process = host.start(*argv, stdout=subprocess.PIPE, log=f"{host.role}-servers.log")
    assert process.stdout
    readable, _, _ = select.select([process.stdout], [], [], LIMIT)
    if not readable or process.stdout.readline() != b"ready\n":
        raise RuntimeError(f"servers.py {' '.join(arguments)} did not start in {host.name}")
    return process


def start_dns(
    host: Namespace, addresses: tuple[str, ...], names: tuple[str, ...], answer: str
) -> Process:
    """Start a DNS server on some addresses that knows some names, all at one address."""
    process = host.start(
        *(*DNSMASQ, "--no-resolv", "--no-hosts", "--bind-interfaces", "--local=/#/"),
        *(f"--listen-address={address}" for address in addresses),
        *(f"--address=/{name}/{answer}" for name in names),
        log=f"{host.role}-dns.log",
    )
    wait_ready(host, process, "DNS", lambda: resolves(host, addresses[0], names[0]))
    return process


def start_dhcp(host: Namespace, *arguments: str) -> Process:
    """Start a DHCP server on lan0."""
    process = host.start(
        *(*DNSMASQ, "--port=0", "--interface=lan0", "--except-interface=lo", "--bind-interfaces"),
        *("--no-ping", "--dhcp-authoritative", "--log-dhcp", *arguments),
        f"--dhcp-leasefile={host.bench.folder}/{host.role}.leases",
        log=f"{host.role}-dhcp.log",
    )
    wait_ready(host, process, "DHCP", lambda: _bound(host, 67))
    return process


def wait_ready(host: Namespace, process: Process, what: str, ready: Callable[[], bool]) -> None:
    """Wait until a server answers."""
    deadline = time.monotonic() + LIMIT
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{host.name}: the {what} server did not start")
        time.sleep(0.005)


def resolves(host: Namespace, server: str, name: str) -> bool:
    """Ask a server from a host: does it know an IPv4 address of the name."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    question = b"\0\x01\x01\0\0\x01\0\0\0\0\0\0" + labels + b"\0\0\x01\0\x01"

    def ask() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(0.2)
            try:
                asking.connect((server, 53))
                asking.send(question)
                return len(asking.recv(512)) > len(question)
            except OSError:
                return False

    return host.call(ask)


def _bound(host: Namespace, port: int) -> bool:
    """Whether a UDP port is bound: the kernel keeps a request until the server reads it."""
    table = host.call(Path("/proc/thread-self/net/udp").read_text)
    return any(line.split()[1].endswith(f":{port:04X}") for line in table.splitlines()[1:])

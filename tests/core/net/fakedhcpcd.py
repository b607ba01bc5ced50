"""A script in dhcpcd's place that drives the real hook."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

from conman_core.children import Children
from conman_core.leftovers import read_status
from conman_core.model import Connection
from conman_core.net.dhcpcd import DhcpcdLease

T = TypeVar("T")

FAKE = """#!/bin/sh
echo $$ >> "$FAKE_FOLDER/pids"
while [ $# -gt 0 ]; do
    case $1 in -c) hook=$2; shift;; -e) export "$2"; shift;; esac
    shift
done
report() {
    reason=$1 new_ip_address=$2 new_subnet_cidr=24 new_routers=10.9.0.1 \\
        new_dhcp_lease_time=${3:-120} new_interface_mtu=$4 "$hook"
}
rest() { while :; do sleep 0.02; done; }
trap 'echo ALRM >> "$FAKE_FOLDER/signals"; exit 0' ALRM
trap 'echo TERM >> "$FAKE_FOLDER/signals"; exit 0' TERM
. "$FAKE_FOLDER/script"
"""
LEASED = "report PREINIT; report CARRIER; report BOUND 10.9.0.5\n"


class Fake:
    """The script in dhcpcd's place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "dhcpcd").write_text(FAKE)
        (folder / "dhcpcd").chmod(0o755)

    def does(self, script: str) -> None:
        (self.folder / "script").write_text(script)

    @property
    def pids(self) -> list[int]:
        file = self.folder / "pids"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    @property
    def signals(self) -> list[str]:
        file = self.folder / "signals"
        return file.read_text().split() if file.exists() else []


def run(work: Callable[[], Awaitable[T]]) -> T:
    async def limited() -> T:
        return await asyncio.wait_for(work(), 30)

    return asyncio.run(limited())


def make(runtime: Path) -> DhcpcdLease:
    return DhcpcdLease(Children(runtime), runtime, "eth0", (IPv4Address("1.1.1.1"),))


@contextlib.asynccontextmanager
async def leased(runtime: Path) -> AsyncIterator[tuple[Connection, DhcpcdLease]]:
    client = make(runtime)
    try:
        yield await client.acquire(), client
    finally:
        await client.close()


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def assert_nothing_left(fake: Fake, runtime: Path) -> None:
    assert [path.name for path in runtime.iterdir()] == ["children.json"]
    assert '"pid"' not in (runtime / "children.json").read_text()
    assert not any(read_status(pid) for pid in fake.pids)


def address(connection: Connection | None) -> str | None:
    return str(connection.addresses[0].interface) if connection else None

"""How the client is supervised, with a script in dhcpcd's place that drives the real hook."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import IPv4Address
from pathlib import Path
from typing import TypeVar

import pytest

from conman_core import tools
from conman_core.children import Children
from conman_core.errors import ConnectError
from conman_core.leftovers import read_status
from conman_core.model import Connection, Reason
from conman_core.net import dhcpcd, lease, otherdhcpcd
from conman_core.net.dhcpcd import DhcpcdLease

T = TypeVar("T")
ROOT = Path(__file__).parents[3]

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


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_FOLDER", str(folder))
    monkeypatch.setattr(otherdhcpcd, "RUN", tmp_path / "run-dhcpcd")
    monkeypatch.setattr(dhcpcd, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(lease, "SHORTEST_LEASE", 0)
    return Fake(folder)


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"


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


def refused(runtime: Path) -> ConnectError:
    with pytest.raises(ConnectError) as raised:
        run(make(runtime).acquire)
    assert not list(runtime.glob("dhcpcd*"))
    return raised.value


def address(connection: Connection | None) -> str | None:
    return str(connection.addresses[0].interface) if connection else None


def test_a_lease_comes_through_the_hook(fake: Fake, runtime: Path) -> None:
    fake.does(LEASED + "rest")

    async def work() -> None:
        async with leased(runtime) as (connection, _):
            assert (connection.interface, address(connection)) == ("eth0", "10.9.0.5/24")
            for name in ("dhcpcd-eth0.conf", "dhcpcd-eth0.fifo"):
                assert (runtime / name).stat().st_mode & 0o777 == 0o600

    run(work)
    assert_nothing_left(fake, runtime)


def test_a_silent_server_is_waited_for_and_a_cancelled_wait_leaves_nothing(
    fake: Fake, runtime: Path
) -> None:
    fake.does("rest")

    async def work() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(make(runtime).acquire(), 0.3)

    run(work)
    assert len(fake.pids) == 1
    assert_nothing_left(fake, runtime)


def test_a_client_that_ends_without_a_lease_is_quoted(fake: Fake, runtime: Path) -> None:
    fake.does("echo starting; echo 'eth0: interface not found' >&2; exit 1")
    error = refused(runtime)
    assert error.reason is Reason.NO_ADDRESS
    assert error.sentence == "dhcpcd on eth0 ended with code 1: eth0: interface not found"
    assert_nothing_left(fake, runtime)


def test_a_client_that_handed_over_to_another_one_is_busy(fake: Fake, runtime: Path) -> None:
    fake.does("echo 'sending commands to dhcpcd process'; exit 0")
    error = refused(runtime)
    assert error.reason is Reason.BUSY
    assert error.sentence.endswith("systemctl disable --now dhcpcd")


def test_a_missing_client_is_named_with_the_command_that_installs_it(
    fake: Fake, runtime: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(tools, "SYSTEM_FOLDERS", "")
    error = refused(runtime)
    assert error.reason is Reason.NO_TOOL
    assert error.sentence.endswith("apt install dhcpcd-base")


def test_a_hook_that_cannot_run_is_told_with_the_command_that_repairs_it(
    fake: Fake, runtime: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "hook").write_text("")
    monkeypatch.setattr(dhcpcd, "HOOK", tmp_path / "hook")
    assert f"chmod 755 {tmp_path}/hook" in refused(runtime).sentence


def test_a_folder_that_is_full_or_missing_is_told(fake: Fake, tmp_path: Path) -> None:
    client = DhcpcdLease(Children(None), tmp_path / "none", "eth0")
    with pytest.raises(ConnectError, match="dhcpcd cannot be started on eth0: cannot write"):
        run(client.acquire)


def test_an_impossible_lease_is_told(fake: Fake, runtime: Path) -> None:
    fake.does("report BOUND 0.0.0.0; rest")
    error = refused(runtime)
    assert error.reason is Reason.NO_ADDRESS
    assert error.sentence == "eth0: the DHCP server gave 0.0.0.0, which no host can use"


def test_an_interface_that_dhcpcd_cannot_use_is_told(fake: Fake, runtime: Path) -> None:
    fake.does("report FAIL; rest")
    assert refused(runtime).sentence == "dhcpcd cannot work on eth0"


def test_another_dhcpcd_makes_the_interface_busy(
    fake: Fake, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dhcpcd, "other_dhcpcd", lambda interface: f"another one has {interface}")
    error = refused(runtime)
    assert (error.reason, error.sentence) == (Reason.BUSY, "another one has eth0")
    assert fake.pids == []


def test_later_leases_are_told_and_expire_alone_changes_nothing(fake: Fake, runtime: Path) -> None:
    fake.does(
        LEASED + "report RENEW 10.9.0.5 240; report NOCARRIER; report EXPIRE; report STOPPED;"
        "report CARRIER; report REBOOT 10.9.0.6; report RENEW 0.0.0.0;"
        "report NAK; report NAK; report BOUND 10.9.0.7; rest"
    )

    async def work() -> list[str | None]:
        async with leased(runtime) as (_, client):
            told = []
            async for change in client.changes():
                told.append(address(change))
                if change and change.addresses[0].interface.ip == IPv4Address("10.9.0.7"):
                    await client.close()
            return told

    assert run(work) == ["10.9.0.5/24", "10.9.0.6/24", None, "10.9.0.7/24"]


def test_a_lease_that_runs_out_is_lost_and_a_fresh_client_tries_again(
    fake: Fake, runtime: Path
) -> None:
    fake.does("[ -e $FAKE_FOLDER/again ] || report BOUND 10.9.0.5 1; : > $FAKE_FOLDER/again; rest")

    async def work() -> float:
        async with leased(runtime) as (_, client):
            begun = time.monotonic()
            async for change in client.changes():
                assert change is None
                taken = time.monotonic() - begun
                await until(lambda: len(fake.pids) == 2)
                return taken
        raise AssertionError

    assert 0.9 < run(work) < 1.5


def test_a_renewed_lease_does_not_run_out(fake: Fake, runtime: Path) -> None:
    fake.does("for n in 1 2 3 4 5; do report RENEW 10.9.0.5 1; sleep 0.4; done; rest")

    async def work() -> list[str | None]:
        async with leased(runtime) as (_, client):
            told = []
            async for change in client.changes():
                told.append(address(change))
                if change is None:
                    break
            return told

    assert run(work) == ["10.9.0.5/24"] * 4 + [None]


def test_a_client_that_dies_is_started_again_and_the_lease_is_not_lost(
    fake: Fake, runtime: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake.does(f"{LEASED} sleep 0.05; echo oops; exit 9")

    async def work() -> list[str | None]:
        async with leased(runtime) as (_, client):
            changes = client.changes()
            told = [address(await anext(changes)) for _ in range(2)]
            await changes.aclose()  # type: ignore[attr-defined]
            return told

    assert run(work) == ["10.9.0.5/24"] * 2
    assert len(fake.pids) >= 3
    assert "dhcpcd on eth0 ended with code 9: oops; it is started again in" in caplog.text
    assert_nothing_left(fake, runtime)


def test_pauses_grow_while_the_client_keeps_dying(
    fake: Fake, runtime: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake.does("[ -e $FAKE_FOLDER/again ] || report BOUND 10.9.0.5; : > $FAKE_FOLDER/again; exit 1")

    async def work() -> None:
        async with leased(runtime):
            await until(lambda: len(fake.pids) == 5)

    run(work)
    pauses = [float(m.split()[-2]) for m in caplog.messages if "started again" in m]
    assert pauses[:4] == [0.05, 0.1, 0.2, 0.4]


def test_release_gives_the_address_back(fake: Fake, runtime: Path) -> None:
    fake.does(LEASED + "rest")

    async def work() -> None:
        async with leased(runtime) as (_, client):
            await client.release()
            assert fake.signals == ["ALRM"]
            await client.release()

    run(work)
    assert_nothing_left(fake, runtime)


def test_close_keeps_the_address(fake: Fake, runtime: Path) -> None:
    fake.does(LEASED + "rest")

    async def work() -> None:
        async with leased(runtime) as (_, client):
            await client.close()

    run(work)
    assert fake.signals == ["TERM"]


def test_a_client_that_does_not_let_go_is_killed(
    fake: Fake, runtime: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dhcpcd, "_RELEASE_LIMIT", 0.3)
    fake.does("trap '' ALRM TERM; " + LEASED + "rest")

    async def work() -> None:
        async with leased(runtime) as (_, client):
            await client.release()

    run(work)
    assert_nothing_left(fake, runtime)


def test_at_the_end_of_the_program_the_client_ends_once_and_gives_nothing_back(
    fake: Fake, runtime: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fake.does(LEASED + "rest")

    async def work() -> None:
        children = Children(runtime)
        client = DhcpcdLease(children, runtime, "eth0")
        await client.acquire()
        await asyncio.to_thread(children.close)
        await asyncio.sleep(0.2)  # four times the pause before a new start
        assert len(fake.pids) == 1
        await client.close()

    run(work)
    assert set(fake.signals) == {"TERM"}
    assert "ended with code" not in caplog.text


def test_without_a_lease_release_and_close_are_fine(fake: Fake, runtime: Path) -> None:
    async def work() -> None:
        client = make(runtime)
        await client.release()
        await client.close()
        async for _ in client.changes():
            raise AssertionError

    run(work)


def test_changes_end_with_the_client(fake: Fake, runtime: Path) -> None:
    fake.does(LEASED + "rest")

    async def work() -> list[Connection | None]:
        async with leased(runtime) as (_, client):
            waiting = asyncio.create_task(collect(client))
            await asyncio.sleep(0)
            await client.release()
            return await waiting

    async def collect(client: DhcpcdLease) -> list[Connection | None]:
        return [change async for change in client.changes()]

    assert run(work) == []


def test_a_client_may_be_used_again(fake: Fake, runtime: Path) -> None:
    fake.does(LEASED + "rest")

    async def work() -> list[str | None]:
        client = make(runtime)
        found = []
        for _ in range(2):
            found.append(address(await client.acquire()))
            await client.release()
        return found

    assert run(work) == ["10.9.0.5/24"] * 2
    assert_nothing_left(fake, runtime)


def test_a_refused_offer_is_logged_once_not_at_each_renewal(
    fake: Fake, runtime: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fake.does("for n in 1 2 3; do report RENEW 10.9.0.5 120 12; done; rest")

    async def work() -> None:
        async with leased(runtime) as (_, client):
            changes = client.changes()
            for _ in range(2):
                await anext(changes)
            await changes.aclose()  # type: ignore[attr-defined]

    run(work)
    assert sum("an MTU of 12" in message for message in caplog.messages) == 1
    assert sum("leased" in message for message in caplog.messages) == 1

"""What happens to a lease, and to the client, after it was first given."""

from __future__ import annotations

import asyncio
import logging
import time
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from conman_core.children import Children
from conman_core.model import Connection
from conman_core.net import dhcpcd
from conman_core.net.dhcpcd import DhcpcdLease
from tests.core.net.fakedhcpcd import (
    LEASED,
    Fake,
    address,
    assert_nothing_left,
    leased,
    make,
    run,
    until,
)


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

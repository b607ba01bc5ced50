"""A client that gets a lease, and every way in which it may not."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conman_core import tools
from conman_core.children import Children
from conman_core.errors import ConnectError
from conman_core.model import Reason
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
)


def refused(runtime: Path) -> ConnectError:
    with pytest.raises(ConnectError) as raised:
        run(make(runtime).acquire)
    assert not list(runtime.glob("dhcpcd*"))
    return raised.value


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

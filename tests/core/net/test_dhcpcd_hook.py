"""The script that dhcpcd runs: what it passes on, and that it never makes dhcpcd wait."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from conman_core.net.dhcpcd import HOOK
from conman_core.net.lease import split_reports

ROOT = Path(__file__).parents[3]


def hook(fifo: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    path = {"PATH": "/usr/bin:/bin", "conman_fifo": str(fifo)}
    return subprocess.run(
        [str(HOOK)], env=path | environment, capture_output=True, timeout=5, check=True
    )


@pytest.fixture
def fifo(tmp_path: Path) -> Iterator[int]:
    os.mkfifo(tmp_path / "fifo", 0o600)
    descriptor = os.open(tmp_path / "fifo", os.O_RDWR | os.O_NONBLOCK)
    yield descriptor
    os.close(descriptor)


def test_the_hook_gives_up_when_nobody_reads(fifo: int, tmp_path: Path) -> None:
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(fifo, b"x" * 4096)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(fifo, b"x")
    assert hook(tmp_path / "fifo", reason="BOUND").stderr == b""


def test_the_hook_gives_up_when_the_reader_is_gone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    hook(tmp_path / "fifo", reason="BOUND")
    hook(tmp_path / "none", reason="BOUND")
    assert not (tmp_path / "none").exists()


def test_the_hook_passes_on_only_what_matters(fifo: int, tmp_path: Path) -> None:
    for reason in ("PREINIT", "CARRIER", "NOCARRIER", "IPV4LL", "ROUTERADVERT", "TEST"):
        hook(tmp_path / "fifo", reason=reason)
    hook(tmp_path / "fifo", reason="NAK", new_host_name="x", old_ip_address="10.0.0.1")
    ((report,), rest) = split_reports(os.read(fifo, 65536))
    assert report["reason"] == "NAK"
    assert not any(value for name, value in report.items() if name != "reason")
    assert rest == b""


def test_a_report_with_many_routes_arrives_whole(fifo: int, tmp_path: Path) -> None:
    routes = " ".join(f"172.16.{n}.0/24 10.9.0.7" for n in range(240))
    hook(tmp_path / "fifo", reason="BOUND", new_classless_static_routes=routes)
    ((report,), _) = split_reports(os.read(fifo, 65536))
    assert report["classless_static_routes"] == routes


def test_what_a_server_says_is_never_run_by_the_shell(fifo: int, tmp_path: Path) -> None:
    evil = f"$(touch {tmp_path}/owned)`touch {tmp_path}/owned`; touch {tmp_path}/owned %s\\n"
    hook(tmp_path / "fifo", reason="BOUND", new_routers=evil)
    ((report,), _) = split_reports(os.read(fifo, 65536))
    assert report["routers"] == evil
    assert not (tmp_path / "owned").exists()


def test_the_hook_is_executable_in_a_wheel(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(argv, cwd=ROOT, check=True, capture_output=True, timeout=60)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        info = archive.getinfo("conman_core/net/dhcpcd-hook")
    assert (info.external_attr >> 16) & 0o777 == 0o755

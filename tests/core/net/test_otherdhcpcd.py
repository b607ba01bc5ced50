"""Whose dhcpcd is in the way is known from its pid file, and only a living dhcpcd counts."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from conman_core.net import otherdhcpcd
from conman_core.net.otherdhcpcd import other_dhcpcd
from tests.core.supervision import alive, wait_until


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(otherdhcpcd, "RUN", tmp_path)
    return tmp_path


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A living process of that name."""
    program = tmp_path / "dhcpcd"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    with subprocess.Popen([str(program), "60"]) as process:
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("file", "command"),
    [
        ("pid", "systemctl disable --now dhcpcd"),
        ("eth0.pid", "dhcpcd -x eth0"),
        ("eth0-4.pid", "dhcpcd -4 -x eth0"),
    ],
)
def test_the_command_that_ends_it_is_told(
    run: Path, foreign: subprocess.Popen[bytes], file: str, command: str
) -> None:
    (run / file).write_text(f"{foreign.pid}\n")
    sentence = other_dhcpcd("eth0")
    assert sentence
    assert f"(pid {foreign.pid}) has eth0" in sentence
    assert sentence.endswith(command)


@pytest.mark.parametrize(
    "content", ["", "junk", "1073741824", "9" * 20, "²", pytest.param(str(os.getpid()), id="ours")]
)
def test_a_stale_or_torn_pid_file_is_no_dhcpcd(run: Path, content: str) -> None:
    (run / "eth0-4.pid").write_text(content)
    assert other_dhcpcd("eth0") is None


def test_without_the_folder_there_is_none(run: Path) -> None:
    run.rmdir()
    assert other_dhcpcd("eth0") is None


def test_one_for_another_interface_or_ipv6_only_is_not_in_the_way(
    run: Path, foreign: subprocess.Popen[bytes]
) -> None:
    for name in ("eth1.pid", "eth1-4.pid", "eth0-6.pid"):
        (run / name).write_text(str(foreign.pid))
    assert other_dhcpcd("eth0") is None


def test_a_dead_one_that_nobody_has_waited_for_is_not_in_the_way(
    run: Path, foreign: subprocess.Popen[bytes]
) -> None:
    (run / "eth0-4.pid").write_text(str(foreign.pid))
    foreign.kill()
    wait_until(lambda: not alive(foreign.pid))
    assert other_dhcpcd("eth0") is None

"""One daemon a runtime folder, and the folders themselves."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import lock as lock_module
from conman_core.errors import AlreadyRunning, SystemFault
from conman_core.lock import Lock
from conman_core.paths import Paths

_HOLD = """
import sys; from pathlib import Path; from conman_core.lock import Lock
Lock(Path(sys.argv[1])).acquire(); print("held", flush=True); sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lock"


def test_a_second_start_says_who_runs_since_when_and_how_to_stop_it(path: Path):
    with Lock(path), pytest.raises(AlreadyRunning) as caught:
        Lock(path).acquire()
    said = str(caught.value)
    assert said.startswith(f"conman is running already (pid {os.getpid()}, since 2")
    assert said.endswith(f"stop it with: sudo kill {os.getpid()}")


def test_a_service_is_to_be_stopped_as_a_service(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lock_module, "_is_service", lambda pid: pid == os.getpid())
    with Lock(path), pytest.raises(AlreadyRunning, match="stop it with: sudo systemctl stop"):
        Lock(path).acquire()


def test_a_lock_ends_with_its_process_however_that_ends(path: Path):
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, path], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyRunning, match=f"pid {child.pid}"):
            Lock(path).acquire()
        child.kill()
    with Lock(path):
        assert path.read_text().startswith(f"{os.getpid()} ")


def open_files(pid: int) -> Iterator[Path]:
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # a program that starts opens and closes libraries
            target = entry.readlink()
            if target.exists():
                yield target


def test_a_child_process_does_not_inherit_the_lock(path: Path):
    with Lock(path), subprocess.Popen(["sleep", "60"], close_fds=False) as child:
        pass_on = Lock(path)
        with pytest.raises(AlreadyRunning):
            pass_on.acquire()
        child_holds = any(map(path.samefile, open_files(child.pid)))
        child.kill()
    assert not child_holds
    with Lock(path):
        pass


def test_a_released_lock_is_free_and_may_be_released_again(path: Path):
    lock = Lock(path)
    lock.acquire()
    lock.release()
    lock.release()
    with Lock(path):
        pass


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\xff\xfe", b"0 x\n", b"9" * 5000])
def test_whatever_the_file_holds_the_second_start_gets_a_sentence(path: Path, content: bytes):
    with Lock(path):
        path.write_bytes(content)
        with pytest.raises(AlreadyRunning, match=r"^conman is running already; stop"):
            Lock(path).acquire()
    path.write_bytes(content)
    with Lock(path):  # and for a first start it does not matter
        assert path.read_bytes().count(b"\n") == 1


@given(st.binary(max_size=100))
def test_any_content_gives_one_sentence(content: bytes):
    assert lock_module._sentence(content).startswith("conman is running already")


def test_a_lock_that_cannot_be_made_is_the_systems_fault(tmp_path: Path):
    (tmp_path / "link").symlink_to("/etc/passwd")
    for path in (tmp_path / "none" / "lock", tmp_path, tmp_path / "link"):
        with pytest.raises(SystemFault, match="cannot be locked"):
            Lock(path).acquire()


# -- folders


def test_systemd_tells_the_folders():
    paths = Paths.from_environment(
        {"RUNTIME_DIRECTORY": "/run/a:/run/b", "STATE_DIRECTORY": "/var/lib/c"}
    )
    assert (paths.runtime, paths.state) == (Path("/run/a"), Path("/var/lib/c"))
    assert paths.socket == Path("/run/a/conman.sock")
    assert paths.lock == Path("/run/a/lock")
    assert paths.ledger == Path("/var/lib/c/ledger.json")
    assert paths.drivers == Path("/var/lib/c/drivers")


@pytest.mark.parametrize("value", ["", ":", "relative", "./run"])
def test_without_systemd_the_usual_folders_are_used(value: str):
    usual = Paths(Path("/run/conman"), Path("/var/lib/conman"))
    assert Paths.from_environment({"RUNTIME_DIRECTORY": value, "STATE_DIRECTORY": value}) == usual
    assert Paths.from_environment({}) == usual


def test_the_folders_are_made_with_their_modes_whatever_the_umask(tmp_path: Path):
    paths = Paths(tmp_path / "run" / "conman", tmp_path / "lib" / "conman")
    before = os.umask(0o077)
    try:
        paths.make("run")
        paths.make("run")
    finally:
        os.umask(before)
    assert stat.S_IMODE(paths.runtime.stat().st_mode) == 0o755
    assert stat.S_IMODE(paths.state.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_the_systems_fault(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(SystemFault, match="file cannot be made"):
        Paths(tmp_path / "file", tmp_path / "state").make("run")


@pytest.mark.parametrize("command", ["run", "release"])
def test_who_is_not_root_is_told_what_to_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
):
    """The folders are there: what such a user cannot do is make them anybody else's."""

    def denied(self: Path, mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", denied)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemFault) as caught:
        Paths(tmp_path, tmp_path).make(command)
    assert str(caught.value) == (
        f"conman {command} needs root, as it writes into {tmp_path}; type: sudo conman {command}"
    )
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(SystemFault, match="cannot be made: Operation not permitted"):
        Paths(tmp_path, tmp_path).make(command)

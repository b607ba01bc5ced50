"""What a killed conman leaves running is ended by the next one, and nothing else is."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conman_core import leftovers
from conman_core.children import Children
from conman_core.leftovers import parse_status, read_status
from tests.core.supervision import alive, wait_until

ROOT = Path(__file__).parents[2]
#: starts a script as conman does, prints the child's pid and hangs
CONMAN = """
import asyncio, pathlib, sys
from conman_core.children import Children

async def main():
    children = Children(pathlib.Path(sys.argv[1]))
    child = await children.start(["sh", "-c", sys.argv[2]], name="daemon", on_line=print)
    print(child.pid, flush=True)
    await child.wait()

asyncio.run(main())
"""


def killed_conman(runtime: Path, script: str) -> int:
    """Let a conman start a script and be killed; return the script's pid."""
    argv = [sys.executable, "-c", CONMAN, str(runtime), script]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE) as conman:
        assert conman.stdout
        pid = int(conman.stdout.readline())
        wait_until((runtime / "children.json").exists)
        conman.kill()
    return pid


@contextlib.contextmanager
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    """Give a process that must stay alive."""
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as process:
        try:
            yield process
            assert process.poll() is None, "a process that is not ours was ended"
        finally:
            process.kill()


def write(runtime: Path, *children: object) -> None:
    (runtime / "children.json").write_text(json.dumps({"children": children}))


def test_a_child_is_in_the_register_while_it_lives(tmp_path: Path) -> None:
    file = tmp_path / "children.json"
    pid = killed_conman(tmp_path, "exec sleep 60")
    try:
        (entry,) = json.loads(file.read_text())["children"]
        status = read_status(pid)
        assert status
        assert entry == {"pid": pid, "program": "sh", "start": status.start}
        assert oct(file.stat().st_mode & 0o777) == "0o600"
    finally:
        os.kill(pid, signal.SIGKILL)


def test_what_a_killed_conman_left_is_ended_with_its_helpers_and_nothing_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    helper_file = tmp_path / "helper"
    script = f"sleep 60 & echo $! > {helper_file}.new; mv {helper_file}.new {helper_file}; wait"
    pid = killed_conman(tmp_path, script)
    wait_until(helper_file.exists)
    helper = int(helper_file.read_text())
    assert alive(pid)
    with bystander():
        assert Children(tmp_path).end_leftovers() == (f"sh ({pid})",)
    assert not alive(pid)
    assert not alive(helper)
    assert f"ended what the last conman left running: sh ({pid})" in caplog.text
    assert json.loads((tmp_path / "children.json").read_text()) == {"children": []}
    assert Children(tmp_path).end_leftovers() == ()


def test_a_leftover_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    pid = killed_conman(tmp_path, f"trap '' TERM; : > {ready}; while :; do sleep 0.05; done")
    wait_until(ready.exists)
    begun = time.monotonic()
    Children(tmp_path).end_leftovers(limit=0.3)
    assert not alive(pid)
    assert 0.3 < time.monotonic() - begun < 1.4


def test_a_number_that_now_belongs_to_another_process_is_left_alone(tmp_path: Path) -> None:
    with bystander() as process:
        status = read_status(process.pid)
        assert status
        write(tmp_path, {"pid": process.pid, "start": status.start - 1, "program": "sleep"})
        assert Children(tmp_path).end_leftovers(limit=0.2) == ()


def test_without_a_leader_only_its_own_helpers_are_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proc = tmp_path / "proc"
    zeros = "0 " * 15

    def process(pid: int, name: str, session: int, start: int, state: str = "S") -> None:
        (proc / str(pid)).mkdir(parents=True)
        fields = f"{pid} ({name}) {state} 1 {session} {session} {zeros}{start}"
        (proc / str(pid) / "stat").write_text(fields)

    process(41, "dhcpcd", session=40, start=105)
    process(42, "dhcpcd", session=40, start=106)
    process(43, "other", session=40, start=107)  # started by a later process with that number
    process(44, "dhcpcd", session=40, start=99)
    process(45, "dhcpcd", session=40, start=106, state="Z")
    process(46, "dhcpcd", session=46, start=107)
    (proc / "self").mkdir()
    ended = []

    def kill(pid: int, number: int) -> None:
        ended.append((pid, number))
        (proc / str(pid) / "stat").unlink()

    monkeypatch.setattr(leftovers, "_PROC", proc)
    monkeypatch.setattr(os, "kill", kill)
    write(tmp_path, {"pid": 40, "start": 100, "program": "/usr/sbin/dhcpcd"})
    assert Children(tmp_path).end_leftovers() == ("/usr/sbin/dhcpcd (40)",)
    assert sorted(ended) == [(41, signal.SIGTERM), (42, signal.SIGTERM)]


@pytest.mark.parametrize("torn", [b"", b'{"children": [{"pi', b"\xff\x00", b"[]", b"[" * 100_000])
def test_a_torn_register_is_set_aside_and_named(
    tmp_path: Path, torn: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "children.json").write_bytes(torn)
    assert Children(tmp_path).end_leftovers() == ()
    assert str(tmp_path / "children.json") in caplog.text
    assert (tmp_path / "children.json.corrupt").exists()


def test_a_register_that_cannot_be_written_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    children = Children(tmp_path / "file")  # no folder can be made there
    assert children.end_leftovers() == ()
    assert asyncio.run(children.run(["true"])).returncode == 0
    assert "children cannot be remembered" in caplog.text


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("sleep"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["pid", "start", "program", "x"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["children", "other"]), values, max_size=2))
def test_no_content_of_the_register_ends_anything_or_raises(
    tmp_path_factory: pytest.TempPathFactory, content: dict[str, object]
) -> None:
    runtime = tmp_path_factory.mktemp("run")
    (runtime / "children.json").write_text(json.dumps(content))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "kill", lambda *_: pytest.fail("something was killed"))
        assert Children(runtime).end_leftovers(limit=0.1) == ()


@given(st.text(max_size=60) | st.from_regex(r"\d+ \(.*\)( \d+){18,22}", fullmatch=True))
def test_a_process_status_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_status(text)


def test_a_program_name_with_brackets_and_spaces_is_read_right() -> None:
    rest = "S 1 7 7 " + " ".join(str(number) for number in range(7, 23))
    status = parse_status(f"7 (a) S (b c) {rest}")
    assert (status.pid, status.name, status.state, status.session, status.start) == (
        7,
        "a) S (b c",
        "S",
        7,
        22,
    )

"""script/demo keeps what it promises, says something every second, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = [pytest.mark.demo, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[1]
SET_UP_LIMIT = 200.0  # installing packages on a fresh machine is part of it
STORY = (
    "conman starts",
    "cable of eth0 pulled",
    "cable of eth0 back in",
    "internet behind eth0 dies",
    "internet behind eth0 is back",
    "eth0 on trial for longer",
    "conman is stopped",
)


class Run:
    """A demo whose output is read as it comes."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [str(ROOT / "script/demo")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.output = ""
        self.silences: list[float] = []

    def read(self, until: str | None = None, limit: float = SET_UP_LIMIT) -> None:
        """Read to the end, or until a text has come."""
        assert self.process.stdout
        deadline = time.monotonic() + limit
        while until is None or until not in self.output:
            started = time.monotonic()
            ready, _, _ = select.select([self.process.stdout], [], [], deadline - started)
            assert ready, f"not within {limit:g} s:\n{self.output}"
            self.silences.append(time.monotonic() - started)
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                assert until is None, self.output
                return
            self.output += data.decode()

    def close(self) -> int:
        """Wait for the end; nothing may be left of it."""
        assert self.process.stdout
        if not self.process.stdout.closed:
            self.read()
            self.process.stdout.close()
        return self.process.wait(30)

    def traces(self) -> list[str]:
        """What is left of this run: namespaces, files, processes."""
        prefix = f"conman-demo{self.process.pid}-"
        folders = [Path("/run/netns"), Path("/etc/netns"), Path("/tmp")]
        left = [str(path) for folder in folders for path in folder.glob(f"{prefix}*")]
        for status in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = status.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # has just ended
            if prefix in command:
                left.append(command)
        return left


def machine() -> list[str]:
    """What the demo must not touch."""
    commands = (["ip", "-o", "link"], ["ip", "route"], ["ip", "rule"], ["nft", "list", "ruleset"])
    seen = [
        subprocess.run(argv, check=True, capture_output=True, text=True).stdout for argv in commands
    ]
    return [*seen, Path("/etc/resolv.conf").read_text(), str(Path("/etc/netns").exists())]


@pytest.fixture
def demo() -> Iterator[Run]:
    before = machine()
    run = Run()
    yield run
    if run.process.poll() is None:
        os.killpg(run.process.pid, signal.SIGTERM)
    run.close()
    assert run.traces() == []
    assert machine() == before


def test_it_tells_the_whole_story_and_keeps_its_promises(demo: Run) -> None:
    demo.read(until="building them")
    demo.silences.clear()
    started = time.monotonic()
    assert demo.close() == 0, demo.output
    assert time.monotonic() - started < 60
    positions = [demo.output.index(event) for event in STORY]
    assert positions == sorted(positions)
    assert re.search(r"cable of eth0 pulled.*-> traffic on eth1 after \d+ ms", demo.output)
    assert "NOT KEPT" not in demo.output
    assert "Summary" in demo.output
    assert "\033" not in demo.output, "a pipe gets plain text"
    assert max(demo.silences) < 1.5


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_told_to_end_it_removes_all_that_it_made(demo: Run, how: signal.Signals) -> None:
    demo.read(until="conman starts")
    os.killpg(demo.process.pid, how)  # as a terminal does: to all of its group
    assert demo.close() == (130 if how == signal.SIGINT else 143)
    assert demo.traces() == []


def test_a_crash_of_its_program_leaves_nothing_behind(demo: Run) -> None:
    demo.read(until="conman starts")
    children = Path(f"/proc/{demo.process.pid}/task/{demo.process.pid}/children").read_text()
    programs = [
        pid for pid in children.split() if b"demo.py" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert len(programs) == 1
    os.kill(int(programs[0]), signal.SIGKILL)
    assert demo.close() == 128 + signal.SIGKILL
    assert demo.traces() == []


def test_a_second_run_installs_nothing_and_says_so(demo: Run) -> None:
    demo.read(until="building them")  # the first run may have had to
    os.killpg(demo.process.pid, signal.SIGTERM)
    demo.close()
    again = Run()
    again.read(until="building them")
    assert "nothing to install" in again.output
    assert "installing" not in again.output
    os.killpg(again.process.pid, signal.SIGTERM)
    again.close()


def test_without_root_it_says_in_one_sentence_how_to_start_it() -> None:
    with tempfile.TemporaryDirectory() as folder:  # the checkout may be closed to others
        copy = Path(folder) / "script"
        shutil.copytree(ROOT / "script", copy)
        Path(folder).chmod(0o755)
        done = subprocess.run(
            [str(copy / "demo")], check=False, capture_output=True, text=True, user=65534
        )
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "sudo script/demo" in done.stderr

"""script/bench measures what it says, judges it by its limits, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from script.lib.bench.quiet import wait_quiet
from tests.netns.namespaces import bench as namespaces

pytestmark = pytest.mark.netns

ROOT = Path(__file__).parents[2]
QUICK = ("start", "carrier", "failback", "stop", "cli")
LIMIT = 100.0


def bench(*words: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(ROOT / "script/bench"), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        **options,
    )


def traces(pid: int) -> list[str]:
    """What is left of a run."""
    folders = [Path("/run/netns"), Path("/etc/netns"), Path("/tmp")]
    return [str(path) for folder in folders for path in folder.glob(f"conman-bench{pid}-*")]


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    process = bench("--runs", "1", "--json", *QUICK)
    output, progress = process.communicate(timeout=LIMIT)
    assert process.returncode in (0, 1), progress
    found = json.loads(output)
    assert process.returncode == (0 if found["kept"] else 1)
    assert all(f"\n  {name} " in progress for name in QUICK)
    assert traces(process.pid) == []
    return found


def figure(report: dict[str, Any], trial: str, key: str) -> dict[str, Any]:
    figures = next(found["figures"] for found in report["trials"] if found["name"] == trial)
    return next(found for found in figures if found["key"] == key)


def test_every_trial_was_completed_and_every_figure_has_a_value(report: dict[str, Any]) -> None:
    assert [trial["name"] for trial in report["trials"]] == list(QUICK)
    assert [trial["failure"] for trial in report["trials"]] == [None] * len(QUICK)
    for found in (found for trial in report["trials"] for found in trial["figures"]):
        assert found["min"] == found["median"] == found["max"] == found["values"][0]
        assert (found["kept"] is None) == (found["limit"] is None)
        assert found["unit"] in ("s", "MiB", "times", "count")
    assert report["runs"] == 1
    assert set(report["machine"]) == {"kernel", "python", "cpus", "load"}


def test_a_failback_costs_no_packet_and_no_connection(report: dict[str, Any]) -> None:
    assert figure(report, "failback", "lost")["max"] == 0
    assert figure(report, "failback", "broken")["max"] == 0
    assert figure(report, "failback", "after")["min"] > 9.9


def test_what_does_not_hang_on_the_machines_speed_is_kept(report: dict[str, Any]) -> None:
    assert figure(report, "stop", "took")["kept"]
    # another program's link event may have come within the second before: then the kernel waits
    assert figure(report, "carrier", "gap")["max"] < 1.2
    assert figure(report, "start", "dhcp")["max"] < figure(report, "start", "first")["max"] < 5
    assert 1 < figure(report, "cli", "ratio")["max"] < 30


def test_a_name_that_is_no_figure_is_answered_with_those_that_there_are() -> None:
    process = bench("carier")
    output, complaint = process.communicate(timeout=LIMIT)
    assert process.returncode == 2
    assert output == ""
    assert "no figure carier; there are start, start-known, carrier, " in complaint
    assert traces(process.pid) == []


def test_help_needs_no_root() -> None:
    done = subprocess.run(
        [str(ROOT / "script/bench"), "--help"], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "carrier-again" in done.stdout


def test_interrupted_it_removes_all_that_it_made() -> None:
    process = bench("silent")
    assert process.stderr
    assert "building" in process.stderr.readline()
    assert traces(process.pid) != []
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of its group
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert traces(process.pid) == []


def test_it_waits_while_another_program_changes_an_interface_anywhere() -> None:
    with namespaces() as made:
        left, right = made.namespace("left"), made.namespace("right")
        made.cable(left, "a0", right, "b0")
        ended = threading.Event()
        last = 0.0

        def disturb() -> None:
            nonlocal last
            while not ended.wait(0.05):
                last = time.monotonic()
                right.ip("link", "set", "b0", "down")
                right.ip("link", "set", "b0", "up")

        disturber = threading.Thread(target=disturb)
        disturber.start()
        with pytest.raises(AssertionError, match="interfaces change all the time"):
            wait_quiet(0.5, limit=1.0)
        ended.set()
        wait_quiet(0.5, limit=60.0)
        disturber.join()
        assert time.monotonic() - last >= 0.5

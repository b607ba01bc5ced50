"""Events are kept for people, and neither a torn file nor a full disk stops conman."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import history
from conman_core.history import History, last, older


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def sentences(path: Path, most: int = 50) -> list[str]:
    return [event["sentence"] for event in last(path, most, lambda _: True)]


def add(kept: History, *numbers: int) -> None:
    for number in numbers:
        kept.add({"time": "2026-05-01T12:00:00+00:00", "sentence": f"event {number}"})


def test_events_come_back_oldest_first(path: Path) -> None:
    add(History(path), 1, 2, 3)
    assert sentences(path) == ["event 1", "event 2", "event 3"]
    assert sentences(path, 2) == ["event 2", "event 3"]


def test_those_of_before_a_restart_are_there(path: Path) -> None:
    add(History(path), 1)
    add(History(path), 2)
    assert sentences(path) == ["event 1", "event 2"]


def test_without_a_file_there_are_none(path: Path) -> None:
    assert sentences(path) == []


def test_only_root_can_read_them(path: Path) -> None:
    add(History(path), 1)
    assert path.stat().st_mode & 0o777 == 0o600


def test_two_files_take_turns_so_that_the_card_never_fills(path: Path) -> None:
    kept = History(path, 1000)
    add(kept, *range(200))
    found = sentences(path, 200)
    assert found == [f"event {number}" for number in range(200 - len(found), 200)]
    assert len(found) > 10
    assert path.stat().st_size + older(path).stat().st_size < 2200
    assert {each.name for each in path.parent.iterdir()} <= {"events.jsonl", "events.1.jsonl"}


def test_a_line_torn_by_a_power_cut_costs_that_line_only(path: Path) -> None:
    add(History(path), 1, 2)
    path.write_bytes(path.read_bytes()[:-20])
    add(History(path), 3)
    assert sentences(path) == ["event 1", "event 3"]


def test_an_event_without_end_is_shortened(path: Path) -> None:
    kept = History(path)
    kept.add({"time": "now", "sentence": "x" * 100_000, "more": "y" * 100_000})
    add(kept, 2)
    assert [len(each) for each in sentences(path)] == [1000, 7]


def test_a_full_disk_is_said_once(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: Any, **__: Any) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    kept = History(path)
    with monkeypatch.context() as patch:
        patch.setattr(history.os, "open", full)
        add(kept, 1, 2)
    assert [("disk is full" in record.message) for record in caplog.records] == [True]
    add(kept, 3)
    assert sentences(path) == ["event 3"]


def test_a_folder_or_a_pipe_in_the_place_hangs_nothing(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(path)
    add(History(path), 1)
    assert sentences(path) == []
    path.unlink()
    path.mkdir()
    add(History(path), 1)
    assert "events are not kept" in caplog.text


@given(st.binary(max_size=300))
def test_any_bytes_are_passed_over(data: bytes) -> None:
    lines = [line for line in data.splitlines() if _is_event(line)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.jsonl"
        path.write_bytes(data)
        assert len(sentences(path)) == len(lines)


def _is_event(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line)["sentence"], str)
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return False

"""`conman log`."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from conman_core.history import History
from conman_core.paths import Paths

from .conftest import Ran

Conman = Callable[..., Ran]


@pytest.fixture
def paths() -> Paths:
    return Paths.from_environment()


@pytest.fixture
def kept(paths: Paths) -> Paths:
    paths.make("run")
    events = History(paths.history)
    time = "2026-05-01T12:00:00+00:00"
    events.add({"time": time, "sentence": "eth0 lost its carrier", "link": "ethernet:eth0"})
    events.add({"time": time, "sentence": "HomeNet\x1b[2J works", "event": "attempt"})
    events.add(
        {"time": time, "sentence": "traffic moves", "before": "ethernet:eth0", "after": None}
    )
    return paths


def test_it_shows_what_happened_without_a_daemon(kept: Paths, conman: Conman) -> None:
    ran = conman("log")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert lines[0].startswith("2026-05-01 ")
    assert lines[0].endswith("eth0 lost its carrier")
    assert lines[1].endswith("HomeNet\\x1b[2J works")
    assert len(lines) == 3


def test_the_latest_lines_of_one_link(kept: Paths, conman: Conman) -> None:
    assert conman("log", "-n", "1").out.endswith("traffic moves\n")
    ran = conman("log", "--link", "ethernet:eth0")
    assert "HomeNet" not in ran.out
    assert len(ran.out.splitlines()) == 2


def test_as_json_it_is_one_object_a_line(kept: Paths, conman: Conman) -> None:
    events = [json.loads(line) for line in conman("log", "--json").out.splitlines()]
    assert events[0]["link"] == "ethernet:eth0"
    assert len(events) == 3


def test_where_nothing_happened_it_says_so(paths: Paths, conman: Conman) -> None:
    ran = conman("log", "--link", "wifi:wlan0")
    assert (ran.code, ran.out.startswith("no events of wifi:wlan0 are kept")) == (0, True)


@pytest.mark.parametrize("number", ["0", "-1", "many", "1.5"])
def test_a_wrong_number_of_lines_is_refused(conman: Conman, number: str) -> None:
    ran = conman("log", f"--lines={number}")
    assert (ran.code, "is not a number of lines" in ran.err) == (2, True)


def test_who_may_not_read_it_is_told_how(
    kept: Paths, conman: Conman, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> list[object]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("conman_core.history.last", denied)
    ran = conman("log")
    assert (ran.code, "sudo conman log" in ran.err) == (1, True)

"""The bench's figures of the page are measured as they say, without root and in little time."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator

import pytest

from script.lib.bench.__main__ import main
from script.lib.bench.page import TRIALS, loaded, street
from script.lib.bench.siege import Pulse, Visitor
from tests.accesspoint.pagekit import Site


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with street() as served:
        yield served


def test_the_page_is_compared_with_a_bare_handler() -> None:
    found = loaded(pages=1, rounds=1)
    assert found.keys() == {figure.key for figure in TRIALS["page-load"].figures}
    assert found["ratio"] == pytest.approx(found["page"] / found["bare"])
    assert 0.1 < found["cpu_ratio"] < 10


def test_a_siege_attacks_and_a_good_client_and_the_daemon_are_watched(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    code = main("", "--json", "--runs", "1", "--siege", "1", "page-siege")
    (trial,) = json.loads(capsys.readouterr().out)["trials"]
    assert (trial["name"], trial["failure"], code) == ("page-siege", None, int(not trial["kept"]))
    found = {figure["key"]: figure["max"] for figure in trial["figures"]}
    assert found["flood"] > 0
    assert found["bodies"] > 0
    assert 0 < found["usual"] <= found["answer"]
    assert (found["failed"], found["ended"]) == (0, 0)


def test_a_heart_that_stops_for_a_moment_is_noticed(site: Site) -> None:
    pulse = Pulse(site.loop)
    try:
        site.loop.call_soon_threadsafe(time.sleep, 0.2)
        worst, end = 0.0, time.monotonic() + 5
        while worst < 0.15:
            assert time.monotonic() < end
            time.sleep(0.05)
            worst = pulse.since()["beat"]
    finally:
        pulse.end()


def test_a_page_that_nobody_serves_is_a_failure(site: Site) -> None:
    for port, failed in ((site.door.port, 0), (1, 1)):
        visitor = Visitor(port)
        visitor.come(0.1)
        assert (len(visitor.took), visitor.failed) == (1, failed)


@pytest.mark.parametrize("words", [("--siege", "0"), ("--siege", "soon"), ("page-lod",)])
def test_what_makes_no_sense_is_refused_before_anything_is_measured(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main("", *words)
    assert words[-1] in capsys.readouterr().err

"""How script/bench judges figures and counts memory, without root."""

from __future__ import annotations

import io

import pytest

from script.lib.bench.figures import Figure, Result, Run, Trial
from script.lib.bench.memory import alone
from script.lib.bench.report import Progress, as_json, print_table, shown

MEDIAN = Figure("gap", "gap", "s", 0.020, "median")
WORST = Figure("lost", "packets lost", "count", 0)
SHOWN = Figure("ratio", "ratio", "times")
TRIAL = Trial("carrier", "carrier loss", (MEDIAN, WORST, SHOWN), lambda *_: {})
WHERE = {"kernel": "6.1", "python": "3.11.2", "cpus": 2, "load": 0.5}

SMAPS = """\
7f0000000000-7f0000100000 r-xp 00000000 fe:00 1 /usr/lib/x86_64-linux-gnu/libc.so.6
Rss:                1600 kB
Pss:                  70 kB
Pss_Dirty:            20 kB
VmFlags: rd ex mr mw me
7f0000200000-7f0000300000 r-xp 00000000 fe:00 2                    /usr/lib/libpython3.11.so.1.0
Rss:                5000 kB
Pss:                1800 kB
7f0000400000-7f0000500000 rw-p 00000000 00:00 0
Rss:                 900 kB
Pss:                 900 kB
"""


def result(*runs: tuple[float, float]) -> Result:
    found = Result(TRIAL)
    for gap, lost in runs:
        found.add({"gap": gap, "lost": lost, "ratio": 2.0})
    return found


def test_a_limit_for_the_median_bears_one_bad_run() -> None:
    assert result((0.01, 0), (0.01, 0), (9.0, 0)).judgement(MEDIAN) is True
    assert result((0.01, 0), (0.03, 0), (9.0, 0)).judgement(MEDIAN) is False


def test_a_limit_for_the_worst_bears_none() -> None:
    assert result((0.01, 0), (0.01, 0)).kept
    assert not result((0.01, 0), (0.01, 1), (0.01, 0)).kept


def test_what_has_no_limit_or_no_value_is_not_judged() -> None:
    assert result((0.01, 0)).judgement(SHOWN) is None
    assert Result(TRIAL).judgement(WORST) is None


def test_a_run_that_failed_is_not_kept_whatever_the_others_gave() -> None:
    found = result((0.01, 0))
    found.failure = "run 2: RuntimeError: conman ended"
    assert not found.kept
    assert as_json([found], 2, WHERE)["kept"] is False


def test_json_has_every_value_and_how_it_was_judged() -> None:
    (trial,) = as_json([result((0.01, 0), (0.03, 0))], 2, WHERE)["trials"]
    assert trial["figures"][0] == {
        "key": "gap",
        "label": "gap",
        "unit": "s",
        "median": 0.02,
        "min": 0.01,
        "max": 0.03,
        "limit": 0.02,
        "judged": "median",
        "kept": True,
        "values": [0.01, 0.03],
    }


def test_the_table_names_what_was_exceeded(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([result((0.01, 3)), Result(TRIAL, failure="run 1: no answer")], WHERE)
    lines = capsys.readouterr().out.splitlines()
    assert next(line for line in lines if "packets lost" in line).endswith("worst 0  EXCEEDED")
    assert next(line for line in lines if "  gap" in line).endswith("median 20.0 ms  kept")
    assert "  FAILED: run 1: no answer" in lines


def test_progress_in_a_pipe_is_plain_with_a_dot_for_each_run() -> None:
    stream = io.StringIO()
    with Progress(stream).trial(TRIAL, 2) as shown_trial:
        shown_trial.tick()
        shown_trial.tick()
    assert stream.getvalue() == "  carrier       .. 0 s\n"


def test_memory_counts_the_c_library_in_part_and_all_else_in_full() -> None:
    assert alone(SMAPS) == 70 + 5000 + 900


def test_phases_are_spread_over_the_whole_period_and_start_at_its_worst() -> None:
    assert [Run(number, 4).phase for number in range(4)] == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.0123, "s", "12.3 ms"), (-0.2, "s", "-200.0 ms"), (10.5, "s", "10.50 s"), (2, "count", "2")],
)
def test_values_are_shown_for_people(value: float, unit: str, text: str) -> None:
    assert shown(value, unit) == text  # type: ignore[arg-type]

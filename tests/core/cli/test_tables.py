"""Text that is aligned and safe, whatever is in it."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core.cli.tables import Screen, clean, columns, complain
from conman_core.cli.times import age, amount, clock

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def screen(width: int | None = None) -> tuple[Screen, io.StringIO]:
    stream = io.StringIO()
    made = Screen(stream)
    made.width = width
    return made, stream


def test_wide_and_combining_characters_keep_the_columns_aligned():
    made, stream = screen()
    made.table(("NAME", "X"), [(("宿舍", "1"), ()), (("e\u0301", "2"), ()), (("wlan0", "3"), ())])
    assert stream.getvalue().splitlines() == ["NAME   X", "宿舍   1", "e\u0301      2", "wlan0  3"]


def test_sentences_are_wrapped_below_their_first_word_on_a_terminal_only():
    for width, expected in (
        (30, ["  a   one two three four five", "      six"]),
        (None, ["  a   one two three four five six"]),
    ):
        made, stream = screen(width)
        made.pairs([("a", "one two three four five six"), ("bb", "")])
        assert stream.getvalue().splitlines() == [*expected, "  bb"]


@given(st.text())
def test_clean_text_is_printable_and_harmless_text_is_left_alone(text: str):
    assert clean(text).isprintable()
    assert clean(clean(text)) == clean(text)
    if text.isprintable():
        assert clean(text) == text


@given(st.text(max_size=40), st.integers(1, 120), st.integers(0, 40))
def test_wrapping_loses_no_word_and_fits_where_words_allow_it(text: str, width: int, indent: int):
    made, stream = screen(width)
    made.sentence(text, indent=indent)
    lines = stream.getvalue().split("\n")[:-1]
    assert " ".join(lines).split() == clean(text).split()
    room = max(width - indent, 20)
    assert all(columns(line) - indent <= room for line in lines if " " in line.strip())


_cells = st.text(max_size=12)


def _rows(count: int) -> st.SearchStrategy[list[tuple[list[str], list[str]]]]:
    cells = st.lists(_cells, min_size=count, max_size=count)
    return st.lists(st.tuples(cells, st.lists(_cells, max_size=2)), min_size=1, max_size=4)


@given(st.integers(1, 4).flatmap(_rows))
def test_any_cells_make_an_aligned_table(rows: list[tuple[list[str], list[str]]]):
    made, stream = screen()
    header = ["H"] * len(rows[0][0])
    made.table(header, [(cells, ()) for cells, _ in rows])
    lines = stream.getvalue().split("\n")
    assert len(lines) == len(rows) + 2
    widths = [max(columns(clean(row[n])) for row in [header, *(c for c, _ in rows)])
              for n in range(len(header))]  # fmt: skip
    for line, (cells, _) in zip(lines[1:], rows, strict=False):
        start = sum(widths[:-1]) + 2 * len(widths[:-1])
        assert columns(line) <= start + columns(clean(cells[-1]))
        assert line.endswith(clean(cells[-1]).rstrip())
    made.table(header, rows)  # with sentences below


@pytest.mark.parametrize(
    "text", ["", "x", "2026", "99999-01-01", None, 5, [], "2026-05-01T13:00:00Z"]
)
def test_an_age_that_cannot_be_known_is_left_out(text: object):
    assert age(text, NOW) == ""


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ("2026-05-01T11:59:59+00:00", "1 s"),
        ("2026-05-01T11:58:59Z", "1 min"),
        ("2026-05-01T13:00:00+02:00", "1 h 0 min"),
        ("2026-04-29T12:00:01", "47 h 59 min"),
        ("2026-04-28T10:00:00Z", "3 d 2 h"),
    ],
)
def test_an_age_is_told_in_two_units_at_most(since: str, said: str):
    assert age(since, NOW) == said


@given(st.text() | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat))
def test_any_text_for_a_time_is_shown_somehow(text: str):
    assert clock(text).isprintable()
    age(text)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0"), (999, "999"), (1000, "1.0k"), (9949, "9.9k"), (9950, "10k"), (999_499, "999k"),
        (999_500, "1.0M"), (1_500_000_000, "1.5G"), (None, "-"), (-1, "-"), (True, "-"),
        ("7", "-"), (1.5, "-"),
    ],
)  # fmt: skip
def test_amounts_are_short(number: object, said: str):
    assert amount(number) == said


@given(st.integers(0))
def test_no_amount_takes_more_than_four_columns(number: int):
    assert len(amount(number)) <= 4


def test_a_complaint_of_several_sentences_takes_a_line_each(capsys: pytest.CaptureFixture[str]):
    complain("one\ntwo\x1b[2J")
    assert capsys.readouterr().err == "conman: one\nconman: two\\x1b[2J\n"

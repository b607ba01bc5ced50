"""What a link used in a month: each byte counts once, whatever the clock and the counters do."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core.entry import Limit
from conman_core.usage import (
    Month,
    Seen,
    Usage,
    amount,
    counted,
    ends,
    in_month,
    month_of,
    sentence,
    spent,
    told,
)

MB = 1_000_000
NAMES = st.integers(2025, 2040).flatmap(
    lambda year: st.integers(1, 12).map(lambda month: f"{year}-{month:02}")
)


def used(megabytes: float, month: str = "2026-11", **more: int) -> Usage:
    return Usage(Month(month, round(megabytes * MB), **more))


# -- months


@pytest.mark.parametrize(
    ("day", "first", "month"),
    [
        (date(2026, 11, 1), 1, "2026-11"),
        (date(2026, 11, 30), 1, "2026-11"),
        (date(2026, 11, 14), 15, "2026-10"),
        (date(2026, 11, 15), 15, "2026-11"),
        (date(2027, 1, 27), 28, "2026-12"),
        (date(2027, 3, 1), 28, "2027-02"),
    ],
)
def test_a_month_begins_on_the_users_day(day: date, first: int, month: str) -> None:
    assert month_of(day, first) == month


@given(st.dates(date(2025, 1, 1), date(2090, 1, 1)), st.integers(1, 28))
def test_a_month_ends_when_the_next_one_begins(day: date, first: int) -> None:
    end = ends(month_of(day, first), first)
    assert end
    assert day < end
    assert month_of(end, first) > month_of(day, first)
    assert (end - day).days <= 31


@pytest.mark.parametrize("rubbish", ["", "2026", "2026-13", "9999-12"])
def test_what_is_no_month_has_no_end(rubbish: str) -> None:
    assert ends(rubbish, 1) is None


# -- counting


def test_what_a_new_link_counted_before_is_not_ours() -> None:
    first = counted(Usage(), Seen("boot/3", 700))
    assert first.month.used == 0
    assert counted(first, Seen("boot/3", 1000)).month.used == 300


@pytest.mark.parametrize("again", [Seen("boot/4", 900), Seen("other/3", 900), Seen("boot/3", 90)])
def test_a_counter_that_began_anew_counts_in_full(again: Seen) -> None:
    before = counted(Usage(), Seen("boot/3", 700))
    assert counted(before, again).month.used == again.bytes


@given(
    st.lists(
        st.tuples(st.integers(0, 10**9), st.sampled_from(["go on", "plug", "look"])), max_size=30
    )
)
def test_every_byte_counts_once_however_often_it_is_looked_at_and_plugged_in(
    events: list[tuple[int, str]],
) -> None:
    counter, device, total = 0, 0, 0
    usage = counted(Usage(), Seen("0", 0))
    for size, event in events:
        if event == "plug":
            device, counter = device + 1, 0
        elif event == "go on":
            counter, total = counter + size, total + size
        usage = counted(usage, Seen(str(device), counter))
    assert usage.month.used == total


# -- the clock


def test_the_turn_of_the_month_begins_at_nothing_and_keeps_the_one_before() -> None:
    turned = in_month(used(400, told=80), "2026-12")
    assert turned.month == Month("2026-12")
    assert turned.before == Month("2026-11", 400 * MB, 80)


def test_what_is_counted_before_the_clock_was_ever_set_belongs_to_the_first_month() -> None:
    assert in_month(used(3, ""), "2026-11").month == Month("2026-11", 3 * MB)


def test_a_clock_that_is_behind_changes_nothing_until_it_is_believed() -> None:
    there = used(400)
    assert in_month(there, "2026-10") == there
    assert in_month(in_month(there, "2026-10"), "2026-11") == there
    assert in_month(there, "2026-10", believe=True).month == Month("2026-10", 400 * MB)


def test_a_clock_that_was_far_ahead_loses_and_doubles_nothing() -> None:
    ahead = in_month(used(400, told=80), "2036-05")
    ahead = counted(counted(ahead, Seen("a", 0)), Seen("a", 20 * MB))
    assert ahead.month == Month("2036-05", 20 * MB)
    back = in_month(ahead, "2026-11", believe=True)
    assert back.month == Month("2026-11", 420 * MB, 80)
    assert in_month(back, "2026-12").month.used == 0


@given(
    st.lists(st.tuples(NAMES, st.booleans(), st.integers(0, 10**6)), min_size=1, max_size=30),
)
def test_no_clock_makes_bytes_out_of_nothing(steps: list[tuple[str, bool, int]]) -> None:
    usage, counter = counted(Usage(), Seen("a", 0)), 0
    for name, believe, size in steps:
        usage = in_month(usage, name, believe=believe)
        counter += size
        usage = counted(usage, Seen("a", counter))
        assert usage.month.used + usage.before.used <= counter
        assert usage.before.name < usage.month.name or not usage.before.name


@given(NAMES, st.lists(st.tuples(NAMES, st.integers(0, 10**6)), max_size=20))
def test_while_no_earlier_month_is_believed_months_only_turn_forward(
    first: str, steps: list[tuple[str, int]]
) -> None:
    """And what is counted stays in the latest month that the clock ever showed."""
    usage = in_month(Usage(seen=Seen("a", 0)), first)
    latest, since, counter = first, 0, 0
    for name, size in steps:
        usage = in_month(usage, name)
        if name > latest:
            latest, since = name, counter
        counter += size
        usage = counted(usage, Seen("a", counter))
        assert usage.month == Month(latest, counter - since)


# -- limits


def test_a_person_hears_once_of_each_level() -> None:
    limit, usage, heard = Limit(500 * MB), used(0), []
    for megabytes in range(0, 700, 7):
        usage = Usage(usage.month._replace(used=megabytes * MB))
        usage, level = told(usage, limit)
        heard += [(megabytes, level)] if level else []
    assert heard == [(406, 80), (504, 100)]
    assert told(in_month(usage, "2026-12"), limit)[0].month.told == 0


def test_who_goes_past_both_at_once_hears_of_the_last() -> None:
    assert told(used(900), Limit(500 * MB))[1] == 100


def test_a_limit_that_is_raised_can_be_told_of_again() -> None:
    usage, _ = told(used(500), Limit(500 * MB))
    usage, level = told(usage, Limit(1000 * MB))
    assert (usage.month.told, level) == (0, None)
    assert told(used(800, told=usage.month.told), Limit(1000 * MB))[1] == 80


def test_without_a_limit_nobody_hears_of_anything() -> None:
    assert told(used(10_000), Limit())[1] is None
    assert spent(used(10_000), Limit(stop=True)) == ""


@pytest.mark.parametrize(
    ("megabytes", "stop", "says"),
    [
        (499.9, True, ""),
        (500, True, "its limit of 500 MB is used up until 2026-12-15"),
        (500, False, ""),
    ],
)
def test_a_link_gives_way_when_its_limit_is_used_up_and_the_user_says_stop(
    megabytes: float, stop: bool, says: str
) -> None:
    assert spent(used(megabytes), Limit(500 * MB, stop, 15)) == says


def test_it_is_said_in_a_bills_words() -> None:
    assert sentence(used(412.4), Limit(500 * MB)) == "used 412 MB of 500 MB this month"
    assert sentence(used(412.4), Limit()) == "used 412 MB this month"
    numbers = [0, 999, 820_000, 1_500_000, 45_600_000, 999_999_999, 1_000_000_000, 1_250_000_000]
    assert [amount(number) for number in numbers] == [
        *("0 kB", "0 kB", "820 kB", "1.5 MB", "45.6 MB", "999 MB", "1 GB", "1.25 GB"),
    ]

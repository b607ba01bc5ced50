"""The account of what links used outlives conman, and wears no card out."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core.store import JsonStore
from conman_core.usage import Month, Seen, Usage
from conman_core.usagebook import MOST_LINKS, UsageBook
from tests.core.machine import Memory

MB = 1_000_000
LTE = "wwan:cdc-wdm0"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def used(number: int) -> Usage:
    return Usage(Month("2026-11", number, 80), Month("2026-10", 7), Seen("boot/3", number + 5))


def test_what_is_saved_is_there_in_the_next_life(tmp_path: Path) -> None:
    store, clock = JsonStore(tmp_path / "usage.json"), Clock()
    book = UsageBook(store, clock)
    book.keep(LTE, used(5))
    assert UsageBook(store, clock).usage(LTE) == used(5), "a new link is written at once"
    book.keep(LTE, used(6))
    book.save()
    assert UsageBook(store, clock).usage(LTE) == used(6)
    assert UsageBook(store, clock).usage("wwan:other") == Usage()


def test_it_is_written_after_a_minute_for_a_megabyte() -> None:
    memory, clock = Memory(), Clock()
    book = UsageBook(memory, clock)
    book.keep(LTE, used(0))
    writes = []
    for second in range(1, 300):
        clock.now += 1
        book.keep(LTE, used(second * 50_000))
        if memory.saves > len(writes) + 1:
            writes.append(second)
    assert writes == [60, 120, 180, 240]


def test_little_traffic_writes_nothing_and_what_must_last_is_written_at_once() -> None:
    memory, clock = Memory(), Clock()
    book = UsageBook(memory, clock)
    book.keep(LTE, used(0))
    for _ in range(100):
        clock.now += 100
        book.keep(LTE, used(MB - 1))
    assert memory.saves == 1
    book.keep(LTE, used(MB - 1), at_once=True)
    assert memory.saves == 2


def test_a_machine_without_such_links_has_no_file() -> None:
    memory = Memory()
    UsageBook(memory, Clock()).save()
    assert memory.saves == 0


def test_a_full_disk_is_said_once_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    memory = Memory()
    memory.full = True
    book = UsageBook(memory, Clock())
    with caplog.at_level(logging.WARNING):
        for number in range(3):
            book.keep(LTE, used(number), at_once=True)
    assert len(caplog.records) == 1
    assert book.fault
    assert book.usage(LTE) == used(2)
    memory.full = False
    book.save()
    assert book.fault is None


def test_links_that_come_and_go_do_not_fill_the_file() -> None:
    memory = Memory()
    book = UsageBook(memory, Clock())
    for number in range(MOST_LINKS + 5):
        book.keep(f"wwan:{number}", used(1))
        book.keep(LTE, used(1))
    book.save()
    assert len(memory.values["links"]) == MOST_LINKS
    assert LTE in memory.values["links"]


def test_a_torn_file_is_set_aside(tmp_path: Path) -> None:
    path = tmp_path / "usage.json"
    path.write_bytes(b'{"links": {"wwan')
    assert UsageBook(JsonStore(path), Clock()).usage(LTE) == Usage()
    assert path.with_name("usage.json.corrupt").exists()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional={"month": JSON, "before": JSON, "seen": JSON}) | JSON)
def test_whatever_the_file_says_it_is_read(record: Any) -> None:
    memory = Memory()
    memory.values = {"links": {LTE: record}}
    usage = UsageBook(memory, Clock()).usage(LTE)
    assert usage.month.used >= 0
    assert UsageBook(memory, Clock()).usage("x") == Usage()

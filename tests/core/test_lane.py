"""Threads for strangers: they outlive what a stranger does, and never hold up the end."""

from __future__ import annotations

import asyncio
import sys
import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from conman_core.lane import Lane, describe, finished, in_thread, one_line


@given(st.text(max_size=3000))
def test_any_text_becomes_one_printable_line_of_bounded_length(text):
    line = one_line(text)

    assert line.isprintable()
    assert len(line) <= 300


def test_an_exception_whose_text_fails_is_still_described():
    class Unspeakable(Exception):
        def __str__(self):
            raise SystemExit

    assert describe(Unspeakable()) == "Unspeakable: (its text cannot be read)"
    assert describe(KeyError()) == "KeyError"


def test_a_lane_starts_no_thread_before_it_is_used():
    before = threading.active_count()
    lane = Lane("lazy")

    assert threading.active_count() == before
    assert lane.stack() == ""


def test_what_is_posted_runs_in_order_on_one_thread():
    lane, seen = Lane("test"), []
    done = threading.Event()
    for number in range(100):
        lane.post(lambda n=number: seen.append((n, threading.get_ident())))
    lane.post(done.set)

    assert done.wait(5)
    assert [number for number, _ in seen] == list(range(100))
    assert {ident for _, ident in seen} == {lane.thread.ident}
    lane.close()


def test_a_lane_survives_an_exit_and_a_stopped_loop(caplog):
    lane, done = Lane("test"), threading.Event()
    lane.post(sys.exit, 3)
    lane.post(lambda: asyncio.get_running_loop().stop())
    lane.post(done.set)

    assert done.wait(5)
    assert "SystemExit: 3" in caplog.text
    lane.close()


def test_a_closed_lane_cancels_its_tasks_ends_its_thread_and_takes_no_more():
    lane, began, cancelled = Lane("test"), threading.Event(), threading.Event()

    async def forever():
        began.set()
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.set()

    keep = []
    lane.post(lambda: keep.append(asyncio.get_running_loop().create_task(forever())))
    assert began.wait(5)
    lane.close()
    lane.thread.join(5)

    assert cancelled.is_set()
    assert not lane.thread.is_alive()
    assert not lane.post(print)


def test_the_place_where_a_lane_hangs_can_be_told():
    lane, began, release = Lane("test"), threading.Event(), threading.Event()

    def hangs_here():
        began.set()
        release.wait(20)

    lane.post(hangs_here)
    assert began.wait(5)
    assert "hangs_here" in lane.stack()
    release.set()
    lane.close()


def test_a_thread_hands_over_whatever_it_raises():
    _, future = in_thread("test", lambda: sys.exit(5))

    assert asyncio.run(finished(future, 5))
    assert isinstance(future.exception(), SystemExit)


def test_waiting_for_a_thread_has_its_limit():
    release = threading.Event()
    _, future = in_thread("test", lambda: release.wait(20))
    began = time.monotonic()

    assert not asyncio.run(finished(future, 0.1))
    assert time.monotonic() - began < 1
    release.set()

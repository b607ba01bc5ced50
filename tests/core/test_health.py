"""Failures are remembered apart, and nothing is given up for good."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conman_core.health import Faults, State, pause_after

KEYS = st.sampled_from([("probe", ""), ("connect", "a:1"), ("connect", "a:2"), ("details", "a:1")])


def test_the_pause_is_a_minute_and_doubles_to_an_hour():
    assert [pause_after(n) for n in (1, 2, 3, 6, 7, 1000)] == [60, 120, 240, 1920, 3600, 3600]


@given(st.lists(st.tuples(KEYS, st.booleans(), st.floats(0, 5000)), max_size=40))
def test_every_fault_gets_its_next_chance_within_an_hour(history):
    faults, now = Faults(), 0.0
    for (method, link), failed, wait in history:
        now += wait
        if failed:
            faults.add(method, link, "it broke", now=now, wall=now)
        else:
            faults.clear(method, link)

    assert not any(faults.waits(now + 3600, link) for link in (None, "a:1", "a:2"))


def test_a_link_that_fails_costs_no_other_link_its_driver():
    faults = Faults()
    faults.add("connect", "a:1", "it broke", now=0, wall=0)

    assert [faults.waits(30, link) for link in ("a:1", "a:2", None)] == [True, False, False]
    assert not faults.waits(61, "a:1")


def test_a_failing_extra_costs_nothing_but_is_shown():
    faults = Faults()
    faults.add("details", "a:1", "it broke", now=0, wall=7)

    assert not faults.waits(1, "a:1")
    assert (faults.health().state, faults.health().since) == (State.BROKEN, 7)


def test_a_fault_of_probe_concerns_every_link():
    faults = Faults()
    faults.add("probe", "", "it broke", now=0, wall=0)

    assert faults.waits(59, "a:1")
    assert faults.waits(59)


def test_only_a_success_of_the_same_call_clears_a_fault():
    faults = Faults()
    faults.add("connect", "a:1", "it broke", now=0, wall=0)

    assert not faults.clear("probe", "")
    assert faults.health().state is State.BROKEN
    assert faults.clear("connect", "a:1")
    assert faults.health().state is State.OK


def test_the_same_fault_again_is_no_news_but_counts():
    faults = Faults()

    assert faults.add("probe", "", "it broke", now=0, wall=1)
    assert not faults.add("probe", "", "it broke", now=60, wall=61)
    assert faults.add("probe", "", "it broke otherwise", now=200, wall=201)
    health = faults.health()
    assert (health.since, health.failures, health.retry_at) == (1, 3, 200 + 240)


def test_a_rescan_gives_another_chance_now_without_forgetting_the_count():
    faults = Faults()
    for now in (0, 60, 200):
        faults.add("probe", "", "it broke", now=now, wall=now)

    faults.forgive(210)

    assert not faults.waits(210)
    faults.add("probe", "", "it broke", now=210, wall=210)
    assert faults.health().retry_at == 210 + 480


def test_a_device_that_is_plugged_in_again_starts_anew():
    faults = Faults()
    faults.add("connect", "a:1", "it broke", now=0, wall=0)
    faults.add("probe", "", "it broke", now=0, wall=0)

    faults.keep_links(frozenset({"a:2"}))

    assert faults.health().sentence == "it broke"
    assert not faults.clear("connect", "a:1")
    assert faults.clear("probe", "")


def test_the_fault_that_costs_most_is_shown():
    faults = Faults()
    for number, method in enumerate(("details", "probe", "connect", "events")):
        faults.add(method, "", f"{method} broke", now=number, wall=number)

    assert faults.health().sentence == "probe broke"
    faults.clear("probe", "")
    assert faults.health().sentence == "connect broke"
    faults.clear("connect", "")
    assert faults.health().sentence == "events broke"

"""When a person is asked for settings, and when no longer."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from conman_core import provisioning as p
from conman_core.ladder import NEVER
from conman_core.provisioning import Asking, Course, Facts, Rules, When, decide

NOTHING = Facts()
WIFI = Facts(online=frozenset({"wifi:wlan0"}))
MINUTE = Rules(When.BOOT, 60.0)


def asked(since: float = 100.0, **more: object) -> Course:
    asking = Asking(since, shown=True, attended=since, timeout=300.0)
    return Course(waiting=0.0, asking=replace(asking, **more))  # type: ignore[arg-type]


def test_nobody_is_asked_before_the_time_has_passed() -> None:
    move = decide(Course(waiting=0.0), NOTHING, MINUTE, 59.9)
    assert move.start is None
    assert move.wake_at == 60.0
    assert decide(move.course, NOTHING, MINUTE, 60.0).start is True


def test_who_asks_hears_of_it_before_but_not_when_something_works() -> None:
    move = decide(Course(waiting=0.0), NOTHING, MINUTE, 1.0)
    assert (move.course.soon, move.wake_at) == (False, 60.0 - p.AHEAD)
    move = decide(move.course, NOTHING, MINUTE, move.wake_at)
    assert (move.course.soon, move.start, move.wake_at) == (True, None, 60.0)
    assert decide(move.course, WIFI, MINUTE, 55.0).course.soon is False
    assert decide(move.course, NOTHING, Rules(When.NEVER), 55.0).course.soon is False
    assert decide(move.course, NOTHING, MINUTE, 60.0).course.soon is False


def test_half_of_a_short_wait_is_left_to_the_links() -> None:
    move = decide(Course(waiting=0.0), NOTHING, Rules(When.BOOT, 3.0), 0.0)
    assert (move.course.soon, move.wake_at) == (False, 1.5)


def test_the_time_begins_when_the_last_link_is_lost() -> None:
    course = decide(Course(waiting=0.0), WIFI, Rules(When.ALWAYS), 500.0).course
    assert decide(course, NOTHING, Rules(When.ALWAYS), 559.0).start is None
    assert decide(course, NOTHING, Rules(When.ALWAYS), 560.0).start is True


def test_boot_asks_only_until_the_machine_has_been_online() -> None:
    once = replace(NOTHING, been_online=True)
    assert decide(Course(waiting=0.0), once, MINUTE, 1e6).start is None
    assert decide(Course(waiting=0.0), once, Rules(When.ALWAYS), 1e6).start is True


def test_never_asks_only_by_hand() -> None:
    assert decide(Course(waiting=0.0), NOTHING, Rules(When.NEVER), 1e6).start is None
    assert p.by_hand(Course(waiting=0.0), NOTHING, 5.0, None).start is True


def test_nobody_is_asked_where_nothing_can_ask() -> None:
    unable = replace(NOTHING, able=False)
    move = decide(Course(waiting=0.0), unable, MINUTE, 1e6)
    assert (move.start, move.wake_at) == (None, NEVER)


def test_a_firewalled_cable_is_no_reason_to_ask() -> None:
    walled = replace(NOTHING, wired=True)
    assert decide(Course(waiting=0.0), walled, MINUTE, 1e6).start is None
    assert decide(asked(), walled, MINUTE, 101.0).start is False


def test_asking_ends_at_once_when_any_link_is_online() -> None:
    move = decide(asked(), WIFI, MINUTE, 101.0)
    assert move.start is False
    assert "wifi:wlan0" in move.sentence
    assert move.course.asking is None


def test_asking_by_hand_goes_on_beside_a_link_that_was_online() -> None:
    course = p.by_hand(Course(waiting=0.0), WIFI, 10.0, None).course
    assert decide(course, WIFI, MINUTE, 11.0).start is None
    both = Facts(online=frozenset({"wifi:wlan0", "ethernet:eth0"}))
    assert decide(course, both, MINUTE, 12.0).start is False


def test_asking_by_hand_ends_when_the_link_it_interrupted_is_back() -> None:
    course = p.by_hand(Course(waiting=0.0), WIFI, 10.0, None).course
    course = decide(course, NOTHING, MINUTE, 11.0).course
    assert decide(course, WIFI, MINUTE, 12.0).start is False


def test_asking_ends_when_nobody_has_been_there_for_the_timeout() -> None:
    assert decide(asked(), NOTHING, MINUTE, 399.0).start is None
    assert decide(asked(), NOTHING, MINUTE, 400.0).start is False


def test_somebody_there_prolongs_it() -> None:
    course = p.shown(asked(), 350.0, timeout=300.0, attended=True)
    assert decide(course, NOTHING, MINUTE, 649.0).start is None
    assert decide(course, NOTHING, MINUTE, 650.0).start is False


def test_a_forgotten_phone_does_not_prolong_it() -> None:
    course = p.shown(asked(), 399.0, timeout=300.0, attended=False)
    assert decide(course, NOTHING, MINUTE, 400.0).start is False


def test_the_time_by_hand_wins_over_the_setting() -> None:
    course = p.by_hand(Course(waiting=0.0), NOTHING, 10.0, 20.0).course
    course = p.shown(course, 12.0, timeout=300.0, attended=False)
    assert decide(course, NOTHING, MINUTE, 31.9).start is None
    assert decide(course, NOTHING, MINUTE, 32.0).start is False


def test_after_it_ended_everything_else_gets_its_time_before_it_begins_again() -> None:
    course = decide(asked(), NOTHING, MINUTE, 400.0).course
    assert decide(course, NOTHING, MINUTE, 459.0).start is None
    assert decide(course, NOTHING, MINUTE, 460.0).start is True


def test_what_cannot_be_shown_is_tried_again_ever_more_rarely() -> None:
    course, now, pauses = Course(waiting=0.0), 0.0, []
    for _ in range(8):
        move = decide(course, NOTHING, MINUTE, now)
        begun = now
        while move.start is None:
            now = move.wake_at
            move = decide(move.course, NOTHING, MINUTE, now)
        pauses.append(now - begun)
        course = p.failed(move.course, now, "no radio").course
    assert pauses == [60, 120, 240, 480, 600, 600, 600, 600]


def test_one_that_never_shows_anything_is_given_up() -> None:
    course = decide(Course(waiting=0.0), NOTHING, MINUTE, 60.0).course
    move = decide(course, NOTHING, MINUTE, 60.0 + p.START_LIMIT)
    assert move.start is False
    assert move.course.failures == 1


facts = st.builds(
    Facts,
    online=st.frozensets(st.sampled_from(["a", "b"])),
    wired=st.booleans(),
    been_online=st.booleans(),
    able=st.booleans(),
)
rules = st.builds(Rules, st.sampled_from(When), st.sampled_from([1.0, 60.0, 86_400.0]))
steps = st.lists(
    st.tuples(facts, st.sampled_from(["", "hand", "shown", "there", "failed"]), st.floats(0, 1e5)),
    max_size=30,
)


@given(rules, steps)
def test_starts_and_stops_take_turns_and_time_always_brings_an_end(
    rule: Rules, history: list[tuple[Facts, str, float]]
) -> None:
    course, now, running = Course(waiting=0.0), 0.0, False
    for fact, what, pause in history:
        now += pause
        moves = [decide(course, fact, rule, now)]
        course = moves[-1].course
        if what == "hand":
            moves.append(p.by_hand(course, fact, now, None))
        elif what == "failed":
            moves.append(p.failed(course, now, "no radio"))
        elif what:
            attended = what == "there"
            course = p.shown(course, now, timeout=300.0, attended=attended)
        for move in moves:
            if move.start is not None:
                assert move.start is not running
                running = move.start
                assert move.sentence
        course = moves[-1].course if what in {"hand", "failed"} else course
        assert running is (course.asking is not None)
    while running:
        move = decide(course, NOTHING, rule, now)
        course, running = move.course, move.course.asking is not None
        assert not running or now < move.wake_at < NEVER
        now = move.wake_at if running else now


@given(rules, facts, st.floats(0, 1e6))
def test_an_automatic_start_has_no_link_that_works(rule: Rules, fact: Facts, now: float) -> None:
    move = decide(Course(waiting=0.0), fact, rule, now)
    if move.start:
        assert not fact.online
        assert not fact.wired
        assert rule.when is not When.NEVER

"""The recovery ladder: which step comes when, and never more of them than the budgets allow."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conman_core import ladder as rungs
from conman_core import remedies
from conman_core import track as t
from conman_core.ladder import AT_ONCE, BUDGETS, DAY, MOST_STEPS, NEVER, Ladder
from conman_core.model import Reason, Verdict
from conman_core.remedies import LONG_PATIENCE, PATIENCE, sick_at
from conman_core.schedule import Decision, Policy, Situation, decide
from conman_core.track import Held, Track

from .simulation import Script, Simulation, lost, online

LATE = 10_000.0
HOUR = 3600.0

CURABLE = {
    Reason.NO_ADDRESS, Reason.NOT_REGISTERED, Reason.TIMEOUT, Reason.LOST, Reason.WEDGED,
    Reason.BROKEN,
}  # fmt: skip


def link(name: str = "wifi:w", rank: int = 0, **more: object) -> Track:
    return Track(name, rank, **more)  # type: ignore[arg-type]


def failed(track: Track, *reasons: Reason) -> Track:
    for reason in reasons:
        track = t.attempt_failed(t.attempt(track, LATE), LATE, reason, "it failed")
    return track


def silent(track: Track, rounds: int, since: float, verdict: Verdict = Verdict.OFFLINE) -> Track:
    track = t.connected(track)
    for _ in range(rounds):
        track = t.round_ended(t.round_began(track, since), since, verdict, "silence")
    return track


def recover(track: Track, now: float = LATE) -> tuple[tuple[str, int], ...]:
    return decide([track], Situation(0.0), Policy(), now).recover


# ---- when a repair is called for


def test_what_only_a_person_or_the_world_can_change_is_never_repaired() -> None:
    assert {reason for reason in Reason if reason.repairable} == CURABLE
    for reason in set(Reason) - CURABLE:
        assert recover(failed(link(), *[reason] * 50)) == ()


@pytest.mark.parametrize("reason", sorted(CURABLE - {Reason.WEDGED}, key=str))
def test_the_third_failure_in_a_row_that_a_repair_may_cure_calls_for_it(reason: Reason) -> None:
    assert recover(failed(link(), reason, reason)) == ()
    assert recover(failed(link(), reason, reason, reason)) == (("wifi:w", 0),)
    assert recover(failed(link(), reason, reason, Reason.NOT_FOUND, reason)) == ()


def test_a_driver_that_knows_that_its_device_hangs_is_heard_at_once() -> None:
    assert recover(failed(link(), Reason.WEDGED)) == (("wifi:w", 0),)


def test_a_fault_in_a_drivers_code_is_not_repaired() -> None:
    track = link()
    for _ in range(9):
        track = t.attempt_failed(track, LATE, Reason.BROKEN, "a bug", repairable=False)

    assert recover(track) == ()


def test_a_link_that_worked_before_is_repaired_after_a_minute_of_silence() -> None:
    dead = silent(lost(online(link(), 0), LATE), 5, LATE)

    assert sick_at(dead) == LATE + PATIENCE
    assert recover(dead, LATE + PATIENCE - 0.1) == ()
    assert recover(dead, LATE + PATIENCE) == (("wifi:w", 0),)


@pytest.mark.parametrize("before", ["never worked", "its router answers"])
def test_more_patience_is_had_with_a_link_that(before: str) -> None:
    fresh = before == "never worked"
    verdict = Verdict.OFFLINE if fresh else Verdict.LIMITED
    track = link() if fresh else online(link(), 0)

    assert sick_at(silent(track, 3, LATE, verdict)) == LATE + LONG_PATIENCE


def test_one_or_two_silent_rounds_call_for_nothing_however_long_ago_they_were() -> None:
    assert sick_at(silent(online(link(), 0), 2, LATE)) == NEVER


def test_a_login_page_is_never_repaired() -> None:
    track = silent(online(link(), 0), 50, LATE, Verdict.PORTAL)

    assert sick_at(track) == NEVER
    assert recover(track, LATE + DAY) == ()


def test_an_adopted_connection_that_works_is_not_repaired_because_its_driver_fails() -> None:
    adopted = t.connected(failed(link(), *[Reason.TIMEOUT] * 9), Held.ADOPTED)
    works = t.round_ended(t.round_began(adopted, LATE), LATE, Verdict.ONLINE, "ok")

    assert recover(works, LATE + HOUR) == ()
    assert recover(lost(works, LATE + HOUR), LATE + HOUR) == (("wifi:w", 0),)


def test_a_cable_that_is_out_is_never_repaired() -> None:
    track = t.carrier(silent(link(), 9, LATE), LATE, False)

    assert recover(track, LATE + DAY) == ()


def test_nothing_is_repaired_that_the_user_said_not_to_or_that_has_no_driver() -> None:
    track = failed(link(), *[Reason.TIMEOUT] * 3)

    assert recover(track)
    assert recover(replace(track, may_repair=False)) == ()
    assert recover(replace(track, callable=False)) == ()


def test_a_metered_link_that_stays_cold_is_not_repaired_until_it_is_needed() -> None:
    lte = failed(link("lte:l", 1, metered=True), *[Reason.NOT_REGISTERED] * 3)
    eth = online(link("eth:e"), LATE)
    situation = Situation(0.0, "eth:e")

    assert decide([eth, lte], situation, Policy(), LATE).recover == ()
    assert decide([eth, lte], situation, Policy(warm_standby=True), LATE).recover
    assert decide([lost(eth, LATE), lte], situation, Policy(), LATE + 60).recover


def test_nothing_else_is_begun_on_a_link_that_is_being_repaired() -> None:
    sick = failed(link(), *[Reason.TIMEOUT] * 3)
    decision = decide([sick], Situation(0.0), Policy(), LATE + HOUR)
    assert decision.recover
    assert decision.connect == ()

    during = remedies.began(sick, 0, LATE + HOUR)
    decision = decide([during], Situation(0.0), Policy(), LATE + 2 * HOUR)
    assert (decision.connect, decision.check, decision.recover) == ((), (), ())

    held = remedies.began(silent(link(), 5, LATE), 0, LATE + HOUR)
    decision = decide([held], Situation(0.0), Policy(), LATE + 2 * HOUR)
    assert (decision.connect, decision.check, decision.recover) == ((), (), ())


def test_after_a_step_the_link_is_tried_or_checked_at_once() -> None:
    sick = remedies.began(failed(link(), *[Reason.TIMEOUT] * 9), 0, LATE)
    after = remedies.ended(sick, LATE + 5, climbed=True)
    decision = decide([after], Situation(0.0), Policy(), LATE + 5)
    assert decision.connect == ("wifi:w",)

    held = remedies.began(silent(link(), 5, LATE), 0, LATE)
    after = remedies.ended(held, LATE + 5, climbed=True)
    assert decide([after], Situation(0.0), Policy(), LATE + 5).check == ("wifi:w",)


def test_asking_for_a_step_that_there_is_not_delays_no_try() -> None:
    sick = failed(link(), *[Reason.TIMEOUT] * 3)
    after = remedies.ended(remedies.began(sick, 0, LATE), LATE, climbed=False)

    assert (after.failures, after.retry_at) == (sick.failures, sick.retry_at)
    assert after.ladder.climbs == ()
    assert not after.ladder.active


def test_two_links_are_repaired_one_after_the_other() -> None:
    """Each may be the way in for a person."""
    sick = [failed(link(name), *[Reason.TIMEOUT] * 3) for name in ("wifi:a", "wifi:b")]
    assert decide(sick, Situation(0.0), Policy(), LATE).recover == (("wifi:a", 0),)

    during = [remedies.began(sick[0], 0, LATE), sick[1]]
    assert decide(during, Situation(0.0), Policy(), LATE + 1).recover == ()


# ---- the steps


def climb(ladder: Ladder, now: float, has: int) -> tuple[Ladder, float, int]:
    """Take the next step as soon as it may come."""
    step, at = rungs.next_step(ladder, now)
    now = max(at, now)
    begun = rungs.begin(ladder, step, now)
    return rungs.ended(begun, now + 5, climbed=step < has), now + 5, step


def test_the_steps_come_in_turn_each_with_time_to_show_effect() -> None:
    ladder, now, seen = Ladder(), 0.0, []
    for _ in range(3):
        before = now
        ladder, now, step = climb(ladder, now, has=3)
        seen.append((step, now - before - 5))

    assert seen == [(0, 0), (1, 30), (2, 120)]
    assert rungs.next_step(ladder, now) == (3, now + 600)


def test_cool_downs_double_up_to_an_hour() -> None:
    waits = [rungs.cool_down(step) for step in range(MOST_STEPS)]
    assert waits == [30, 120, 600, 1200, 2400, 3600, 3600, 3600]


def test_at_the_top_there_is_a_rest_that_doubles_up_to_six_hours() -> None:
    ladder, now, rests = Ladder(), 0.0, []
    for _ in range(8):
        step = -1
        while step < 1:
            ladder, now, step = climb(ladder, now, has=1)
        rests.append(ladder.not_before - now + 5)
        now += 7 * HOUR
    assert rests == pytest.approx([900, 1800, 3600, 7200, 14400, 21600, 21600, 21600], abs=10)


def test_a_step_whose_budget_is_used_up_is_passed_over() -> None:
    """What came back four times in a day was not cured by that step."""
    spent = tuple(rungs.Climb(LATE, 1) for _ in range(BUDGETS[1]))
    begun = rungs.begin(Ladder(climbs=spent), 0, LATE + 1)

    assert begun.step == 2
    assert rungs.next_step(replace(begun, step=1), LATE + 1)[0] == 2


def test_with_every_budget_used_up_the_first_that_is_free_again_comes_next() -> None:
    spent = tuple(
        rungs.Climb(LATE + step, step) for step in range(MOST_STEPS) for _ in range(BUDGETS[0])
    )
    assert rungs.next_step(Ladder(climbs=spent), LATE + 100) == (0, LATE + DAY)


def test_a_link_that_was_well_for_ten_minutes_starts_at_the_bottom_with_its_budgets_kept() -> None:
    ladder, now, _ = climb(Ladder(), 0.0, has=3)
    ladder, now, _ = climb(ladder, now, has=3)
    better = rungs.online(ladder, rungs.WELL - 1)
    assert (better.step, better.active, better.pending) == (2, True, False)

    well = rungs.online(better, rungs.WELL)
    assert (well.step, well.active, well.not_before) == (0, False, AT_ONCE)
    assert well.climbs == ladder.climbs
    assert rungs.online(well, rungs.WELL + 8) is well


def test_a_step_counts_from_its_beginning_in_case_it_is_the_last_thing_that_happens() -> None:
    begun = rungs.begin(Ladder(), 0, LATE)

    assert begun.climbs == ((LATE, 0),)
    assert rungs.next_step(begun, LATE) == (1, LATE + 30)


# ---- over time


def test_a_hung_modem_is_back_after_the_step_that_cures_it() -> None:
    script = {"lte": Script(0, rungs=3, wedges=(100,), cure=1)}
    run = Simulation(script).run(HOUR)

    assert [step for _, step in run.repairs["lte"]] == [0, 1]
    assert run.tracks["lte"].verified
    assert run.repairs["lte"][0][0] < 200
    assert run.repairs["lte"][1][0] < 260
    assert not run.tracks["lte"].ladder.active


def test_a_dead_line_behind_a_healthy_radio_has_it_reset_a_few_times_a_day_only() -> None:
    script = {"wifi": Script(0, rungs=3, works=(100,))}
    run = Simulation(script, RARELY).run(4 * DAY, limit=2_000_000)

    for day in range(1, 4):
        today = [step for at, step in run.repairs["wifi"] if day * DAY <= at < (day + 1) * DAY]
        assert 3 <= len(today) <= 15
        assert today.count(2) <= 3


def test_the_repair_of_a_standby_leaves_the_uplink_alone() -> None:
    script = {"eth": Script(0), "wifi": Script(1, rungs=3, wedges=(100,), cure=2)}
    run = Simulation(script).run(HOUR)

    assert [step for _, step in run.repairs["wifi"]] == [0, 1, 2]
    assert run.uplinks == [(0.5, "eth")]
    assert run.repairs["eth"] == []


#: checks that are as rare as can be, as these runs are long
RARELY = Policy(check_interval=300.0, standby_interval=600.0)
FAST = settings(deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink])
times = st.lists(st.floats(0.1, 90_000), max_size=10).map(lambda at: tuple(sorted(at)))


@st.composite
def machines(draw: st.DrawFn) -> dict[str, Script]:
    return {
        f"link{number}": Script(
            rank=number,
            metered=draw(st.booleans()),
            works=draw(times),
            carrier=draw(times),
            starts_working=draw(st.booleans()),
            connects=draw(st.sampled_from([True, True, False])),
            reason=draw(st.sampled_from([Reason.TIMEOUT, Reason.WEDGED, Reason.WRONG_KEY])),
            rungs=draw(st.sampled_from([0, 1, 3, 20])),
            wedges=draw(times),
            cure=draw(st.sampled_from([None, 0, 1, 2])),
            may_repair=draw(st.sampled_from([True, True, False])),
        )
        for number in range(draw(st.integers(1, 3)))
    }


def laws(run: Simulation, decision: Decision) -> None:
    assert len(decision.recover) <= 1
    for name, step in decision.recover:
        track = run.tracks[name]
        assert not track.verified, "a link that works is torn down"
        assert name not in (*decision.connect, *decision.check, *decision.disconnect)
        assert track.may_repair
        assert 0 <= step < MOST_STEPS
        uplink = run.tracks.get(decision.uplink or "")
        if track.metered and uplink is not None and uplink.verified:
            assert uplink.metered, "a metered link is repaired although it is not needed"
    for name, track in run.tracks.items():
        assert len(track.ladder.climbs) <= rungs.MOST_CLIMBS
        if track.repairing is not None:
            assert name not in (*decision.connect, *decision.check, *decision.disconnect)


@settings(FAST, max_examples=10)
@given(machines())
def test_whatever_happens_no_budget_is_exceeded_and_no_working_link_touched(
    script: dict[str, Script],
) -> None:
    run = Simulation(script, RARELY, observe=laws).run(100_000, limit=2_000_000)

    for name, repairs in run.repairs.items():
        assert not repairs or script[name].reason.repairable or script[name].connects
        for step in range(MOST_STEPS):
            taken = [at for at, which in repairs if which == step]
            allowed = rungs.budget(step)
            for first, last in zip(taken, taken[allowed:], strict=False):
                assert last - first >= DAY, f"step {step} came {allowed + 1} times in a day"
        for (at, _), (following, _) in itertools.pairwise(repairs):
            assert following - at >= 30, "a step without time to show effect"


@settings(FAST, max_examples=8)
@given(st.sampled_from([1, 2, 3, 20]), st.booleans(), st.floats(0, 600))
def test_a_link_that_stays_dead_is_tried_and_repaired_for_ever(
    steps: int, connects: bool, dies: float
) -> None:
    script = Script(0, rungs=steps, connects=connects, works=(dies,), reason=Reason.TIMEOUT)
    run = Simulation({"wifi": script}, RARELY).run(3 * DAY, limit=2_000_000)

    repaired = [at for at, _ in run.repairs["wifi"]]
    gaps = [b - a for a, b in itertools.pairwise([*repaired, run.relative()])]
    assert max(gaps) <= DAY
    noticed = dies + RARELY.check_interval
    looked = sorted([*run.attempts["wifi"], *run.rounds["wifi"]])
    after = [at for at in looked if at > noticed]
    pauses = [b - a for a, b in itertools.pairwise([*after, run.relative()])]
    assert max(pauses) <= 61 + 5 + 1, "a link that was repaired was looked at no more"
    between = sorted([(at, "look") for at in looked] + [(at, "step") for at in repaired])
    assert ("step", "step") not in list(itertools.pairwise(kind for _, kind in between))


def test_a_connection_keeps_its_routes_over_the_first_step() -> None:
    """A gentle repair may be all that it needs."""
    track = remedies.began(silent(link(), 5, LATE), 0, LATE + HOUR)

    assert track.held is Held.OWN
    assert "wifi:w" in decide([track], Situation(0.0), Policy(), LATE + HOUR).metrics

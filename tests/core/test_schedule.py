"""The rules of priority, failover and failback, each as a statement and over random histories."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conman_core import track as t
from conman_core.model import Reason, Verdict
from conman_core.schedule import (
    LINGER,
    METRIC_HELD_BACK,
    METRIC_UNVERIFIED,
    Decision,
    Moment,
    Policy,
    Situation,
    decide,
    user_order,
)
from conman_core.track import Held, Track

from .simulation import Script, Simulation, lost, online

LATE = 10_000.0  # long after start
SETTLED = Situation(started=0.0, uplink="wifi:w", uplink_since=0.0)


def link(name: str = "eth:e", rank: int = 0, **more: object) -> Track:
    return Track(name, rank, **more)  # type: ignore[arg-type]


def test_a_verified_link_carries_the_traffic_before_an_unverified_one_of_better_rank() -> None:
    eth = t.connected(link())
    wifi = online(link("wifi:w", 1), LATE)

    assert decide([eth, wifi], Situation(LATE), Policy(), LATE).uplink == "wifi:w"


def test_a_lone_unverified_link_carries_the_traffic() -> None:
    eth = t.connected(link())

    assert decide([eth], Situation(LATE), Policy(), LATE).uplink == "eth:e"


def test_of_two_verified_links_the_users_first_wins_at_start() -> None:
    eth, wifi = online(link(), 10), online(link("wifi:w", 1), 5)
    situation = Situation(started=0, uplink="wifi:w")

    assert decide([wifi, eth], situation, Policy(), 10).uplink == "eth:e"


def test_of_two_links_of_one_rank_the_preferred_wins_and_then_the_current() -> None:
    a, b = online(link("eth:a"), 1), online(link("eth:b"), 1)

    assert decide([a, b], Situation(0, "eth:b"), Policy(), 2).uplink == "eth:b"
    preferred = replace(a, preference=-1)
    assert decide([preferred, b], Situation(0, "eth:b"), Policy(), 2).uplink == "eth:a"


def test_a_link_that_never_verified_takes_no_traffic_from_one_that_did() -> None:
    wifi = lost(online(link("wifi:w", 1), LATE - 60), LATE)
    eth = t.connected(link())

    assert decide([eth, wifi], SETTLED, Policy(), LATE).uplink == "wifi:w"


def test_carrier_loss_moves_the_traffic_at_once() -> None:
    eth = online(link(), LATE - 60)
    wifi = online(link("wifi:w", 1), LATE - 60)
    situation = Situation(0, "eth:e")

    assert decide([eth, wifi], situation, Policy(), LATE).uplink == "eth:e"
    assert decide([t.carrier(eth, LATE, False), wifi], situation, Policy(), LATE).uplink == "wifi:w"


def test_a_returned_link_is_checked_at_0_2_and_4_seconds_and_takes_over_after_the_dwell() -> None:
    run = Simulation({"eth": Script(0, works=(100, 130)), "wifi": Script(1)}).run(200)

    back = next(at for at in run.rounds["eth"] if at >= 130)
    trial = [at - back for at in run.rounds["eth"] if back <= at < back + 5]
    assert [round(at) for at in trial] == [0, 2, 4]
    moved = run.uplinks[-1]
    assert moved[1] == "eth"
    assert moved[0] - back == pytest.approx(10, abs=0.1)


def test_the_dwell_doubles_with_each_flap_up_to_ten_minutes() -> None:
    now, track, waits = LATE, link(), []
    for _ in range(10):
        track = lost(online(track, now), now + 1)
        waits.append(t.dwell(track, now + 1, 10))
        now += 100

    assert waits == [10, 20, 40, 80, 160, 320, 600, 600, 600, 600]
    assert t.dwell(track, now + t.QUIET, 10) == 10


def test_failback_never_stays_until_the_uplink_is_lost() -> None:
    scripts = {"eth": Script(0, works=(100, 130)), "wifi": Script(1, works=(500,))}
    run = Simulation(scripts, Policy(failback=False)).run(600)

    assert [name for _, name in run.uplinks] == ["eth", "wifi", "eth"]
    assert run.uplinks[-1][0] >= 500


def test_a_silent_death_is_left_within_eleven_seconds() -> None:
    for moment in range(100, 116):
        run = Simulation({"eth": Script(0, works=(moment + 0.3,)), "wifi": Script(1)}).run(200)
        assert run.uplinks[-1][1] == "wifi"
        assert run.uplinks[-1][0] - moment - 0.3 < 11


def test_links_start_in_the_users_order_with_a_stagger() -> None:
    run = Simulation({"b": Script(1), "a": Script(0), "c": Script(2)}).run(3)

    assert [run.attempts[name][0] for name in "abc"] == pytest.approx([0, 0.25, 0.5])


def test_the_next_link_starts_at_once_when_the_one_before_failed() -> None:
    eth = t.attempt_failed(t.attempt(link(), LATE), LATE, Reason.NO_CARRIER, "no cable")
    decision = decide([eth, link("wifi:w", 1)], Situation(LATE), Policy(), LATE)

    assert decision.connect == ("wifi:w",)


def test_a_failed_link_is_tried_after_1_2_4_up_to_60_seconds_for_ever() -> None:
    run = Simulation({"eth": Script(0, connects=False)}).run(3600)

    waits = [b - a for a, b in itertools.pairwise(run.attempts["eth"])]
    for wait, full in zip(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60], strict=False):
        assert 0.9 * full <= wait - 0.5 <= full
    assert max(waits) <= 60.5


def test_a_cable_that_is_plugged_in_is_tried_at_once() -> None:
    run = Simulation({"eth": Script(0, connects=True, carrier=(0.1, 100))}).run(120)

    assert 100 in run.attempts["eth"]


def test_a_metered_link_stays_cold_while_another_works() -> None:
    run = Simulation({"eth": Script(0), "lte": Script(1, metered=True)}).run(500)

    assert run.attempts["lte"] == []


def test_a_metered_link_starts_when_the_others_failed_and_goes_after_a_linger() -> None:
    run = Simulation({"eth": Script(0, carrier=(100, 200)), "lte": Script(1, metered=True)}).run(
        600
    )

    assert run.attempts["lte"] == [100]
    back = next(at for at, name in run.uplinks if name == "eth" and at > 200)
    assert run.disconnects == [(pytest.approx(back + LINGER), "lte")]


def test_a_metered_link_waits_for_links_that_may_still_come() -> None:
    eth = t.attempt(link(), LATE)
    lte = link("lte:l", 1, metered=True)
    early = decide([eth, lte], Situation(LATE), Policy(), LATE + 19.9)
    late = decide([eth, lte], Situation(LATE), Policy(), LATE + 20)

    assert (early.connect, late.connect) == ((), ("lte:l",))


def test_a_warm_metered_standby_is_connected_and_rarely_checked() -> None:
    policy = Policy(warm_standby=True)
    run = Simulation({"eth": Script(0), "lte": Script(1, metered=True)}, policy).run(3600)

    assert len(run.attempts["lte"]) == 1
    assert len(run.rounds["lte"]) <= 7
    assert run.disconnects == []


def test_metrics_put_the_uplink_first_and_leave_room_between_ranks() -> None:
    eth, wifi, dead = online(link(), 1), online(link("wifi:w", 1), 1), t.connected(link("x:x", 2))
    metrics = decide([eth, wifi, dead], Situation(0, "eth:e"), Policy(), 2).metrics

    assert metrics == {"eth:e": 100, "wifi:w": 200, "x:x": 300 + METRIC_UNVERIFIED}


def test_a_link_on_trial_is_held_back_by_its_metric() -> None:
    eth = online(lost(online(link(), LATE - 60), LATE - 30), LATE)
    wifi = online(link("wifi:w", 1), LATE - 60)
    metrics = decide([eth, wifi], SETTLED, Policy(), LATE).metrics

    assert metrics == {"wifi:w": 200, "eth:e": 100 + METRIC_HELD_BACK}


def test_checks_come_at_the_interval_of_the_role() -> None:
    run = Simulation({"eth": Script(0), "wifi": Script(1)}).run(600)

    assert 600 / 8 < len(run.rounds["eth"]) <= 600 / 7
    assert 600 / 60 <= len(run.rounds["wifi"]) <= 600 / 54 + 1
    gaps = [b - a for a, b in itertools.pairwise(run.rounds["eth"])]
    assert max(gaps) < 8


def test_a_standby_that_takes_over_is_checked_at_once_if_its_last_round_is_old() -> None:
    run = Simulation({"eth": Script(0, carrier=(50.0,)), "wifi": Script(1)}).run(60)

    assert any(50 <= at < 50.1 for at in run.rounds["wifi"])


# ---- laws over random histories

fast = settings(deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink])

times = st.lists(st.floats(0.1, 900), max_size=12).map(lambda at: tuple(sorted(at)))


@st.composite
def scripts(draw: st.DrawFn) -> dict[str, Script]:
    count = draw(st.integers(1, 4))
    return {
        f"link{number}": Script(
            rank=draw(st.integers(0, 2)),
            metered=draw(st.booleans()),
            callable=draw(st.sampled_from([True, True, True, False])),
            works=draw(times),
            carrier=draw(times),
            starts_working=draw(st.booleans()),
            connects=draw(st.sampled_from([True, True, False])),
        )
        for number in range(count)
    }


policies = st.builds(
    Policy,
    failback=st.booleans(),
    dwell=st.sampled_from([0.0, 10.0, 60.0]),
    warm_standby=st.booleans(),
    check_interval=st.sampled_from([1.0, 8.0, 300.0]),
)


def laws(run: Simulation, decision: Decision) -> None:
    """What holds at every decision, whatever happened before."""
    tracks, now = run.tracks, run.now
    able = [track for track in tracks.values() if track.connected]
    uplink = tracks.get(decision.uplink or "")
    assert (uplink is None) == (not able)
    if uplink is None:
        return
    lowest = min((decision.metrics[track.name], track.name) for track in able)
    assert lowest[1] == uplink.name, "the kernel would choose another link than the decision"
    assert len(set(decision.metrics.values())) == len(decision.metrics), "a tie is left to luck"
    if not uplink.verified:
        assert not any(track.verified for track in able)
        assert uplink.ever_verified or not any(track.ever_verified for track in able)
    moment = Moment(tracks.values(), run.situation, run.policy, now)
    for track in able:
        if run.policy.failback and user_order(track)[:3] < user_order(uplink)[:3]:
            assert not (track.verified and moment.stood_trial(track)), "a better link is ready"
    for name in (*decision.connect, *decision.disconnect):
        assert tracks[name].callable, "an action for a broken driver"


@settings(fast, max_examples=60)
@given(scripts(), policies)
def test_the_laws_hold_over_any_history(script: dict[str, Script], policy: Policy) -> None:
    run = Simulation(script, policy, observe=laws).run(1000)

    for name, one in script.items():
        attempts = run.attempts[name]
        assert one.callable or not attempts
        if one.callable and not one.metered and not one.connects:
            ends = [*attempts, run.relative()]
            gaps = [b - a for a, b in itertools.pairwise(ends)]
            assert max(gaps, default=0) <= 61 + len(script), "a failed link was given up"


@settings(fast, max_examples=25)
@given(scripts())
def test_a_quiet_end_finds_the_best_working_link_in_charge(
    script: dict[str, Script],
) -> None:
    """Whatever happened before, a quiet hour later the users' first working link carries all."""
    run = Simulation(script).run(4500)

    works = [
        (one.rank, name)
        for name, one in script.items()
        if one.callable and one.connects and one.working_at(4500) and one.carrier_at(4500)
    ]
    unmetered = [item for item in works if not script[item[1]].metered]
    if works:
        best = min(unmetered or works) if not script[min(works)[1]].metered else None
        uplink = run.situation.uplink
        assert uplink is not None
        assert run.tracks[uplink].verified
        if best is not None:
            assert script[uplink].rank == best[0]


@settings(fast, max_examples=12)
@given(st.floats(0.5, 60), st.floats(0.5, 60))
def test_a_flapping_link_moves_the_traffic_ever_more_rarely(up: float, down: float) -> None:
    """Moves to a better link are bounded by the doubling dwell, whatever the rhythm."""
    edges: list[float] = []
    at = 100.0
    while at < 7000:
        edges += [at, at + down]
        at += down + up
    run = Simulation({"eth": Script(0, carrier=tuple(edges)), "wifi": Script(1)}).run(7200)

    voluntary = sum(name == "eth" for at, name in run.uplinks if at > 100)
    assert voluntary <= 8 + 7200 / t.LONGEST_DWELL


def test_a_decision_is_a_function_of_its_arguments() -> None:
    tracks = [online(link(), 5), t.connected(link("wifi:w", 1))]

    assert decide(tracks, Situation(0), Policy(), 9) == decide(tracks, Situation(0), Policy(), 9)


def test_a_round_of_a_connection_that_is_gone_counts_nothing() -> None:
    eth = t.disconnected(t.round_began(online(link(), 1), 2), 3, Reason.LOST, "gone")

    after = t.round_ended(eth, 4, Verdict.ONLINE, "late answer")
    assert not after.verified
    assert not after.checking


def test_taking_a_link_down_on_purpose_is_not_a_loss() -> None:
    eth = online(link(), 1)

    assert t.losses(t.disconnected(eth, 2), 2) == 0
    assert t.losses(t.disconnected(eth, 2, Reason.LOST, "unplugged"), 2) == 1
    assert t.disconnected(eth, 2).held is Held.NONE

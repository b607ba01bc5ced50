"""A link whose limit is used up comes after all others, but before nothing at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conman_core import explain
from conman_core.ladder import NEVER
from conman_core.schedule import LINGER, Decision, Moment, Policy, Situation, decide
from conman_core.track import Held, Track

from .simulation import Script, Simulation, online, replace
from .test_schedule import laws as general_laws

SPENT = "its limit of 500 MB is used up until 2026-12-01"
MONTH = 1000.0
fast = settings(max_examples=20, deadline=None)


def lte(name: str = "wwan:a", rank: int = 0, *, spent: bool = True, **more: object) -> Track:
    track = Track(name, rank, metered=True, spent=SPENT if spent else "")
    return replace(track, **more)


def run(seconds: float = MONTH, policy: Policy | None = None, **scripts: Script) -> Simulation:
    return Simulation(scripts, policy or Policy()).run(seconds)


def carried(it: Simulation, begin: float, end: float) -> set[str | None]:
    """Which links carried the traffic within a time."""
    before = [name for at, name in it.uplinks if at <= begin][-1:]
    return {*before, *(name for at, name in it.uplinks if begin < at < end)}


# -- in a course of time


@pytest.mark.parametrize("policy", [Policy(), Policy(failback=False), Policy(warm_standby=True)])
def test_it_gives_way_to_a_later_one_is_disconnected_and_comes_back(policy: Policy) -> None:
    it = run(
        policy=policy,
        a=Script(0, metered=True, limits=(200.0, 600.0)),
        b=Script(1, metered=True),
    )
    assert carried(it, 100, 200) == {"a"}
    assert carried(it, 210, 600) == {"b"}
    assert [name for at, name in it.disconnects if 200 < at < 210 + LINGER] == ["a"]
    assert not [at for at in it.attempts["a"] if 210 < at < 600], "and left alone"
    if policy.failback:
        assert it.situation.uplink == "a"


def test_links_without_a_bill_are_no_exception() -> None:
    it = run(wifi=Script(0, limits=(200.0,)), lte=Script(1, metered=True))
    assert carried(it, 250, MONTH) == {"lte"}
    assert "wifi" in [name for _, name in it.disconnects]


def test_the_only_one_that_works_goes_on() -> None:
    it = run(a=Script(0, metered=True, limits=(200.0,)), b=Script(1, starts_working=False))
    assert carried(it, 100, MONTH) == {"a"}
    assert it.tracks["a"].verified


def test_a_later_one_that_dies_gives_the_traffic_back_and_takes_it_again() -> None:
    it = run(
        a=Script(0, metered=True, limits=(100.0,)),
        b=Script(1, metered=True, carrier=(500.0, 700.0)),
    )
    assert carried(it, 150, 500) == {"b"}
    assert carried(it, 530, 700) == {"a"}
    assert carried(it, 720, MONTH) == {"b"}


def test_where_all_are_used_up_the_users_order_counts_again() -> None:
    it = run(a=Script(0, metered=True, limits=(100.0,)), b=Script(1, metered=True, limits=(300.0,)))
    assert carried(it, 150, 300) == {"b"}
    assert carried(it, 400, MONTH) == {"a"}


def laws(it: Simulation, decision: Decision) -> None:
    """What holds whenever a decision is made."""
    links = it.tracks.values()
    free = [link for link in links if link.verified and link.connected and not link.spent]
    uplink = it.tracks.get(decision.uplink or "")
    if free:
        assert uplink
        assert not uplink.spent, "a link that is free works"
        for name in decision.connect:
            assert not it.tracks[name].spent or it.tracks[name].held is not Held.NONE
    assert uplink or not any(link.connected for link in links), "the only link is never taken"
    for name in decision.disconnect:
        assert uplink, name
        assert uplink.verified
        assert uplink.name != name, "nothing is taken down that is all there is"
    general_laws(it, decision)


@st.composite
def machines(draw: st.DrawFn) -> dict[str, Script]:
    times = st.lists(st.floats(1, 900), max_size=4).map(lambda found: tuple(sorted(found)))
    return {
        f"l{rank}": Script(
            rank,
            metered=draw(st.booleans()),
            works=draw(times),
            carrier=draw(times),
            limits=draw(times),
        )
        for rank in range(draw(st.integers(1, 4)))
    }


policies = st.builds(Policy, failback=st.booleans(), warm_standby=st.booleans())


@fast
@given(machines(), policies)
def test_the_laws_of_limits_hold_over_any_history(
    script: dict[str, Script], policy: Policy
) -> None:
    Simulation(script, policy, observe=laws).run(MONTH)


@fast
@given(machines(), policies)
def test_limits_of_all_links_are_as_good_as_none(script: dict[str, Script], policy: Policy) -> None:
    metered = {name: replace(one, metered=True, limits=()) for name, one in script.items()}
    spent = {name: replace(one, limits=(0.0,)) for name, one in metered.items()}
    assert Simulation(metered, policy).run(MONTH).uplinks == (
        Simulation(spent, policy).run(MONTH).uplinks
    )


# -- one decision


def test_it_comes_before_a_link_that_does_not_work() -> None:
    spent, dead = online(lte(), 5), replace(lte("wwan:b", 1, spent=False), held=Held.OWN)
    assert decide([spent, dead], Situation(0), Policy(), 100).uplink == "wwan:a"


def test_it_waits_for_links_that_may_get_online_also_for_those_with_a_bill() -> None:
    links = [lte(), lte("wwan:b", 1, spent=False, attempt_started=0.0)]
    policy = Policy()
    assert decide(links, Situation(0), policy, 0.5).connect == ()
    assert decide(links, Situation(0), policy, policy.metered_after - 1).connect == ()
    assert decide(links, Situation(0), policy, policy.metered_after).connect == ("wwan:a",)
    dead = [lte(), replace(links[1], failures=1, retry_at=90.0)]
    assert decide(dead, Situation(0), policy, 0.5).connect == ("wwan:a",)


def test_it_waits_as_long_again_when_one_with_a_bill_was_lost_a_moment_ago() -> None:
    policy = Policy()
    works = [lte(), online(lte("wwan:b", 1, spent=False), 5)]
    situation = decide(works, Situation(0), policy, 500.0).situation
    blips = [lte(), lte("wwan:b", 1, spent=False, attempt_started=500.1)]
    assert decide(blips, situation, policy, 500.5).connect == ()
    assert decide(blips, situation, policy, 500.0 + policy.metered_after).connect == ("wwan:a",)


def test_repairs_of_it_wait_while_another_works() -> None:
    moment = Moment([lte(), online(lte("wwan:b", 1, spent=False), 5)], Situation(0), Policy(), 99)
    assert moment.repair_of(moment.links[-1])[1] == NEVER


# -- in words


def words(*links: Track) -> list[str]:
    moment = Moment(links, Situation(0), Policy(), 100)
    return [explain.why_not(link, moment) for link in links]


def test_why_it_is_not_used_and_why_it_is_all_the_same() -> None:
    other = online(Track("eth:a", 1), 5)
    waits = (
        "Its limit of 500 MB is used up until 2026-12-01: "
        "it is used only while no other link works (data-limit-action = stop)."
    )
    assert words(lte(), other)[0] == waits
    assert words(online(lte(), 5), other)[0] == waits
    assert words(online(lte(), 5))[0] == f"It is the uplink although {SPENT}: no other link works."


def test_what_else_is_wrong_with_it_is_said_first() -> None:
    failed = replace(lte(), failures=1, retry_at=130.0, sentence="the SIM is locked")
    assert words(failed)[0].endswith("the SIM is locked.")

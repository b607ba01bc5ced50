"""The engine as a whole: whatever happens to its links, it ends up on the best that works."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conman_core.errors import ConnectError, DriverBug
from conman_core.model import ConnectionChanged, Link, Lost, Reason, Retry
from conman_core.schedule import Policy

from .machine import FakeGuard, Machine, at_most_turns, connection, run_virtual, until


def test_a_machine_without_links_sleeps_until_something_happens() -> None:
    async def story() -> None:
        async with Machine() as it:
            loop = asyncio.get_running_loop()
            await asyncio.sleep(1)
            with at_most_turns(loop, 5):
                await asyncio.sleep(3600)
            assert it.uplink is None

    run_virtual(story())


def test_an_hour_of_quiet_costs_no_more_turns_than_there_are_checks() -> None:
    async def story() -> None:
        async with Machine("eth0", "eth1") as it:
            await asyncio.sleep(120)
            loop, rounds = asyncio.get_running_loop(), len(it.checker.rounds)
            before = loop.turns  # type: ignore[attr-defined]
            await asyncio.sleep(3600)
            rounds = len(it.checker.rounds) - rounds
            assert loop.turns - before < 12 * rounds  # type: ignore[attr-defined]

    run_virtual(story())


def test_the_servers_of_a_renewed_lease_reach_the_resolver_file() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            await until(lambda: it.entry("eth0").track.verified)
            assert it.network.dns == connection("eth0").dns
            other = connection("eth0", 5).dns
            it.event(ConnectionChanged("eth:eth0", replace(connection("eth0"), dns=other)))
            await asyncio.sleep(1)
            assert it.network.dns == other

    run_virtual(story())


def test_the_servers_of_an_adopted_uplink_give_way_to_those_of_its_lease() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.network.there["eth0"] = replace(connection("eth0"), dns=connection("eth0", 8).dns)
            await until(lambda: it.network.dns == connection("eth0", 8).dns)
            await until(lambda: it.network.dns == connection("eth0").dns)

    run_virtual(story())


def test_another_programs_default_route_goes_from_a_link_that_is_prepared_later() -> None:
    async def story() -> None:
        async with Machine("eth0", "eth1") as it:
            it.network.busy.add("eth1")
            await until(lambda: it.entry("eth0").track.verified)
            await asyncio.sleep(1)
            assert it.network.cleaned[-1] == ["eth0"]
            it.network.busy.clear()
            await until(lambda: it.network.cleaned[-1] == ["eth0", "eth1"], 120)

    run_virtual(story())


def test_a_driver_that_rests_is_called_again_when_its_rest_is_over() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.guards["eth"].able = False
            await asyncio.sleep(5)
            assert not it.guards["eth"].calls
            it.guards["eth"].able = True
            it.engine.poke()  # the daemon does that with each look at the links
            await until(lambda: it.entry("eth0").track.verified)

    run_virtual(story())


def test_fifty_links_all_get_their_turn_and_the_best_is_the_uplink() -> None:
    async def story() -> None:
        names = [f"eth{number}" for number in range(50)]
        async with Machine(*names) as it:
            await until(lambda: it.uplink == "eth:eth0", 5)
            await until(lambda: all(it.entry(n).track.verified for n in names), 60)
            it.carrier("eth0", False)
            await until(lambda: it.uplink == "eth:eth1", 0.2)
            metrics = [metric for _, metric in it.network.kernel.values()]
            assert len(set(metrics)) == 50

    run_virtual(story())


def test_the_new_uplink_has_its_routes_before_the_old_one_gives_up() -> None:
    async def story() -> None:
        async with Machine("eth0", "eth1") as it:
            await until(lambda: it.entry("eth1").track.verified)
            it.network.calls.clear()
            it.carrier("eth0", False)
            await until(lambda: it.uplink == "eth:eth1")
            assert it.network.calls[0][:2] != ("unconfigure", "eth0")
            assert it.network.kernel["eth1"][1] < it.network.kernel["eth0"][1]

    run_virtual(story())


# ---- any history

FAST = settings(
    deadline=None,
    max_examples=60,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
NAMES = ("eth0", "eth1", "lte0")
#: by default a metered uplink is asked every 12 minutes only
POLICY = Policy(metered_interval=10.0)
OUTCOMES: dict[str, Any] = {
    "fails": ConnectError(Reason.NO_ADDRESS, "no DHCP server"),
    "bug": DriverBug("driver broken"),
    "crash": RuntimeError("surprise"),
    "hangs": None,
}


def act(it: Machine, what: str, name: str, outcomes: dict[str, Any]) -> None:
    link = f"{it.entry(name).link.driver}:{name}" if name != "lte0" else "lte:lte0"
    match what:
        case "carrier down" | "carrier up":
            it.carrier(name, what.endswith("up"))
        case "internet dies":
            it.checker.works.discard(name)
        case "internet back":
            it.checker.works.add(name)
        case "unplugged":
            it.unplug(name)
        case "plugged":
            if name not in it.network.known:
                it.network.plug(name)
        case "not offered":
            offers(it, without=name)
        case "offered":
            offers(it)
        case "lost":
            it.event(Lost(link, Reason.LOST, "lost"))
        case "lease":
            it.event(ConnectionChanged(link, connection(name, 3)))
        case "stolen":
            it.event(ConnectionChanged(link, connection("eth0", 4)))
        case "retry":
            it.event(Retry(link, "seen"))
        case "driver anew":
            driver = "lte" if name == "lte0" else "eth"
            old = it.guards[driver]
            it.guards[driver] = FakeGuard(it.network, old.delay, old.leave_delay, old.outcome)
            it.settle()
        case "refused":
            it.order = ("lte",)
            it.settle()
        case "allowed":
            it.order = ("eth", "lte")
            it.settle()
        case "kernel refuses":
            it.network.refuses.add(name)
        case "kernel takes":
            it.network.refuses.discard(name)
        case "rescan":
            it.engine.roster.retry_all()
            it.engine.use_uplink()
        case "routes gone":
            it.network.kernel.pop(name, None)
            it.engine.roster.configuration_lost(name)
        case "never":
            it.engine.policy = Policy(failback=False)
        case "driver rests" | "driver able":
            for guard in it.guards.values():
                guard.able = what.endswith("able")
        case "slow":
            for guard in it.guards.values():
                guard.delay, guard.leave_delay = 7.0, 5.0
        case "works":
            outcomes.pop(name, None)
        case _:
            outcomes[name] = OUTCOMES[what]
    it.engine.poke()


ACTS = (
    *("carrier down", "carrier up", "internet dies", "internet back", "unplugged", "plugged"),
    *("not offered", "offered", "lost", "lease", "stolen", "retry", "driver anew", "refused"),
    *("allowed", "kernel refuses", "kernel takes", "rescan", "routes gone", "never", "slow"),
    *("driver rests", "driver able", "works", *OUTCOMES),
)


def offers(it: Machine, without: str = "") -> None:
    ethernet = [n for n in ("eth0", "eth1") if n != without]
    it.offers["eth"] = tuple(Link("eth", n, n, preference=i) for i, n in enumerate(ethernet))
    it.offers["lte"] = () if without == "lte0" else (Link("lte", "lte0", None, metered=True),)
    it.settle()


histories = st.lists(
    st.tuples(
        st.sampled_from(ACTS), st.sampled_from(NAMES), st.sampled_from([0, 0, 0.02, 0.6, 5.0, 40.0])
    ),
    max_size=25,
)


@FAST
@given(histories, st.sampled_from(NAMES))
def test_after_any_history_the_best_working_link_is_the_uplink(
    history: list[tuple[str, str, float]], survivor: str
) -> None:
    """Then a quiet time in which only the `survivor`, and later every link, works."""

    async def story() -> None:
        outcomes: dict[str, Any] = {}
        async with Machine(*NAMES, policy=POLICY) as it:
            it.guards["lte"] = FakeGuard(it.network)
            it.order = ("eth", "lte")
            for guard in it.guards.values():
                guard.outcome = lambda link: outcomes.get(link.device, connection(link.device))
            offers(it)
            for what, name, pause in history:
                act(it, what, name, outcomes)
                await asyncio.sleep(pause)
            for guard in it.guards.values():
                guard.able, guard.delay, guard.leave_delay = True, 0.5, 0.1
            outcomes.clear()
            it.network.refuses.clear()
            it.order = ("eth", "lte")
            for name in NAMES:
                act(it, "plugged", name, outcomes)
                act(it, "carrier up", name, outcomes)
            taken = it.entry("lte:lte0").connection
            if taken and taken.interface == "eth0":  # stolen while that was refused
                it.event(Lost("lte:lte0", Reason.LOST, "lost"))
            it.checker.works = {survivor}
            it.engine.policy = POLICY
            offers(it)
            it.engine.poke()
            # a driver call that hung may have to be given up first: not the engine's to hurry
            for entry in it.engine.entries.values():
                if entry.track.attempt_started is not None:
                    it.actions.drop(entry)
            link = "lte:lte0" if survivor == "lte0" else f"eth:{survivor}"
            await until(lambda: it.uplink == link, 90)
            await until(lambda: it.entry(link).track.verified, 70)  # metered: looked at each 60 s
            await asyncio.sleep(1)
            consistent(it)

            it.checker.works = set(NAMES)
            await until(lambda: it.uplink == "eth:eth0", 60 + 700)
            await asyncio.sleep(120)
            consistent(it)
            assert it.entry("lte:lte0").connection is None
            assert it.entry("eth1").track.verified
            assert len(it.actions._tasks) <= 2
            assert not it.actions._leaving

    run_virtual(story())


def consistent(it: Machine) -> None:
    """The kernel has what the engine thinks, and the uplink comes first there."""
    usable = {}
    for entry in it.engine.entries.values():
        name = entry.interface
        if entry.connection is not None and name is not None:
            assert it.network.kernel[name] == (entry.connection, entry.metric)
            if entry.track.connected:
                usable[entry.link.name] = it.network.kernel[name][1]
    held = {e.interface for e in it.engine.entries.values() if e.connection is not None}
    held |= it.actions._leaving.keys()  # a driver says good-bye over its link
    assert set(it.network.kernel) <= held, "routes of a link that is not connected"
    assert min(usable, key=lambda name: usable[name]) == it.uplink
    for name, guard in it.guards.items():
        mine = [e for e in it.engine.entries.values() if e.link.driver == name]
        assert guard.up >= {e.link.name for e in mine if e.connection is not None}


@pytest.mark.parametrize("what", ["prepare", "disconnect"])
def test_the_end_waits_for_nothing_that_hangs(what: str) -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            if what == "prepare":
                it.network.preparing = 1000
            await asyncio.sleep(5)
            it.guards["eth"].leave_delay = 1000
            it.offer()
            await asyncio.sleep(1)
            began = asyncio.get_running_loop().time()
            await it.actions.close()
            assert asyncio.get_running_loop().time() - began <= 1.1
            assert not it.network.kernel

    run_virtual(story())


def test_when_the_last_working_link_is_lost_the_failed_ones_are_tried_at_once() -> None:
    async def story() -> None:
        async with Machine("eth0", "eth1") as it:
            it.network.busy.add("eth1")
            await until(lambda: it.entry("eth0").track.verified)
            await until(lambda: it.entry("eth1").track.failures >= 8, 600)
            await asyncio.sleep(2)  # far from the next try, which is a minute away
            it.network.busy.clear()
            it.carrier("eth0", False)
            assert await until(lambda: it.entry("eth1").track.verified) < 2

    run_virtual(story())


def test_a_connection_without_internet_gives_way_when_its_driver_knows_another() -> None:
    async def story() -> None:
        async with Machine("wlan0") as it:
            it.checker.works.clear()
            it.guards["eth"].other_ways = True
            await until(lambda: it.guards["eth"].tries("alternative"))
            await until(lambda: len(it.guards["eth"].tries()) == 2)
            assert any("another way is taken" in line for line in it.said)
            it.checker.works.add("wlan0")
            await until(lambda: it.entry("wlan0").track.verified)

    run_virtual(story())


def test_a_driver_is_asked_for_another_way_ever_more_rarely() -> None:
    async def story() -> None:
        async with Machine("wlan0") as it:
            it.checker.works.clear()
            for ways in (False, True):
                it.guards["eth"].other_ways = ways
                await asyncio.sleep(4 * 3600)
            asked = it.guards["eth"].tries("alternative")
            assert 30 < len(asked) < 70
            later = [late - early for early, late in itertools.pairwise(asked)]
            assert min(later[8:]) >= 599

    run_virtual(story())


def test_a_link_that_works_is_never_asked_for_another_way() -> None:
    async def story() -> None:
        async with Machine("eth0", "eth1") as it:
            it.guards["eth"].other_ways = True
            await asyncio.sleep(3600)
            assert it.guards["eth"].tries("alternative") == []

    run_virtual(story())

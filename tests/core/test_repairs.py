"""Repairs in the real engine: what they do to a link, and that no end of one leaves it stuck."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conman_core.entry import Wishes
from conman_core.errors import ConnectError, DriverBug
from conman_core.ladder import DAY, MOST_STEPS, budget
from conman_core.model import ConnectionChanged, Link, Lost, Reason
from conman_core.roster import MOST_ABSENT
from conman_core.status import explained, status
from conman_core.track import Held

from .machine import FakeGuard, Machine, Memory, connection, run_virtual, until


def hung(_: Link) -> ConnectError:
    return ConnectError(Reason.WEDGED, "the modem does not answer")


def shown(it: Machine, name: str = "eth0") -> dict[str, Any]:
    report = status(
        it.engine.entries.values(), it.engine.moment(), it.herald, drivers=[], config={}, notes=[]
    )
    link = f"eth:{name}"
    found: dict[str, Any] = next(one for one in report["links"] if one["name"] == link)
    return found


def steps(it: Machine) -> list[int]:
    return [step for _, step, _ in it.guards["eth"].steps]


def test_a_hung_device_is_repaired_step_by_step_until_it_connects() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            eth = it.guards["eth"]
            eth.rungs, eth.outcome = 3, hung

            def cured(_: Link, step: int) -> None:
                if step == 1:
                    eth.outcome = None

            eth.on_recover = cured
            await until(lambda: it.entry("eth0").track.verified, 120)
            assert steps(it) == [0, 1]
            assert shown(it)["recovery"]["sentence"] == "It works again after recovery step 1."
            await asyncio.sleep(620)
            assert shown(it)["recovery"] is None

    run_virtual(story())


def test_a_silent_connection_is_kept_over_step_0_and_made_anew_after_later_ones() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            eth, entry = it.guards["eth"], it.entry("eth0")
            await until(lambda: entry.track.verified)
            eth.rungs = 2
            it.checker.works.clear()
            await until(lambda: entry.track.repairing is not None, 120)
            assert entry.track.held is Held.OWN
            assert "eth0" in it.network.kernel
            rounds = len(it.checker.rounds)
            await asyncio.sleep(1)
            assert len(it.checker.rounds) == rounds, "checked while it is repaired"
            await until(lambda: entry.track.repairing is None)
            await asyncio.sleep(0.5)
            assert len(it.checker.rounds) == rounds + 1, "not checked at once"
            assert eth.tries("disconnect") == []

            await until(lambda: entry.track.repairing is not None, 120)
            await asyncio.sleep(1)
            assert eth.up == set()
            assert entry.connection is None
            assert "taken down for recovery step 1" in entry.track.sentence
            assert eth.tries("disconnect")[0] <= eth.steps[1][2] - eth.leave_delay
            await until(lambda: entry.track.held is Held.OWN, 5)

    run_virtual(story())


def test_the_status_says_how_far_the_ladder_was_climbed() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            eth = it.guards["eth"]
            eth.rungs, eth.outcome, eth.rung_delay = 1, hung, 10
            assert shown(it)["recovery"] is None
            await until(lambda: it.entry("eth0").track.repairing is not None)
            await asyncio.sleep(3)
            now = shown(it)["recovery"]
            assert (now["step"], now["climbs"], now["next"]) == (0, 1, None)
            assert now["sentence"] == "Recovery step 0 has been under way for 3 s."
            await asyncio.sleep(10)
            now = shown(it)["recovery"]
            assert (now["step"], now["climbs"]) == (1, 1)
            assert now["last"] < now["next"]
            assert now["sentence"] == (
                "Recovery step 0 has not helped yet; step 1 follows in 27 s unless it works by"
                " then."
            )
            told = explained(it.engine.entries.values(), it.engine.moment(), it.herald)
            assert told["links"][0]["sentence"].endswith(now["sentence"])
            await asyncio.sleep(60)
            assert "the steps start over in" in shown(it)["recovery"]["sentence"]
            assert any("recovery step 0 was taken: the modem does not" in said for said in it.said)
            await until(lambda: "recovery step 0 begins: the modem" in " ".join(it.said), 1200)

    run_virtual(story())


def test_a_driver_without_repairs_is_asked_quietly(caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.guards["eth"].outcome = hung
            await asyncio.sleep(3600)
            assert shown(it)["recovery"] is None
            assert not [said for said in it.said if "recovery" in said]
            assert it.memory.saves <= 10

    caplog.set_level(logging.INFO)
    run_virtual(story())
    assert "recovery" not in caplog.text


def test_the_user_may_forbid_repairs() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.wishes = Wishes(recover=False)
            it.settle()
            eth = it.guards["eth"]
            eth.rungs, eth.outcome = 3, hung
            await asyncio.sleep(DAY / 4)
            assert steps(it) == []
            it.wishes = Wishes()
            it.settle()
            await until(lambda: steps(it), 120)

    run_virtual(story())


def test_a_restart_knows_what_was_done_before_it() -> None:
    async def story() -> None:
        memory = Memory()
        for _ in range(30):
            async with Machine("eth0", memory=memory) as it:
                eth = it.guards["eth"]
                eth.rungs, eth.outcome = 2, hung
                await asyncio.sleep(700)
                taken.extend(steps(it))

    taken: list[int] = []
    run_virtual(story())  # nearly six hours
    assert taken.count(1) <= budget(1)
    assert taken.count(0) <= budget(0)
    assert taken[:2] == [0, 1]


def test_a_restart_in_the_middle_of_a_step_does_not_take_it_again_at_once() -> None:
    async def story() -> None:
        memory = Memory()
        async with Machine("eth0", memory=memory) as it:
            eth = it.guards["eth"]
            eth.rungs, eth.outcome, eth.rung_delay = 3, hung, 1000
            await until(lambda: steps(it))
        async with Machine("eth0", memory=memory) as it:
            eth = it.guards["eth"]
            eth.rungs, eth.outcome = 3, hung
            began = asyncio.get_running_loop().time()
            await until(lambda: steps(it), 120)
            assert steps(it) == [1]
            assert eth.steps[0][2] - began >= 25

    run_virtual(story())


def test_a_step_is_on_disk_before_its_driver_hears_of_it() -> None:
    async def story() -> None:
        async with Machine("eth0", run=False) as it:
            it.engine.repairs.start(it.entry("eth0"), 2)
            assert it.memory.values["links"]["eth:eth0"]["climbs"] == [[0.0, 2]]
            assert it.guards["eth"].steps == []

    run_virtual(story())


FAULTS = [
    DriverBug("driver eth of acme 1: recover(eth:eth0) raised KeyError"),
    ConnectError(Reason.TIMEOUT, "recover(eth:eth0) took more than 30 s"),
    RuntimeError("a bug of conman"),
    asyncio.CancelledError(),
]


@pytest.mark.parametrize("fault", FAULTS, ids=["bug", "hang", "own bug", "cancelled"])
def test_a_step_that_goes_wrong_counts_and_the_link_is_tried_again(
    fault: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            eth = it.guards["eth"]
            eth.rungs, eth.outcome, eth.on_recover = 2, hung, lambda *_: fault
            await until(lambda: len(steps(it)) == 2, 120)
            assert steps(it) == [0, 1]
            await asyncio.sleep(3)
            assert it.entry("eth0").track.repairing is None
            assert "has not helped yet (" in shown(it)["recovery"]["sentence"]
            eth.outcome = None
            await until(lambda: it.entry("eth0").track.verified, 60)

    run_virtual(story())
    if not isinstance(fault, asyncio.CancelledError):
        assert "recovery step 1 went wrong" in caplog.text


def test_a_device_that_vanishes_in_the_middle_of_its_repair_is_not_interrupted() -> None:
    """A modem that is reset is gone for a while: that is the repair at work."""

    async def story() -> None:
        async with Machine("eth0") as it:
            eth = it.guards["eth"]
            eth.rungs, eth.outcome, eth.rung_delay = 3, hung, 10
            done: list[int] = []
            eth.on_recover = lambda _, step: done.append(step)
            await until(lambda: steps(it))
            it.unplug("eth0")
            it.offer()
            await asyncio.sleep(5)
            assert shown(it)["state"] == "absent"
            assert "under way" in shown(it)["recovery"]["sentence"]
            await until(lambda: done == [0], 10)
            await asyncio.sleep(0.1)
            assert shown(it)["recovery"] is None, "there is nothing that could be repaired"
            it.network.plug("eth0")
            eth.outcome = None
            it.offer("eth0")
            await until(lambda: it.entry("eth0").track.verified, 5)

    run_virtual(story())


def test_a_link_is_not_forgotten_while_its_repair_is_under_way() -> None:
    """Under its name a second repair could begin beside the first."""

    async def story() -> None:
        async with Machine("eth0") as it:
            eth = it.guards["eth"]
            eth.rungs, eth.outcome, eth.rung_delay = 1, hung, 10
            await until(lambda: steps(it))
            for number in range(2 * MOST_ABSENT):
                it.offer_links("eth", Link("eth", f"usb{number}", f"usb{number}"))
                await asyncio.sleep(0.01)
            assert "eth:eth0" in it.engine.entries
            await asyncio.sleep(30)
            it.settle()
            assert "eth:eth0" not in it.engine.entries

    run_virtual(story())


def test_a_driver_that_says_lost_within_its_own_repair_loses_nothing() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            eth, entry = it.guards["eth"], it.entry("eth0")
            await until(lambda: entry.track.verified)
            eth.rungs = 1
            eth.on_recover = lambda *_: it.event(Lost("eth:eth0", Reason.LOST, "restarted"))
            it.checker.works.clear()
            await until(lambda: steps(it), 120)
            it.checker.works.add("eth0")
            await until(lambda: entry.track.verified, 10)
            assert len(eth.tries()) == 2

    run_virtual(story())


def test_a_new_driver_object_waits_until_the_repair_of_the_old_one_has_ended() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            old = it.guards["eth"]
            old.rungs, old.outcome, old.rung_delay = 1, hung, 20
            await until(lambda: steps(it))
            new = it.guards["eth"] = FakeGuard(it.network)
            it.settle()
            await asyncio.sleep(15)
            assert new.calls == []
            await until(lambda: it.entry("eth0").track.verified, 10)

    run_virtual(story())


def test_a_new_driver_object_is_asked_for_repairs_that_the_old_one_had_not() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.guards["eth"].outcome = hung
            await asyncio.sleep(30)
            new = it.guards["eth"] = FakeGuard(it.network, outcome=hung, rungs=1)
            it.settle()
            await until(lambda: new.steps, 60)

    run_virtual(story())


def test_the_uplink_does_not_notice_the_repair_of_a_standby() -> None:
    async def story() -> None:
        async with Machine("eth0", "eth1") as it:
            eth = it.guards["eth"]
            await until(lambda: it.entry("eth1").track.verified)
            eth.rungs = 2
            it.checker.works.discard("eth1")
            await until(lambda: len(eth.steps) == 2, 600)
            assert {name for name, _, _ in eth.steps} == {"eth:eth1"}
            assert it.uplink == "eth:eth0"
            assert it.entry("eth0").track.losses == 0
            assert it.network.kernel["eth0"][1] == 100

    run_virtual(story())


def test_the_end_of_conman_waits_for_no_repair() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            eth = it.guards["eth"]
            eth.rungs, eth.outcome, eth.rung_delay = 1, hung, 10_000
            await until(lambda: steps(it))
            began = asyncio.get_running_loop().time()
            await it.actions.close()
            assert asyncio.get_running_loop().time() - began <= 1.1

    run_virtual(story())


# ---- any history

FAST = settings(
    deadline=None,
    max_examples=25,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)
NAMES = ("eth0", "eth1")
ACTS = (
    *("hangs", "hangs", "cured", "internet dies", "internet back", "carrier down", "carrier up"),
    *("unplugged", "offered", "lost", "lease", "driver anew", "recover raises", "recover works"),
    *("recover hangs", "forbidden", "allowed", "restart", "retry", "refused", "used"),
)


def act(it: Machine, what: str, name: str) -> None:
    eth, link = it.guards["eth"], f"eth:{name}"
    match what:
        case "hangs":
            eth.outcome = hung
        case "cured":
            eth.outcome = None
        case "internet dies":
            it.checker.works.discard(name)
        case "internet back":
            it.checker.works.add(name)
        case "carrier down" | "carrier up":
            it.carrier(name, what.endswith("up"))
        case "unplugged":
            it.unplug(name)
            it.offer(*(n for n in NAMES if n in it.network.known))
        case "offered":
            if name not in it.network.known:
                it.network.plug(name)
            it.offer(*(n for n in NAMES if n in it.network.known))
        case "lost":
            it.event(Lost(link, Reason.LOST, "lost"))
        case "lease":
            it.event(ConnectionChanged(link, connection(name, 3)))
        case "driver anew":
            it.guards["eth"] = replace(eth, up=set(eth.up), steps=eth.steps)
            it.settle()
        case "recover raises":
            eth.on_recover, eth.rung_delay = lambda *_: DriverBug("broken"), 2.0
        case "recover works":
            eth.on_recover, eth.rung_delay = None, 2.0
        case "recover hangs":
            eth.rung_delay = 40.0
        case "forbidden" | "allowed":
            it.wishes = Wishes(recover=what == "allowed")
            it.settle()
        case "retry":
            it.engine.roster.retry_all()
        case "refused" | "used":
            it.order = ("wifi",) if what == "refused" else ("eth",)
            it.settle()
    it.engine.poke()


histories = st.lists(
    st.tuples(
        st.sampled_from(ACTS), st.sampled_from(NAMES), st.sampled_from([0, 0.02, 3.0, 50.0, 4000.0])
    ),
    max_size=25,
)


@FAST
@given(histories, st.integers(0, 3))
def test_after_any_history_both_links_work_and_no_budget_was_exceeded(
    history: list[tuple[str, str, float]], rungs: int
) -> None:
    async def story() -> None:
        memory, eth = Memory(), None
        touched: list[bool] = []
        parts: list[list[tuple[str, str, float]]] = [[]]
        for one in history:
            parts.append([]) if one[0] == "restart" else parts[-1].append(one)
        for number, part in enumerate(parts):
            async with Machine(*NAMES, memory=memory) as it:
                it.guards["eth"] = replace(
                    it.guards["eth"],
                    rungs=rungs,
                    steps=eth.steps if eth else [],
                    on_recover=lambda link, _: touched.append(it.entry(link.device).track.verified),
                )
                it.settle()
                for what, name, pause in part:
                    act(it, what, name)
                    await asyncio.sleep(pause)
                eth = it.guards["eth"]
                if number == len(parts) - 1:
                    await at_peace(it)
        assert eth is not None
        assert not any(touched), "a link that works was repaired"
        for link, step in {(link, step) for link, step, _ in eth.steps}:
            times = [at for name, which, at in eth.steps if (name, which) == (link, step)]
            assert step < MOST_STEPS
            for first, last in zip(times, times[budget(step) :], strict=False):
                assert last - first >= DAY - 1

    run_virtual(story())


async def at_peace(it: Machine) -> None:
    for name in NAMES:
        for what in ("cured", "recover works", "used", "offered", "carrier up", "internet back"):
            act(it, what, name)
    await until(lambda: all(it.entry(name).track.verified for name in NAMES), 45 + 70 + 60)
    assert not [name for name in NAMES if it.entry(name).track.repairing]
    before = len(it.guards["eth"].steps)
    await asyncio.sleep(1500)
    assert len(it.guards["eth"].steps) == before
    assert shown(it)["recovery"] is None

"""Who counts as being there, and the end of a session at any moment."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conman_core import ConnectError, Reason
from conman_plugins.accesspoint.air import Apart
from tests.accesspoint.kit import EMPTY, TOGETHER, WORKS, submission
from tests.accesspoint.sessionkit import Stage, story
from tests.core.machine import until

ONE, TWO = "02:00:00:00:01:00", "02:00:00:00:02:00"
EVERY = {"look_every": "100s"}


# -- who is there


def test_a_phone_that_joins_is_somebody_and_one_that_comes_again_and_again_is_nobody() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        guests = stage.part.guests
        for _ in range(5):
            guests.came(ONE)
            await asyncio.sleep(1)
            guests.went(ONE)
            await asyncio.sleep(1)
        assert stage.core.attended == 1
        guests.came(TWO)
        assert stage.core.attended == 2

    story(tale)


def test_a_forgotten_phone_does_not_keep_the_radio_from_looking() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        stage.phones = 1
        for _ in range(40):
            for part in stage.up:
                part.guests.came(ONE)
            await asyncio.sleep(10)
        assert tried(stage) >= 2

    story(tale, texts=EVERY)


def test_how_many_phones_are_there_is_told() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        for count in (2, 0, 1):
            stage.phones = count
            await until(lambda count=count: stage.core.shown.clients == count)  # type: ignore

    story(tale)


def test_after_a_failure_the_person_is_waited_for() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        stage.part.joined()
        assert stage.core.attended == 1
        await stage.submit()
        await until(lambda: stage.session.attempt.phase == "failed")
        await stage.on_air()
        await until(lambda: stage.core.attended == 2, 1)

    story(tale)


# -- the end


@pytest.mark.parametrize(("farewell", "seconds"), [(True, 5), (False, 0)])
def test_a_page_that_can_still_be_seen_says_for_a_moment_that_it_worked(
    farewell: bool, seconds: int
) -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        part = stage.part
        await stage.submit()
        await until(lambda: stage.session.attempt.phase == "online")
        stage.task.cancel()
        began = stage.core.now()
        await stage.session.close(farewell=farewell)
        assert stage.core.now() - began == pytest.approx(seconds + 0.2, abs=0.1)
        assert not farewell or (part.states[-1].attempt or part).phase == "online"  # type: ignore

    story(tale, plan=TOGETHER, core={"outcomes": [WORKS]})


def test_a_farewell_that_is_cut_short_leaves_nothing() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        await stage.submit()
        await until(lambda: stage.session.attempt.phase == "online")
        stage.task.cancel()
        closing = asyncio.create_task(stage.session.close(farewell=True))
        await asyncio.sleep(1)
        closing.cancel()
        await asyncio.wait({closing})
        assert stage.clean()

    story(tale, plan=TOGETHER, core={"outcomes": [WORKS]})


def test_the_end_waits_for_what_came_of_a_try_but_not_for_long() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        await stage.session.settled()
        await stage.submit()
        await until(lambda: "try HomeNet" in stage.core.happened)
        began = stage.core.now()
        await stage.session.settled()
        assert stage.core.now() - began == pytest.approx(2.0, abs=0.01)
        await stage.session.settled(10)
        assert stage.session.attempt.phase == "failed"

    story(tale)


CASES: dict[str, dict[str, Any]] = {
    "alone": {},
    "together": {"plan": TOGETHER, "core": {"outcomes": [WORKS]}},
    "looks before": {"core": {"offered": (EMPTY,), "known": True}},
    "fails to open": {"troubles": [ConnectError(Reason.BROKEN, "hostapd ended at once")]},
    "apart": {"plan": TOGETHER, "troubles": [Apart(Reason.BROKEN, "no second interface")]},
}


def tried(stage: Stage) -> int:
    return stage.core.happened.count("try known")


async def life(stage: Stage) -> None:
    """A session with everything in it, by the clock: nobody waits for anybody."""
    await asyncio.sleep(7)
    stage.session.came(ONE)
    stage.session.look()
    await asyncio.sleep(9)
    stage.session.fell("hostapd on wlan0 ended")
    await asyncio.sleep(2)
    stage.session.submitted(submission())
    await asyncio.sleep(6)
    stage.core.wanted("Home is in sight")
    await asyncio.sleep(14)


def lived(case: dict[str, Any], turns: int) -> bool:
    """Cancel the session after so many turns of the loop; tell whether it had still gone on."""
    reached = False

    async def tale(stage: Stage) -> None:
        loop: Any = asyncio.get_running_loop()
        turn, first = loop._run_once, loop.turns

        def counted() -> None:
            nonlocal reached
            if loop.turns - first == turns:
                reached = not living.done()
                stage.task.cancel()
                living.cancel()
            turn()

        living = asyncio.create_task(life(stage))
        loop._run_once = counted
        try:
            await asyncio.wait({living})
        finally:
            del loop._run_once

    story(tale, **{**case, "troubles": list(case.get("troubles", ()))})
    return reached


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_cancelled_at_any_moment_nothing_is_left(case: dict[str, Any]) -> None:
    turns = 1
    while lived(case, turns):
        turns += 1
    assert turns > 20, "it was over before it began"

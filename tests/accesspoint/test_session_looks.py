"""When the radio looks around while the access point is there, and what that costs whom."""

from __future__ import annotations

import asyncio

from tests.accesspoint.kit import EMPTY, TOGETHER
from tests.accesspoint.sessionkit import Stage, story
from tests.accesspoint.test_session_life import MORE
from tests.core.machine import until


def looks(stage: Stage) -> int:
    return stage.core.happened.count("look")


def test_a_list_that_is_empty_is_filled_without_anybody_asking() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        stage.core.offered = (MORE,)
        await until(lambda: stage.state.forms == (MORE,))
        await asyncio.sleep(200)
        assert looks(stage) == 1  # nobody is there

    story(tale, plan=TOGETHER, core={"offered": (EMPTY,)})


def test_while_somebody_reads_the_list_it_is_kept_fresh() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        stage.part.joined()
        for _ in range(10):
            stage.part.guests.seen()
            await asyncio.sleep(10)
        assert 3 <= looks(stage) <= 4
        assert stage.core.happened.count("open") == 1

    story(tale, plan=TOGETHER)


def test_a_radio_that_is_access_point_alone_is_not_taken_away_from_its_reader() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        stage.part.joined()
        for _ in range(10):
            stage.part.guests.seen()
            await asyncio.sleep(10)
        assert looks(stage) == 0

    story(tale)


def test_a_person_gets_a_fresh_list_and_the_access_point_goes_for_that() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        part = stage.part
        part.guests.look()
        await until(lambda: part.states[-1].looking)
        await until(lambda: part not in stage.up)
        stage.core.offered = (MORE,)
        await stage.on_air()
        assert not stage.state.looking
        await until(lambda: stage.state.forms == (MORE,))

    happened = story(tale).core.happened
    assert happened[1:5] == ["open", "close", "look", "borrow wlan0"]


def test_one_that_does_both_stays_for_that() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        part = stage.part
        part.guests.look()
        await until(lambda: part.states[-1].looking)
        await until(lambda: not part.states[-1].looking)
        assert stage.part is part

    story(tale, plan=TOGETHER)


def test_what_comes_in_sight_is_on_the_page_within_seconds() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        part = stage.part
        stage.core.offered = (MORE,)
        assert await until(lambda: part.states[-1].forms == (MORE,)) < 4
        count = len(part.states)
        await asyncio.sleep(30)
        assert len(part.states) == count, "what has not changed is not sent again"

    story(tale, plan=TOGETHER)

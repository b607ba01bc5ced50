"""The page's word that somebody is there counts only while the radio hears a phone."""

from __future__ import annotations

import asyncio

import pytest

from conman_plugins.accesspoint.hostapd import Client
from conman_plugins.accesspoint.presence import ACTIVE, LONGEST, Presence
from tests.accesspoint.kit import TOGETHER, submission
from tests.accesspoint.sessionkit import Stage, story
from tests.core.machine import until

ONE, TWO = "02:00:00:00:01:00", "02:00:00:00:02:00"


def joined() -> Presence:
    presence = Presence()
    presence.begin()
    presence.came(ONE, 0.0)
    return presence


@pytest.mark.parametrize(
    ("clients", "likely"),
    [
        ([], False),
        ([Client(ONE, 0.0)], True),
        ([Client(ONE, ACTIVE)], True),
        ([Client(ONE, ACTIVE + 0.1)], False),
        ([Client(ONE, 900.0), Client(TWO, 1.0)], True),
        ([Client(ONE, None)], True),
    ],
)
def test_a_phone_that_was_just_heard_may_have_a_person(clients: list[Client], likely: bool) -> None:
    assert joined().likely(clients, 60.0) is likely


def test_where_the_radio_lists_none_one_has_to_have_joined() -> None:
    presence = joined()
    assert presence.likely(None, 60.0)
    presence.went(ONE)
    assert not presence.likely(None, 60.0)
    presence.came(ONE, 60.0)
    presence.begin()
    assert not presence.likely(None, 60.0), "of the time on the air before"


def test_an_hour_after_the_last_new_phone_the_word_counts_no_more() -> None:
    presence, here = joined(), [Client(ONE, 0.0)]
    assert presence.likely(here, LONGEST)
    assert not presence.likely(here, LONGEST + 1)
    presence.came(ONE, LONGEST + 1)
    assert not presence.likely(here, LONGEST + 1), "it is not new"
    presence.came(TWO, LONGEST + 1)
    assert presence.likely(here, LONGEST + 2)


# -- in a session


async def claims(stage: Stage, seconds: int) -> int:
    """Let the page claim once a second that a person is there; return how often it counted."""
    before = stage.core.attended
    for _ in range(seconds):
        stage.part.guests.seen()
        await asyncio.sleep(1)
    return stage.core.attended - before


def test_a_page_that_claims_a_person_where_no_phone_is_keeps_nothing_open() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        assert await claims(stage, 60) == 0
        stage.part.joined()
        assert await claims(stage, 60) == 60
        stage.phones = 0
        assert await claims(stage, 60) == 0

    story(tale)


def test_a_page_that_claims_a_person_where_a_phone_was_forgotten_keeps_nothing_open() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        stage.part.joined()
        stage.idle = 40.0
        assert await claims(stage, 60) == 0
        stage.idle = 0.3  # its own traffic, day and night
        for _ in range(70):
            last = await claims(stage, 60)
        assert last == 0

    story(tale, plan=TOGETHER)


def test_claims_that_wait_are_one_claim() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        stage.part.joined()
        before = stage.core.attended
        for _ in range(100):
            stage.part.guests.seen()
        await asyncio.sleep(2)
        assert stage.core.attended == before + 1

    story(tale)


def test_a_page_that_submits_by_itself_is_nobody() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        for number in range(5):
            stage.part.guests.submitted(submission(number))
            await until(lambda number=number: stage.session.attempt.number == number + 1)  # type: ignore
            await until(lambda: stage.session.attempt.phase == "failed")
            await stage.on_air()
            await asyncio.sleep(5)
        assert stage.core.attended == 0

    story(tale)

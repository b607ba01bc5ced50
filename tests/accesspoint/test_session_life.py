"""What happens while a session waits: falls, looks around, known networks, phones that come."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conman_core import Choice, ConnectError, Form, FormField, Reason
from conman_core.plugin import Loan
from conman_plugins.accesspoint.air import Apart
from conman_plugins.accesspoint.berth import MOST_FALLS
from tests.accesspoint.kit import TOGETHER, WORKS
from tests.accesspoint.sessionkit import Stage, story
from tests.core.machine import until

ONE, TWO = "02:00:00:00:01:00", "02:00:00:00:02:00"
EVERY = {"look_every": "100s"}
MORE = Form("wifi", (FormField("ssid", "Network", choices=(Choice("New", 10), Choice("Two"))),))


def tried(stage: Stage) -> int:
    return stage.core.happened.count("try known")


# -- falls


def test_what_goes_off_the_air_is_opened_again() -> None:
    async def tale(stage: Stage) -> None:
        for _ in range(MOST_FALLS):
            await stage.on_air()
            part = stage.part
            part.guests.fell("hostapd on wlan0 ended")
            await until(lambda part=part: part not in stage.up)  # type: ignore[misc]
        await stage.on_air()

    ended = story(tale)
    assert ended.core.given_up == []
    assert ended.core.happened.count("open") == 1 + MOST_FALLS


def test_one_that_never_stays_is_given_up_with_the_reason() -> None:
    async def tale(stage: Stage) -> None:
        while not stage.task.done():
            await until(lambda: stage.task.done() or (stage.up and stage.up[-1].is_open))
            if stage.up:
                stage.part.guests.fell("hostapd on wlan0 ended: beacon lost")
                await asyncio.sleep(5)
        assert stage.clean()

    ended = story(tale)
    assert ended.core.given_up == [
        "the access point does not stay up: hostapd on wlan0 ended: beacon lost"
    ]
    assert ended.core.happened.count("open") == 1 + MOST_FALLS


def test_a_fall_that_comes_late_changes_nothing() -> None:
    """It was closed for another reason meanwhile."""

    async def tale(stage: Stage) -> None:
        await stage.on_air()
        await stage.submit()
        await until(lambda: not stage.up)
        stage.session.fell("hostapd on wlan0 ended")
        await asyncio.sleep(60)

    assert story(tale, core={"outcomes": [WORKS]}).core.happened.count("open") == 1


def test_a_radio_that_does_not_open_again_is_given_up() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        stage.troubles.append(ConnectError(Reason.BROKEN, "hostapd ended at once"))
        stage.part.guests.fell("dnsmasq on wlan0 ended")
        await until(stage.task.done)
        assert stage.clean()

    assert story(tale).core.given_up == ["hostapd ended at once"]


def test_a_radio_that_cannot_do_both_after_all_is_access_point_alone() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        assert stage.part.plan == TOGETHER.alone()
        assert stage.core.lent == {"wlan0": False}
        assert stage.state.leaves

    apart = Apart(Reason.BROKEN, "wlan0 gets no second interface: busy")
    story(tale, plan=TOGETHER, troubles=[apart])


# -- known networks


def test_a_known_network_in_sight_is_tried_at_once_even_if_somebody_is_there() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        stage.part.guests.came(ONE)
        stage.core.wanted("Home is in sight")
        await until(lambda: tried(stage) == 1, 2)
        await asyncio.sleep(60)
        assert not stage.up, "the core ends the session"

    story(tale, plan=TOGETHER, core={"known": True})


def test_one_that_fails_is_left_in_peace_for_a_while() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        began = stage.core.now()
        for _ in range(40):
            stage.core.wanted("Home is in sight")
            await asyncio.sleep(5)
        assert tried(stage) == 2
        assert stage.core.now() - began < 210
        await stage.on_air()

    story(tale, plan=TOGETHER, texts=EVERY)


def test_it_does_not_interrupt_a_person_a_second_time() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        stage.part.joined()
        stage.core.wanted("Home is in sight")
        await until(lambda: tried(stage) == 1)
        for _ in range(60):
            await stage.on_air()
            stage.part.guests.seen()
            stage.core.wanted("Home is in sight")
            await asyncio.sleep(5)
        assert tried(stage) == 1
        await asyncio.sleep(121)  # nobody is there any more
        stage.core.wanted("Home is in sight")
        await until(lambda: tried(stage) == 2)
        await stage.on_air()

    story(tale, plan=TOGETHER, texts=EVERY)


def test_what_a_person_entered_comes_before_what_is_known() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        await stage.submit()
        await until(lambda: "try HomeNet" in stage.core.happened)
        stage.core.wanted("HomeNet is in sight")
        await until(lambda: stage.session.attempt.phase == "failed")
        stage.core.wanted("Home is in sight")
        await asyncio.sleep(30)
        assert tried(stage) == 0

    story(tale, plan=TOGETHER, texts=EVERY)


def test_what_is_in_sight_while_a_try_works_does_not_take_its_radio_away() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        await stage.submit()
        await until(lambda: "try HomeNet" in stage.core.happened)
        stage.core.wanted("HomeNet is in sight")
        await asyncio.sleep(30)
        assert stage.session.attempt.phase == "online"
        assert tried(stage) == 0

    story(tale, plan=TOGETHER, core={"outcomes": [WORKS]})


@pytest.mark.parametrize("plan", [None, TOGETHER], ids=["alone", "together"])
def test_opened_by_hand_it_is_not_ended_for_what_is_known(plan: Any) -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        for _ in range(20):
            stage.core.wanted("Home is in sight")
            await asyncio.sleep(30)
        assert tried(stage) == 0

    story(tale, by_hand=True, texts=EVERY, **({"plan": plan} if plan else {}))


def test_the_only_radio_goes_now_and_then_while_nobody_is_there() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        await asyncio.sleep(95)
        assert tried(stage) == 0
        await asyncio.sleep(250)
        assert tried(stage) == 3
        await stage.on_air()

    story(tale, texts=EVERY)


def test_the_only_radio_stays_while_somebody_is_there() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        stage.part.joined()
        for _ in range(60):
            stage.part.guests.seen()
            await asyncio.sleep(10)
        assert tried(stage) == 0

    story(tale, texts=EVERY)


def test_another_radio_can_look_and_this_one_stays() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        await asyncio.sleep(1000)
        assert tried(stage) == 0

    both = (Loan("wlan1", "wifi:wlan1"), Loan("wlan0", "wifi:wlan0"))
    story(tale, texts=EVERY, core={"radios": both})

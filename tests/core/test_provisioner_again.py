"""A plugin that is made anew while people are asked is told so at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conman_core import provisioning as p
from conman_core.provisioning import Asking, Course
from tests.core.machine import Machine, until
from tests.core.test_provisioner import SHOWN, Place, story


def test_it_is_told_again_at_once_and_has_as_long_as_the_first_time(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await until(lambda: "conman_provision" in place.told, 90)
        place.core.on_air(SHOWN, attended=False)
        await asyncio.sleep(200)
        place.core.on_air(None, attended=False)  # the old object ends
        place.core.ask_again("accesspoint")
        assert place.told.count("conman_provision") == 2
        await asyncio.sleep(30)
        place.core.on_air(SHOWN, attended=False)
        await asyncio.sleep(290)
        assert "conman_provision_end" not in place.told, "people have their time anew"

    story(tmp_path)(tale)


def test_nobody_is_told_while_nobody_is_asked_or_another_plugin_asks(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.core.ask_again("accesspoint")
        assert place.told == []
        await until(lambda: "conman_provision" in place.told, 90)
        place.core.on_air(SHOWN, attended=False)
        place.core.ask_again("other")
        assert place.told.count("conman_provision") == 1

    story(tmp_path)(tale)


def test_if_nothing_takes_its_place_asking_ends_after_a_minute(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await until(lambda: "conman_provision" in place.told, 90)
        place.core.on_air(SHOWN, attended=False)
        place.core.on_air(None, attended=False)
        place.core.ask_again("accesspoint")
        took = await until(lambda: "conman_provision_end" in place.told, 90)
        assert took == pytest.approx(60, abs=1)

    story(tmp_path)(tale)


def test_the_course_of_one_that_asks_by_hand_keeps_what_the_person_wanted() -> None:
    asking = Asking(10.0, by_hand=True, timeout=900.0, attended=20.0, shown=True)
    course = p.again(Course(waiting=0.0, asking=asking), 100.0)
    assert course.asking
    kept = course.asking.by_hand, course.asking.timeout
    assert kept == (True, 900.0)
    assert (course.asking.since, course.asking.shown) == (100.0, False)
    assert p.again(Course(waiting=0.0), 100.0) == Course(waiting=0.0)

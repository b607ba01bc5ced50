"""What the command line asks of who is asked for settings, and what plugins are told and tell."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conman_core.errors import ConmanError, DriverBug
from conman_core.model import Reason
from conman_core.provisioner import START_LIMIT
from conman_core.provisioning import Rules, When
from tests.core.machine import Machine, until
from tests.core.test_provisioner import KEYS, SHOWN, Place, story

NEVER = Rules(When.NEVER)


class Told:
    """Keeps what plugins are told, beside what the place does with it."""

    def __init__(self, place: Place) -> None:
        self.facts: list[tuple[str, dict[str, Any]]] = []
        tell = place.tell

        def keep(hook: str, **facts: Any) -> None:
            self.facts.append((hook, facts))
            tell(hook, **facts)

        place.tell = keep  # type: ignore[method-assign]


async def start(place: Place, **request: Any) -> dict[str, Any]:
    """Ask by hand, with a plugin that shows something at once."""
    starting = asyncio.create_task(place.core.request({"action": "start", **request}))
    await until(lambda: place.told or starting.done(), 2)
    place.core.on_air(SHOWN, attended=False)
    return await starting


def ends_in(answer: dict[str, Any]) -> float:
    ends = datetime.fromisoformat(answer["ends"])
    return (ends - datetime.now(UTC)).total_seconds()


# -- the command line


def test_without_a_plugin_it_says_what_is_missing(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.has = lambda hook: False  # type: ignore[method-assign]
        with pytest.raises(ConmanError, match="the plugin accesspoint is of conman-accesspoint"):
            await place.core.request({"action": "start"})

    story(tmp_path, rules=NEVER)(tale)


@pytest.mark.parametrize("action", ["open", "", None, 7])
def test_another_action_is_refused(tmp_path: Path, action: Any) -> None:
    async def tale(place: Place, it: Machine) -> None:
        with pytest.raises(ConmanError, match="the action is start, stop or status"):
            await place.core.request({"action": action})

    story(tmp_path, rules=NEVER)(tale)


@pytest.mark.parametrize("lasting", [0, -1, True, "10m", 86_401, float("nan"), [1]])
def test_a_time_that_cannot_be_is_refused(tmp_path: Path, lasting: Any) -> None:
    async def tale(place: Place, it: Machine) -> None:
        with pytest.raises(ConmanError, match="the timeout is a number of seconds, at most a day"):
            await place.core.request({"action": "start", "lasting": lasting})
        assert not place.told

    story(tmp_path, rules=NEVER)(tale)


def test_status_tells_what_a_person_finds_or_that_there_is_nothing(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        asked = place.core.request
        assert await asked({"action": "status"}) == {"sentence": "nobody is asked for settings"}
        await start(place)
        await asyncio.sleep(100)
        said = await asked({})
        assert (said["ssid"], said["interface"], said["clients"]) == ("ContinuumBridge", "wlan0", 0)
        assert said["sentence"] == ("ContinuumBridge is on the air; its page is http://10.0.0.1/")
        assert ends_in(said) == pytest.approx(200, abs=5)
        await asked({"action": "stop"})
        assert await asked({"action": "status"}) == {"sentence": "nobody is asked for settings"}

    story(tmp_path, rules=NEVER)(tale)


def test_status_tells_why_it_failed_the_last_time(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await until(lambda: place.told, 90)
        place.core.gave_up("hostapd is not installed")
        said = await place.core.request({"action": "status"})
        assert said["sentence"] == (
            "nobody is asked for settings; the last time it failed: hostapd is not installed"
        )

    story(tmp_path)(tale)


def test_to_start_it_twice_is_to_begin_its_time_anew(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await start(place, lasting=100)
        await asyncio.sleep(80)
        again = await place.core.request({"action": "start"})
        assert ends_in(again) == pytest.approx(100, abs=5)
        longer = await place.core.request({"action": "start", "lasting": 500})
        assert ends_in(longer) == pytest.approx(500, abs=5)
        assert place.told == ["conman_provision"], "the plugin is told once"

    story(tmp_path, rules=NEVER)(tale)


def test_to_stop_what_is_not_open_is_fine(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await place.core.request({"action": "stop"})
        assert not place.told

    story(tmp_path, rules=NEVER)(tale)


def test_who_asks_by_hand_does_not_wait_without_end(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(ConmanError, match="it is not done after 30 s; see: journalctl"):
            await place.core.request({"action": "start"})
        assert loop.time() - began == pytest.approx(START_LIMIT, abs=1)

    story(tmp_path, rules=NEVER)(tale)


# -- what plugins are told


def test_a_plugin_is_told_why_and_what_is_wrong_with_each_link(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        told = Told(place)
        await until(lambda: len(told.facts) == 2, 90)
        (before, (hook, facts)) = told.facts
        assert (before, hook) == (("conman_provision_soon", {}), "conman_provision")
        assert facts["by_hand"] is False
        assert facts["sentence"] == "nothing has worked for 60 s"
        assert set(facts["failures"]) == {"eth:eth0", "wifi:wlan0"}
        assert "no network is known" in facts["failures"]["wifi:wlan0"]

    story(tmp_path)(tale)


def test_a_plugin_is_told_that_a_person_wants_it(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        told = Told(place)
        await start(place)
        assert told.facts[0][1]["by_hand"] is True
        await place.core.request({"action": "stop"})
        assert told.facts[1] == (
            "conman_provision_end", {"sentence": "a person wants it no longer"}
        )  # fmt: skip

    story(tmp_path, rules=NEVER)(tale)


def test_beginning_and_end_are_events(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await start(place)
        await place.core.request({"action": "stop"})
        assert "settings are asked for: a person wants it" in it.said
        assert "settings are not asked for any more: a person wants it no longer" in it.said

    story(tmp_path, rules=NEVER)(tale)


# -- how long


def test_nobody_there_for_its_time_is_the_end(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await start(place, lasting=100)
        await asyncio.sleep(60)
        place.core.on_air(SHOWN, attended=True)
        await asyncio.sleep(90)
        for clients in (1, 0, 1):  # a phone that only stays
            place.core.on_air(replace(SHOWN, clients=clients), attended=False)
        assert place.told == ["conman_provision"]
        assert await until(lambda: place.told[-1] == "conman_provision_end", 15) > 5

    story(tmp_path, rules=NEVER)(tale)


def test_a_plugin_that_shows_nothing_is_not_waited_for(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await until(lambda: "conman_provision" in place.told, 90)
        took = await until(lambda: place.told[-1] == "conman_provision_end", 90)
        assert took == pytest.approx(60, abs=2)
        assert any("nothing could be shown within 60 s" in sentence for sentence in it.said)

    story(tmp_path)(tale)


def test_after_a_failure_it_is_tried_again_later_and_later(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        loop = asyncio.get_running_loop()
        at: list[float] = []
        for _ in range(3):
            count = place.told.count("conman_provision")
            await until(lambda count=count: place.told.count("conman_provision") > count, 700)
            at.append(loop.time())
            place.core.gave_up("no radio")
        assert at[1] - at[0] == pytest.approx(120, abs=2)
        assert at[2] - at[1] == pytest.approx(240, abs=2)

    story(tmp_path)(tale)


def test_after_its_end_nothing_is_decided_any_more(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await asyncio.sleep(30)
        it.engine.after_step.clear()  # the engine has stopped
        place.core.close()
        await asyncio.sleep(200)
        assert not place.told

    story(tmp_path)(tale)


# -- what goes wrong


def test_a_driver_that_breaks_while_it_tries_is_told_as_that(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        async def breaks(method: str, *args: Any) -> None:
            raise DriverBug("driver wifi hangs in apply")

        place.radio.call = breaks  # type: ignore[method-assign]
        outcome = await place.core.try_out("wifi", KEYS)
        assert (outcome.verdict, outcome.reason) == (None, Reason.BROKEN)
        assert outcome.sentence == "driver wifi hangs in apply"

    story(tmp_path)(tale)


def test_a_runtime_folder_that_is_full_does_not_hold_it_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)

    async def tale(place: Place, it: Machine) -> None:
        place.core._mark = tmp_path / "no-folder/been-online"
        it.carrier("eth0", True)
        await until(lambda: it.uplink == "eth:eth0")
        it.carrier("eth0", False)
        await asyncio.sleep(300)
        assert not place.told, "it is known all the same"

    story(tmp_path)(tale)
    assert len([m for m in caplog.messages if "been-online cannot be written" in m]) == 1

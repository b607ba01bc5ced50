"""What the plugin does when it is told something: it opens, it closes, it remembers."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conman_core.events import Announcer
from conman_plugins.accesspoint.options import OPTIONS
from conman_plugins.accesspoint.plugin import AccessPoint
from tests.accesspoint.kit import TOGETHER, WORKS, WRONG_KEY, submission, values
from tests.accesspoint.sessionkit import Stage, a_stage, play
from tests.core.machine import until


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with a_stage(tmp_path) as made:
        yield made


async def fail_a_try(plugin: AccessPoint, stage: Stage) -> None:
    await stage.on_air()
    await stage.submit()
    await until(lambda: plugin._session.attempt.phase == "failed")  # type: ignore[union-attr]
    await stage.on_air()


# -- from the core's side


def test_the_core_takes_it_and_knows_what_it_listens_to(stage: Stage) -> None:
    async def tale() -> None:
        announcer = Announcer()
        problem = await announcer.make(
            "accesspoint", lambda: AccessPoint(stage.core), "conman-accesspoint 0.1.0"
        )  # type: ignore[arg-type]
        assert problem is None
        for hook in ("conman_provision", "conman_provision_soon", "conman_provision_end"):
            assert announcer.has(hook)
        await announcer.stop()

    asyncio.run(tale())


def test_its_settings_are_those_of_the_section() -> None:
    assert AccessPoint.options() is OPTIONS


# -- before it is wanted


def pages_of(stage: Stage) -> list[str]:
    return [program.name for program in stage.core.started if program.running]


def test_it_has_its_page_ready_when_it_is_told_that_it_is_wanted_soon(stage: Stage) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        await plugin.conman_provision_soon()
        assert pages_of(stage) == ["page"]
        assert stage.up == []
        await plugin.conman_provision(by_hand=False)
        await stage.on_air()
        assert pages_of(stage) == ["page"], "the one that was ready is used"
        await plugin.conman_provision_end()
        assert pages_of(stage) == []

    stage.core.programs[sys.executable] = lambda _: None
    play(stage, tale)


def test_what_was_ready_and_is_not_wanted_goes(stage: Stage) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        await plugin.conman_provision_soon()
        await plugin.conman_provision_end()
        assert pages_of(stage) == []
        assert stage.core.happened == []

    stage.core.programs[sys.executable] = lambda _: None
    play(stage, tale)


# -- sessions


def test_it_opens_when_it_is_told_and_closes_when_it_is_told(stage: Stage) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        await plugin.conman_provision(by_hand=False)
        await stage.on_air()
        await plugin.conman_provision_end()
        assert stage.clean()
        await plugin.conman_provision_end()

    play(stage, tale)
    assert stage.core.given_up == []


def test_told_twice_it_is_open_once(stage: Stage) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        for _ in range(3):
            await plugin.conman_provision(by_hand=True)
            await asyncio.sleep(0.5)
        await stage.on_air()
        assert len(stage.up) == 1
        await plugin.conman_stopping()
        assert stage.clean()

    play(stage, tale)


@pytest.mark.parametrize("by_hand", [True, False])
def test_whoever_wants_it_by_hand_is_not_interrupted(stage: Stage, by_hand: bool) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        await plugin.conman_provision(by_hand=by_hand)
        await stage.on_air()
        stage.core.wanted("Home is in sight")
        await asyncio.sleep(5)
        assert ("try known" in stage.core.happened) is not by_hand
        await plugin.conman_stopping()

    play(stage, tale)


def test_a_wrong_setting_is_told_to_who_asked(stage: Stage) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        stage.core.settings = values(passphrase="short")
        await plugin.conman_provision(by_hand=True)
        await plugin.conman_provision_end()

    play(stage, tale)
    (said,) = stage.core.given_up
    assert said.startswith("[conman:accesspoint] passphrase is not allowed; allowed: auto, open")
    assert stage.core.happened == []


def test_a_key_that_cannot_be_had_is_told_to_who_asked(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "accesspoint.key").mkdir()

    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        await plugin.conman_provision(by_hand=True)

    play(stage, tale)
    assert "accesspoint.key cannot be read" in stage.core.given_up[0]


def test_a_fault_of_its_own_is_told_and_leaves_nothing_on(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        await plugin.conman_provision(by_hand=False)
        await stage.on_air()
        stage.part.clients = None  # type: ignore[assignment, method-assign]
        await until(lambda: stage.core.given_up)
        await until(stage.clean)
        await plugin.conman_provision_end()
        await plugin.conman_provision(by_hand=False)
        await stage.on_air()
        await plugin.conman_stopping()

    play(stage, tale)
    assert stage.core.given_up == [
        "the access point failed: TypeError: 'NoneType' object is not callable"
    ]
    assert "a fault of the access point, please report it" in caplog.text


# -- what came of a try


def test_a_phone_that_comes_back_later_is_told_what_failed(stage: Stage) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        await plugin.conman_provision(by_hand=False)
        await fail_a_try(plugin, stage)
        await plugin.conman_provision_end()
        await plugin.conman_provision(by_hand=False)
        await stage.on_air()
        assert stage.state.attempt
        assert (stage.state.attempt.reason, stage.state.attempt.number) == ("WRONG_KEY", 1)
        await plugin.conman_stopping()

    play(stage, tale)


def test_what_worked_is_over_when_it_opens_again(stage: Stage) -> None:
    """Else the page would only say that it works, and take nothing."""

    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        stage.plan, stage.core.outcomes = TOGETHER, [WORKS, WRONG_KEY]
        await plugin.conman_provision(by_hand=False)
        await stage.on_air()
        await stage.submit()
        await until(lambda: plugin._session.attempt.phase == "online")  # type: ignore[union-attr]
        await plugin.conman_provision_end()
        await plugin.conman_provision(by_hand=True)
        await stage.on_air()
        assert stage.state.attempt is None
        began = stage.core.now()
        await plugin.conman_provision_end()
        assert stage.core.now() - began < 1, "there is no farewell"

    play(stage, tale)


def test_a_try_that_was_cut_short_does_not_block_the_next_session(stage: Stage) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        await plugin.conman_provision(by_hand=False)
        await stage.on_air()
        await stage.submit()
        await until(lambda: "try HomeNet" in stage.core.happened)
        await plugin.conman_stopping()  # as when a cable is plugged in
        await plugin.conman_provision(by_hand=False)
        await stage.on_air()
        assert stage.state.attempt is None
        part = stage.part
        part.guests.submitted(submission(2))
        await until(lambda: part.answers)
        assert part.answers == [(2, None)]
        await plugin.conman_stopping()

    play(stage, tale)


def test_what_worked_is_said_before_it_closes(stage: Stage) -> None:
    """The core ends the session the moment a link is online, which is before the try ends."""

    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        stage.plan, stage.core.outcomes = TOGETHER, [WORKS]
        await plugin.conman_provision(by_hand=False)
        await stage.on_air()
        part = stage.part
        await stage.submit()
        await asyncio.sleep(2.9)
        await plugin.conman_provision_end()
        assert part.states[-1].attempt
        assert part.states[-1].attempt.phase == "online"
        assert stage.clean()

    play(stage, tale)


@pytest.mark.parametrize("when", ["opening", "open", "trying", "worked"])
def test_it_ends_with_conman_in_time(stage: Stage, when: str) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        stage.plan, stage.core.outcomes = TOGETHER, [WORKS]
        await plugin.conman_provision(by_hand=False)
        if when != "opening":
            await stage.on_air()
        if when in {"trying", "worked"}:
            await stage.submit()
        if when == "worked":
            await until(lambda: plugin._session.attempt.phase == "online")  # type: ignore[union-attr]
        began = stage.core.now()
        await plugin.conman_stopping()
        assert stage.core.now() - began < 1
        assert stage.clean()

    play(stage, tale)

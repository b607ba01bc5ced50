"""The plugin's lamp, and what it does at the start of conman."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conman_plugins.accesspoint import bootnote
from conman_plugins.accesspoint.air import Air
from conman_plugins.accesspoint.plugin import AccessPoint
from tests.accesspoint.kit import values
from tests.accesspoint.sessionkit import Stage, a_stage, play


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    with a_stage(tmp_path) as made:
        yield made


class Lamp:
    def __init__(self, stage: Stage, folder: Path) -> None:
        self.folder = folder / "leds/ACT"
        self.folder.mkdir(parents=True)
        for name, text in (("trigger", "none [mmc0] timer"), ("max_brightness", "1")):
            (self.folder / name).write_text(f"{text}\n")
        stage.core.settings = values(led="ACT")

    @property
    def does(self) -> str:
        word = (self.folder / "trigger").read_text().strip()
        return {"none": "shines", "timer": "blinks", "mmc0": "as before"}.get(word, "untouched")


@pytest.fixture
def lamp(stage: Stage, tmp_path: Path) -> Lamp:
    return Lamp(stage, tmp_path)


def test_the_lamp_blinks_for_a_person_and_shines_while_online(stage: Stage, lamp: Lamp) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        plugin.conman_no_uplink()
        assert lamp.does == "untouched"
        await plugin.conman_provision(by_hand=False)
        await stage.on_air()
        assert lamp.does == "blinks"
        plugin.conman_online()
        await plugin.conman_provision_end()
        assert lamp.does == "shines"
        plugin.conman_no_uplink()
        assert lamp.does == "as before"

    play(stage, tale)


def test_the_lamp_does_not_blink_when_nobody_is_waited_for_any_more(
    stage: Stage, lamp: Lamp
) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        for online, after in ((False, "as before"), (True, "shines")):
            if online:
                plugin.conman_online()
            await plugin.conman_provision(by_hand=True)
            await stage.on_air()
            assert lamp.does == "blinks"
            await plugin.conman_provision_end()
            assert lamp.does == after

    play(stage, tale)


def test_a_link_that_is_lost_meanwhile_does_not_stop_the_blinking(stage: Stage, lamp: Lamp) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        plugin.conman_online()
        await plugin.conman_provision(by_hand=True)
        await stage.on_air()
        plugin.conman_no_uplink()
        assert lamp.does == "blinks"
        await plugin.conman_stopping()
        assert lamp.does == "as before"

    play(stage, tale)


def test_a_wrong_setting_costs_the_lamp_alone(stage: Stage, lamp: Lamp) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        stage.core.settings = values(led="ACT", country="Greece")
        plugin.conman_online()
        plugin.conman_no_uplink()
        assert lamp.does == "untouched"

    play(stage, tale)


# -- the start


def test_at_the_start_it_leaves_a_note_and_tidies_up(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(bootnote, "keep_note", lambda settings, log: done.append(settings.ssid))

    async def tidy(context: Any) -> str:
        done.append("tidied")
        return "removed it"

    monkeypatch.setattr(Air, "tidy", tidy)

    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        await plugin.conman_started()
        assert done == ["ContinuumBridge"], "there was nothing to tidy up"
        stage.core.store.save({"interface": "wlan0"})
        await plugin.conman_started()
        assert done[1:] == ["tidied", "ContinuumBridge"]

    play(stage, tale)


@pytest.mark.parametrize("wrong", [{"country": "Greece"}, {"ssid": "{ip}"}])
def test_a_wrong_setting_is_told_at_the_start(
    stage: Stage, caplog: pytest.LogCaptureFixture, wrong: dict[str, str]
) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        stage.core.settings = values(**wrong)
        await plugin.conman_started()

    play(stage, tale)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.message.startswith(f"[conman:accesspoint] {next(iter(wrong))} = ")


def test_a_device_without_a_boot_partition_makes_its_key_when_it_is_needed(
    stage: Stage, tmp_path: Path
) -> None:
    async def tale(plugin: AccessPoint, stage: Stage) -> None:
        await plugin.conman_started()
        assert not (tmp_path / "accesspoint.key").exists()
        await plugin.conman_provision(by_hand=False)
        assert (tmp_path / "accesspoint.key").exists()
        await plugin.conman_stopping()

    play(stage, tale)

"""Plugins that need a context are made with their settings, and made anew when these change."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from conman_core.config import Config, load
from conman_core.context import Claims
from conman_core.errors import ConfigError, ConnectError
from conman_core.events import Announcer
from conman_core.found import Found, LoadState
from conman_core.hookspecs import hookimpl
from conman_core.options import Declared, Kind, Option
from conman_core.plugin import Plugin
from conman_core.plugins import Plugins

SSID = Option("ssid", Kind.TEXT, "Box", "What it is called.")


class Asker(Plugin):
    """Remembers each of its objects and what it was told."""

    made: list[Asker]

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self.told: list[str] = []
        type(self).made.append(self)

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return (SSID,)

    @hookimpl
    def conman_provision(self, sentence: str) -> None:
        self.told.append(sentence)

    @hookimpl
    def conman_stopping(self) -> None:
        self.told.append("stopping")


class Listener:
    @hookimpl
    def conman_online(self) -> None: ...


class Host:
    """Notes what it is told, and which object of Asker was there then."""

    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []

    def context(self, found: Found, settings: Mapping[str, Any]) -> Any:
        return found.name, settings

    async def gone(self, name: str) -> None:
        assert Asker.made[-1].told[-1:] == ["stopping"]
        self.told.append((f"{name} is gone", len(Asker.made)))

    def renewed(self, name: str) -> None:
        self.told.append((f"{name} is renewed", len(Asker.made)))


@pytest.fixture
def plugins() -> tuple[Plugins, Announcer]:
    Asker.made = []
    announcer = Announcer()
    plugins = Plugins(announcer, Host())
    plugins._found = {
        "asker": Found("asker", LoadState.LOADED, plugin=Asker, declared=Declared((SSID,))),
        "listener": Found("listener", LoadState.LOADED, plugin=Listener),
    }
    return plugins, announcer


Made = tuple[Plugins, Announcer]


def test_a_plugin_is_made_once_with_its_settings(plugins: Made) -> None:
    async def story() -> None:
        for _ in range(2):
            await plugins[0].use({"asker": {"ssid": "Box"}})
        await plugins[1].stop()

    asyncio.run(story())
    (asker,) = Asker.made
    assert asker.context == ("asker", {"ssid": "Box"})


def test_other_settings_make_it_anew_and_the_old_one_is_told_to_stop(plugins: Made) -> None:
    async def story() -> None:
        await plugins[0].use({"asker": {"ssid": "Box"}})
        await plugins[0].use({"asker": {"ssid": "Other"}})
        plugins[1].tell("conman_provision", sentence="why", by_hand=False, failures={})
        await plugins[1].stop()

    asyncio.run(story())
    old, new = Asker.made
    assert old.told == ["stopping"]
    assert new.told == ["why", "stopping"]
    assert plugins[0]._host.told == [("asker is gone", 1), ("asker is renewed", 2)]  # type: ignore[attr-defined]


def test_one_that_is_disabled_now_is_told_to_stop(plugins: Made) -> None:
    async def story() -> None:
        await plugins[0].use({})
        plugins[0]._found["asker"] = Found("asker", LoadState.DISABLED)
        await plugins[0].use({})
        assert Asker.made[0].told == ["stopping"]
        assert plugins[0]._host.told == [("asker is gone", 1)]  # type: ignore[attr-defined]
        assert not plugins[1].has("conman_provision")
        await plugins[1].stop()

    asyncio.run(story())


def test_the_announcer_knows_who_listens(plugins: Made) -> None:
    async def story() -> None:
        await plugins[0].use({})
        assert plugins[1].has("conman_provision")
        assert plugins[1].has("conman_online")
        assert not plugins[1].has("conman_driver_broken")
        await plugins[1].stop()

    asyncio.run(story())


class Refusing(Asker):
    def __init__(self, context: Any) -> None:
        raise OSError("no license file")


def test_what_is_wrong_with_a_plugin_is_kept_for_people_until_it_is_right(plugins: Made) -> None:
    broken = Found("gone", LoadState.BROKEN, "gone of acme 1: cannot be imported", "acme", "1")
    off = Found("off", LoadState.DISABLED, "disable in [conman] names it", "acme", "1")
    refusing = Found("asker", LoadState.LOADED, distribution="acme", version="1", plugin=Refusing)

    async def story() -> None:
        found = plugins[0]._found
        good = found["asker"]
        found.update({"gone": broken, "off": off, "asker": refusing})
        await plugins[0].use({})
        assert plugins[0].problems == {
            "gone": "plugin gone of acme 1: cannot be imported",
            "asker": "plugin asker of acme 1 is not used: it raised OSError: no license file "
            "when it was registered",
        }
        rows = {row["name"]: (row["state"], row["sentence"]) for row in plugins[0].report()}
        assert rows == {
            "asker": ("broken", plugins[0].problems["asker"]),
            "gone": ("broken", "gone of acme 1: cannot be imported"),
            "listener": ("ok", ""),
            "off": ("disabled", "disable in [conman] names it"),
        }
        del found["gone"]
        found["asker"] = good
        await plugins[0].use({})
        assert plugins[0].problems == {}
        assert {row["state"] for row in plugins[0].report()} == {"ok", "disabled"}
        await plugins[1].stop()

    asyncio.run(story())


def read(tmp_path: Any, text: str, plugins: Plugins) -> Config:
    file = tmp_path / "setup.cfg"
    file.write_text(text)
    return load(file, {}, plugins.known())


def test_a_plugin_has_its_own_section(plugins: Made, tmp_path: Any) -> None:
    config = read(tmp_path, "[conman:asker]\nssid = Mine\n", plugins[0])
    assert config.sections["asker"] == {"ssid": "Mine"}


def test_a_plugin_has_none_of_a_drivers_settings(plugins: Made, tmp_path: Any) -> None:
    with pytest.raises(ConfigError, match="no key check"):
        read(tmp_path, "[conman:asker]\ncheck = none\n", plugins[0])


def test_a_loan_beats_a_link_and_outlives_a_change_of_drivers() -> None:
    claims = Claims()
    claims.link_on = lambda _: "wifi:wlan0"
    claims.lend("wlan0", "accesspoint")
    claims.keep({"wifi"})
    assert claims.all() == {"wlan0": "accesspoint"}
    with pytest.raises(ConnectError, match="used by accesspoint"):
        claims.lend("wlan0", "other")
    claims.end_loan("wlan0")
    assert not claims.all()
    claims.end_loan("wlan0")

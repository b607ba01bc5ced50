"""Plugins are told what happens; none keeps anything from another, or from the core."""

from __future__ import annotations

import asyncio
import importlib
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from conman_core import events as events_module
from conman_core.events import WAITING, Announcer
from conman_core.hookspecs import hookimpl
from tests.third_party import fixtures
from tests.third_party.install import entry_points, install

site = fixtures.site


async def until(condition: Callable[[], Any], limit: float = 5.0) -> None:
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        await asyncio.sleep(0.005)


class Notes:
    def __init__(self) -> None:
        self.told: list[str] = []

    @hookimpl
    def conman_online(self, link):
        self.told.append(link)

    @hookimpl
    def conman_stopping(self):
        self.told.append("stopping")


def plugin(site, name: str) -> Any:
    install(site, [name])
    module, _, attribute = entry_points("acme_plugins", "conman.plugins")[name].partition(":")
    found = importlib.import_module(module)
    return getattr(found, attribute) if attribute else found


def test_a_plugin_may_be_a_module_a_class_or_an_object_with_async_hooks(site):
    shapes = [plugin(site, name) for name in ("notes", "notes-class", "notes-async")]
    told = importlib.import_module("acme_plugins.notes").told

    async def scenario() -> None:
        announcer = Announcer()
        for number, shape in enumerate(shapes):
            assert await announcer.add(f"p{number}", shape, "acme-plugins 3.1") is None
        announcer.tell("conman_online", link="ethernet:eth0")
        await until(lambda: len(told) == 3)
        await announcer.stop()

    asyncio.run(scenario())
    assert sorted(told[:3]) == [
        "async ethernet:eth0",
        "class ethernet:eth0",
        "online ethernet:eth0",
    ]
    assert told[3] == "stopping"


def test_each_plugin_hears_everything_in_order():
    async def scenario() -> list[str]:
        announcer, notes = Announcer(), Notes()
        await announcer.add("notes", notes, "test 1")
        for number in range(90):
            announcer.tell("conman_online", link=str(number))
        await announcer.stop()
        return notes.told

    assert asyncio.run(scenario()) == [*map(str, range(90)), "stopping"]


@pytest.mark.parametrize("name", ["raises", "exits", "hangs"])
def test_a_faulty_plugin_keeps_nothing_from_the_others_and_delays_nobody(site, caplog, name):
    faulty = plugin(site, name)

    async def scenario() -> tuple[list[str], float]:
        announcer, notes = Announcer(), Notes()
        await announcer.add(name, faulty, "acme-plugins 3.1")
        await announcer.add("notes", notes, "test 1")
        began = time.monotonic()
        for number in range(5):
            announcer.tell("conman_online", link=str(number))
        took = time.monotonic() - began
        await until(lambda: len(notes.told) == 5)
        await announcer.stop(0.2)
        return notes.told, took

    told, took = asyncio.run(scenario())
    assert told == ["0", "1", "2", "3", "4", "stopping"]
    assert took < 0.1
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == (0 if name == "hangs" else 1), "said once for a plugin and hook"
    assert all(f"plugin {name} of acme-plugins 3.1" in line for line in errors)


def test_a_hanging_plugin_loses_the_oldest_events_and_hears_the_newest(site, caplog):
    hangs = plugin(site, "hangs")
    release = importlib.import_module("acme_plugins.faults").RELEASE

    async def scenario() -> list[str]:
        announcer = Announcer()
        await announcer.add("hangs", hangs, "acme-plugins 3.1")
        for number in range(WAITING + 51):
            announcer.tell("conman_online", link=str(number))
            if number == 0:
                await until(lambda: not announcer._audience["hangs"]._waiting)
        release.set()
        await until(lambda: hangs.told and hangs.told[-1] == str(WAITING + 50))
        await announcer.stop()
        return hangs.told

    told = asyncio.run(scenario())
    assert told == ["0", *map(str, range(51, WAITING + 51))]
    assert caplog.text.count("misses events from now on") == 1
    assert "in conman_online since" in caplog.text
    assert "has missed 50 events" in caplog.text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "unknown-hook",
            "conman_link_chnged, which is no hook; the nearest is conman_link_changed",
        ),
        ("unknown-argument", "lnik"),
        ("no-hook", "has no hook"),
    ],
)
def test_a_plugin_that_does_not_fit_is_refused_with_a_sentence(site, name, said):
    async def scenario() -> str | None:
        announcer = Announcer()
        sentence = await announcer.add(name, plugin(site, name), "acme-plugins 3.1")
        announcer.tell("conman_online", link="x")
        await announcer.stop()
        return sentence

    sentence = asyncio.run(scenario())
    assert sentence.startswith(f"plugin {name} of acme-plugins 3.1 is not used: ")
    assert said in sentence
    assert "\n" not in sentence


def test_a_plugin_that_hangs_when_it_is_made_is_refused_after_a_while(site, monkeypatch, caplog):
    monkeypatch.setattr(events_module, "REGISTER_LIMIT", 0.2)
    kind = plugin(site, "hangs-when-made")

    sentence = asyncio.run(Announcer().add("hangs-when-made", kind, "acme-plugins 3.1"))

    assert "its registration has not ended after 0.2 s" in sentence
    assert "faults.py" in caplog.text


def test_a_plugin_that_cannot_be_made_is_refused():
    class Bad:
        def __init__(self):
            raise SystemExit(2)

    sentence = asyncio.run(Announcer().add("bad", Bad, "bad 1"))
    assert (
        sentence
        == "plugin bad of bad 1 is not used: it raised SystemExit: 2 when it was registered"
    )


def test_stopping_waits_a_bounded_time_for_all_plugins_together():
    release = threading.Event()

    class Slow:
        @hookimpl
        def conman_stopping(self):
            release.wait(20)

    async def scenario() -> float:
        announcer = Announcer()
        for number in range(3):
            await announcer.add(f"slow{number}", Slow, "slow 1")
        began = time.monotonic()
        await announcer.stop(0.3)
        return time.monotonic() - began

    assert 0.25 < asyncio.run(scenario()) < 0.8
    release.set()


def test_stopping_without_plugins_or_with_idle_ones_takes_no_time():
    async def scenario() -> float:
        announcer = Announcer()
        await announcer.stop()
        await announcer.add("notes", Notes, "test 1")
        began = time.monotonic()
        await announcer.stop(5)
        return time.monotonic() - began

    assert asyncio.run(scenario()) < 0.5


def test_telling_what_the_specifications_do_not_have_is_an_error_of_the_core():
    with pytest.raises(AttributeError):
        Announcer().tell("conman_onlin", link="x")
    with pytest.raises(TypeError):
        Announcer().tell("conman_online", lnik="x")


def test_a_plugin_cannot_change_what_another_is_told():
    class Vandal:
        @hookimpl
        def conman_no_uplink(self, failures):
            failures.clear()

    seen: dict[str, str] = {}

    class Reader:
        @hookimpl
        def conman_no_uplink(self, failures):
            time.sleep(0.05)
            seen.update(failures)

    async def scenario() -> None:
        announcer = Announcer()
        await announcer.add("vandal", Vandal, "a 1")
        await announcer.add("reader", Reader, "b 1")
        announcer.tell("conman_no_uplink", failures={"ethernet:eth0": "no signal"})
        await until(lambda: seen)
        await announcer.stop()

    asyncio.run(scenario())
    assert seen == {"ethernet:eth0": "no signal"}


def test_one_alone_can_be_told(site):
    async def scenario() -> None:
        one, two, announcer = Notes(), Notes(), Announcer()
        await announcer.add("one", one, "a 1")
        await announcer.add("two", two, "a 1")
        announcer.tell("conman_online", to="two", link="x")
        await announcer.stop()
        assert (one.told, two.told) == (["stopping"], ["x", "stopping"])

    asyncio.run(scenario())


class Blocks:
    def __init__(self) -> None:
        self.go = threading.Event()

    @hookimpl
    def conman_online(self, link):
        self.go.wait(10)
        raise OSError(link)


def test_who_is_in_one_event_for_long_is_stuck_and_who_raises_is_told_of_each_time():
    async def scenario() -> None:
        plugin, announcer, failed = Blocks(), Announcer(), []
        announcer.failed = lambda *what: failed.append(what)
        await announcer.add("blocks", plugin, "a 1")
        assert announcer.stuck(0.0) == {}
        for link in ("eth0", "eth1"):
            announcer.tell("conman_online", link=link)
        await until(lambda: announcer.stuck(0.05))
        assert announcer.stuck(60.0) == {}
        assert announcer.stuck(0.05)["blocks"].startswith("conman_online since ")
        plugin.go.set()
        await until(lambda: len(failed) == 2)
        assert failed[1] == ("blocks", "conman_online", "OSError: eth1")
        await until(lambda: announcer.stuck(0.0) == {})
        await announcer.stop()

    asyncio.run(scenario())

"""A plugin that hangs, fails or is replaced loses what it has, and its driver gets that again."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conman_core import pluginhost, undoing
from conman_core.children import Children
from conman_core.context import Claims
from conman_core.errors import SystemFault
from conman_core.events import Announcer
from conman_core.found import Found, LoadState
from conman_core.hookspecs import hookimpl
from conman_core.leftovers import read_status
from conman_core.paths import Paths
from conman_core.plugin import OnAir, Plugin, UndoContext
from conman_core.pluginhost import PluginHost
from tests.core.machine import until

RELEASE = threading.Event()


class Asker(Plugin):
    """Starts a program when it is to ask; later it hangs, or raises."""

    undone: list[str]

    @hookimpl
    async def conman_provision(self, sentence: str) -> None:
        self.context.store.save({"left": "a table"})
        await self.context.start(["sleep", "1000"], name="sleep")
        if sentence == "fail":
            raise OSError("no radio")

    @hookimpl
    def conman_online(self, link: str) -> None:
        if link == "hang":
            RELEASE.wait(20)
        elif link == "fail":
            raise OSError("not mine")

    @classmethod
    async def undo(cls, context: UndoContext) -> str:
        cls.undone.append(str(context.store.load()["left"]))
        context.store.save({})
        return "a table was removed"


class Core:
    """The lender and the provisioner; `told` is in the order in which it came."""

    def __init__(self) -> None:
        self.lent: list[str] = ["wlan0"]
        self.showing: OnAir | None = OnAir("Box", "wlan0", "10.0.0.1")
        self.told: list[str] = []

    def lent_to(self, plugin: str) -> list[str]:
        assert plugin == "asker"
        return self.lent

    async def forms(self) -> tuple[()]:
        raise AssertionError("it is not to be asked")

    async def borrow(self, *_: object, **__: object) -> None:
        raise AssertionError("it is not to be asked")

    async def give_back(self, interface: str) -> None:
        self.told.append(f"{interface} is given back")

    async def give_back_all(self, plugin: str) -> None:
        self.told.append(f"given back after {len(Asker.undone)} undone")
        self.lent = []

    def on_air(self, what: OnAir | None, *, attended: bool) -> None:
        self.showing = what

    def ask_again(self, plugin: str) -> None:
        self.told.append(f"ask {plugin} again")

    def gave_up(self, sentence: str) -> None:
        self.told.append(sentence)


class Place:
    def __init__(self, folder: Path) -> None:
        paths = Paths(folder / "run", folder / "state")
        paths.make("run")
        self.core = Core()
        self.children = Children(paths.runtime)
        self.announcer = Announcer()
        self.host = PluginHost(paths, self.children, Claims(), self.announcer)
        core: Any = self.core
        self.host.attach(core, core)
        self.found = Found("asker", LoadState.LOADED, "", "acme", "1", plugin=Asker)

    async def make(self) -> None:
        def asker() -> Asker:
            return Asker(self.host.context(self.found, {}))

        assert await self.announcer.make("asker", asker, "acme 1") is None

    def ask(self, sentence: str = "why") -> None:
        self.announcer.tell("conman_provision", sentence=sentence, by_hand=False, failures={})

    async def asking(self) -> None:
        self.ask()
        await until(lambda: self.programs() == 1 and not self.announcer.stuck(0.0))

    def programs(self) -> int:
        """How many programs of ours run; ended ones that nobody has waited for count no more."""
        groups = self.children.groups()
        states = (state(pid) for pid in groups)
        return sum(each not in ("", "Z") for each in states)


def state(pid: int) -> str:
    status = read_status(pid)
    return status.state if status else ""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    Asker.undone = []
    RELEASE.clear()
    monkeypatch.setattr(pluginhost, "STUCK", 0.05)
    yield
    RELEASE.set()


def story(folder: Path, tale: Callable[[Place], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        place = Place(folder)
        await place.make()
        try:
            await tale(place)
        finally:
            RELEASE.set()
            place.children.close(0.1)
            await until(lambda: not place.children.groups(), 5)  # the plugin's loop takes note
            await place.announcer.stop()

    asyncio.run(all_of_it())


def test_one_that_hangs_loses_its_programs_its_changes_and_its_radio(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def tale(place: Place) -> None:
        await place.asking()
        await place.host.look()
        assert place.core.lent, "it does not hang"
        place.announcer.tell("conman_online", link="hang")
        await until(lambda: place.announcer.stuck(pluginhost.STUCK))
        await place.host.look()
        assert place.core.told == ["given back after 1 undone"]
        assert place.core.showing is None
        assert place.programs() == 0
        await place.host.look()
        assert Asker.undone == ["a table"], "once"

    story(tmp_path, tale)
    assert "plugin asker is stuck in conman_online since" in caplog.text
    assert "it loses wlan0 and its programs" in caplog.text
    assert "a table was removed" in caplog.text


def test_one_that_hangs_and_has_nothing_is_left_alone(tmp_path: Path) -> None:
    async def tale(place: Place) -> None:
        await place.asking()
        place.core.lent = []
        place.announcer.tell("conman_online", link="hang")
        await until(lambda: place.announcer.stuck(pluginhost.STUCK))
        await place.host.look()
        assert (place.core.told, place.programs()) == ([], 1)

    story(tmp_path, tale)


def test_one_that_fails_to_ask_loses_all_and_is_not_waited_for(tmp_path: Path) -> None:
    async def tale(place: Place) -> None:
        place.announcer.tell("conman_online", link="fail")  # nothing that matters here
        place.ask("fail")
        await until(lambda: len(place.core.told) == 2)
        sentence = "plugin asker: conman_provision raised OSError: no radio"
        assert set(place.core.told) == {sentence, "given back after 1 undone"}
        assert place.programs() == 0

    story(tmp_path, tale)


def test_one_that_is_replaced_and_kept_something_loses_it(tmp_path: Path) -> None:
    async def tale(place: Place) -> None:
        await place.asking()
        await place.announcer.remove("asker", then=place.host.gone)
        assert place.core.told == ["given back after 1 undone", "ask asker again"]
        await place.make()
        place.host.renewed("asker")
        assert place.core.told[2:] == ["ask asker again"]

    story(tmp_path, tale)


def test_one_that_wakes_when_another_has_its_place_changes_nothing(tmp_path: Path) -> None:
    async def tale(place: Place) -> None:
        await place.asking()
        old = place.host._contexts["asker"]
        await place.host.gone("asker")
        place.core.told.clear()
        for ask in (old.forms(), old.borrow("wlan0", share=True), old.start(["true"], name="x")):
            with pytest.raises(SystemFault, match="plugin asker is used no more"):
                await ask
        await old.give_back("wlan0")
        old.gave_up("no radio")
        old.on_air(OnAir("Box", "wlan0", "10.0.0.1"))
        await asyncio.sleep(0)
        assert (place.core.told, place.core.showing) == ([], None)

    story(tmp_path, tale)


def test_one_that_ended_well_is_not_undone(tmp_path: Path) -> None:
    async def tale(place: Place) -> None:
        place.core.lent = []
        await place.announcer.remove("asker", then=place.host.gone)
        assert place.core.told == ["ask asker again"]
        assert Asker.undone == []

    story(tmp_path, tale)


class UndoHangs(Asker):
    @classmethod
    def undo(cls, context: UndoContext) -> str:  # type: ignore[override]
        RELEASE.wait(20)
        return ""


class UndoRaises(Asker):
    @classmethod
    async def undo(cls, context: UndoContext) -> str:
        raise SystemExit(3)


@pytest.mark.parametrize(
    ("plugin", "said"),
    [(UndoHangs, "is not undone after 0.1 s; reboot"), (UndoRaises, "undone: SystemExit: 3")],
)
def test_what_cannot_be_undone_keeps_no_radio_from_its_driver(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    plugin: type[Plugin],
    said: str,
) -> None:
    monkeypatch.setattr(undoing, "LIMIT", 0.1)

    async def tale(place: Place) -> None:
        await place.asking()
        place.host._found["asker"] = Found(
            "asker", LoadState.LOADED, "", "acme", "1", plugin=plugin
        )
        began = time.monotonic()
        await place.host.gone("asker")
        assert place.core.lent == []
        assert time.monotonic() - began < 3

    story(tmp_path, tale)
    assert said in caplog.text

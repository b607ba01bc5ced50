"""A plugin asks on its own thread and the core answers on its loop, whatever either does."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from conman_core.children import Children
from conman_core.context import Claims
from conman_core.errors import BadValue, ConnectError
from conman_core.model import Form, FormField, Outcome, Reason, Verdict
from conman_core.paths import Paths
from conman_core.plugin import Loan, OnAir
from conman_core.plugincontext import CorePluginContext

FORM = Form("wifi", (FormField("ssid", "Network"),))
SHOWN = OnAir("Box", "wlan0", "10.0.0.1")


class Core:
    """The core's side; notes what is asked, and that it is on the core's thread."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.threads: set[int] = set()
        self.wanted: Callable[[str], None] = lambda _: None
        self.error: Exception | None = None
        self.hangs = False
        self.cancelled = threading.Event()

    def _note(self, *what: Any) -> None:
        self.threads.add(threading.get_ident())
        self.asked.append(what)
        if self.error:
            raise self.error

    async def _wait(self, *what: Any) -> None:
        self._note(*what)
        try:
            await asyncio.sleep(60 if self.hangs else 0)
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    async def look(self) -> None:
        await self._wait("look")

    async def forms(self) -> tuple[Form, ...]:
        await self._wait("forms")
        return (FORM,)

    async def validate(self, driver: str, values: Mapping[str, str]) -> None:
        await self._wait("validate", driver, values)

    async def try_out(self, driver: str, values: Mapping[str, str]) -> Outcome:
        await self._wait("try_out", driver, values)
        return Outcome(Verdict.ONLINE)

    def loans(self) -> tuple[Loan, ...]:
        self._note("loans")
        return (Loan("wlan0", "wifi:wlan0"),)

    async def borrow(
        self, plugin: str, interface: str, *, share: bool, wanted: Callable[[str], None]
    ) -> None:
        await self._wait("borrow", plugin, interface, share)
        self.wanted = wanted

    async def give_back(self, interface: str) -> None:
        await self._wait("give_back", interface)

    async def try_known(self, interface: str) -> bool:
        await self._wait("try_known", interface)
        return True

    def on_air(self, what: OnAir | None, *, attended: bool) -> None:
        self._note("on_air", what, attended)

    def gave_up(self, sentence: str) -> None:
        self._note("gave_up", sentence)

    def say(self, sentence: str, **event: Any) -> None:
        self._note("say", sentence, event)


class Pair:
    """The core's loop on a thread; the plugin's is the test's own."""

    def __init__(self, folder: Path) -> None:
        self.core = Core()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.context = CorePluginContext(
            "acme",
            {"ssid": "Box"},
            paths=Paths(folder / "run", folder / "state"),
            children=Children(None),
            claims=Claims(),
            core=self.core,
            loop=self.loop,
        )

    def plugin(self, work: Callable[[CorePluginContext], Awaitable[None]]) -> None:
        async def limited() -> None:
            await asyncio.wait_for(work(self.context), 20)

        asyncio.run(limited())

    def asked(self) -> list[tuple[Any, ...]]:
        """All that has reached the core by now."""
        asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self.loop).result(5)
        return self.core.asked

    def end(self) -> None:
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(5)
        if not self.loop.is_closed():
            self.loop.close()


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    made.end()


def test_everything_is_asked_on_the_cores_loop_and_its_answer_comes_back(pair: Pair) -> None:
    async def work(context: CorePluginContext) -> None:
        assert await context.forms() == (FORM,)
        assert await context.loans() == (Loan("wlan0", "wifi:wlan0"),)
        assert (await context.try_out("wifi", {"ssid": "x"})).verdict is Verdict.ONLINE
        assert await context.try_known("wlan0") is True
        await context.look()
        await context.validate("wifi", {"ssid": "x"})
        await context.borrow("wlan0", share=True)
        await context.give_back("wlan0")
        context.on_air(SHOWN, attended=True)
        context.on_air(None)
        context.gave_up("no radio")
        context.say("hello", event="greeting")

    pair.plugin(work)
    assert pair.asked() == [
        ("forms",),
        ("loans",),
        ("try_out", "wifi", {"ssid": "x"}),
        ("try_known", "wlan0"),
        ("look",),
        ("validate", "wifi", {"ssid": "x"}),
        ("borrow", "acme", "wlan0", True),
        ("give_back", "wlan0"),
        ("on_air", SHOWN, True),
        ("on_air", None, False),
        ("gave_up", "no radio"),
        ("say", "hello", {"event": "greeting"}),
    ]
    assert pair.core.threads == {pair.thread.ident}


@pytest.mark.parametrize(
    "error", [BadValue("key", "too short"), ConnectError(Reason.BUSY, "wlan0 is used")]
)
def test_what_the_core_raises_is_raised_in_the_plugin(pair: Pair, error: Exception) -> None:
    async def work(context: CorePluginContext) -> None:
        with pytest.raises(type(error)) as caught:
            await context.validate("wifi", {})
        assert caught.value is error

    pair.core.error = error
    pair.plugin(work)


@pytest.mark.parametrize("method", ["look", "forms", "try_known"])
def test_a_plugin_that_is_cancelled_cancels_what_it_asked_for(pair: Pair, method: str) -> None:
    async def work(context: CorePluginContext) -> None:
        arguments = ("wlan0",) if method == "try_known" else ()
        asking = asyncio.create_task(getattr(context, method)(*arguments))
        while not pair.core.asked:
            await asyncio.sleep(0.005)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking

    pair.core.hangs = True
    pair.plugin(work)
    assert pair.core.cancelled.wait(5)


def test_what_a_driver_has_found_is_told_on_the_plugins_own_thread(pair: Pair) -> None:
    async def work(context: CorePluginContext) -> None:
        seen: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

        def wanted(sentence: str) -> None:
            seen.put_nowait((sentence, threading.get_ident()))

        await context.borrow("wlan0", share=False, wanted=wanted)
        pair.loop.call_soon_threadsafe(pair.core.wanted, "Home is in sight")
        assert await seen.get() == ("Home is in sight", threading.get_ident())

    pair.plugin(work)
    pair.core.wanted("nobody hears it any more")


def test_after_the_end_of_the_core_a_plugin_tells_into_the_void(pair: Pair) -> None:
    async def work(context: CorePluginContext) -> None:
        pair.end()
        context.on_air(None)
        context.gave_up("late")
        context.say("late")

    pair.plugin(work)


def test_a_program_can_be_given_open_files(pair: Pair) -> None:
    async def work(context: CorePluginContext) -> None:
        reading, writing = os.pipe()
        lines: asyncio.Queue[str] = asyncio.Queue()
        try:
            script = f"echo here; echo there >/proc/self/fd/{writing}"
            child = await context.start(
                ["sh", "-c", script], name="it", on_line=lines.put_nowait, pass_fds=[writing]
            )
            assert await lines.get() == "here"
            assert await child.wait() == 0
            assert os.read(reading, 100) == b"there\n"
        finally:
            os.close(reading)
            os.close(writing)

    pair.plugin(work)


def test_it_has_settings_a_memory_and_a_folder_of_its_own(pair: Pair, tmp_path: Path) -> None:
    context = pair.context
    assert context.settings == {"ssid": "Box"}
    assert context.runtime == tmp_path / "run/drivers/acme"
    assert context.runtime.stat().st_mode & 0o777 == 0o700
    context.store.save({"a": 1})
    assert (tmp_path / "state/drivers/acme.json").exists()

"""A session on a stage: its access point and page are played, time jumps, all else is the real one.

What was opened and not closed, lent and not given back, is counted, so that nothing can be left.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from conman_core.errors import ConmanError
from conman_plugins.accesspoint import berth, bootnote, led
from conman_plugins.accesspoint.hostapd import Client
from conman_plugins.accesspoint.options import read
from conman_plugins.accesspoint.page.state import Attempt, State
from conman_plugins.accesspoint.plan import Plan
from conman_plugins.accesspoint.plugin import AccessPoint
from conman_plugins.accesspoint.session import Session
from conman_plugins.accesspoint.wanted import Wanted
from tests.accesspoint.kit import ALONE, Core, a_core, submission
from tests.core.machine import run_virtual, until

#: set before it begins: fields of Core
Before = dict[str, Any]


class Part:
    """An access point with its page: what it shows and answers, in order."""

    def __init__(self, stage: Stage, plan: Plan, guests: Any) -> None:
        self.stage, self.plan, self.guests = stage, plan, guests
        self.is_open = False
        self.states: list[State] = []
        self.answers: list[tuple[int, ValueError | None]] = []

    async def open(self, state: State) -> None:
        self.stage.up.append(self)
        self.stage.core.happened.append("open")
        self.states.append(state)
        await asyncio.sleep(1.0)
        if self.stage.troubles:
            raise self.stage.troubles.pop(0)
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False
        await asyncio.sleep(0.2)
        self.stage.up.remove(self)
        self.stage.core.happened.append("close")

    def show(self, state: State) -> None:
        assert self.is_open
        if state != self.states[-1]:
            self.states.append(state)

    def answer(self, number: int, problem: ValueError | None) -> None:
        assert self.is_open
        self.answers.append((number, problem))

    async def told(self, number: int) -> None:
        await asyncio.sleep(0.05)

    async def move(self, frequency: int) -> bool:
        self.stage.core.happened.append(f"move to {frequency}")
        await asyncio.sleep(0.5)
        return self.stage.moves

    async def clients(self) -> list[Client] | None:
        await asyncio.sleep(0)
        phones, idle = self.stage.phones, self.stage.idle
        if phones is None:
            return None
        return [Client(f"02:00:00:00:{number + 1:02}:00", idle) for number in range(phones)]

    def joined(self, number: int = 1) -> None:
        """Let a phone join, which then is one of those that are there."""
        self.stage.phones = max(self.stage.phones or 0, number)
        self.guests.came(f"02:00:00:00:{number:02}:00")


@dataclass
class Stage:
    core: Core
    plan: Plan = ALONE
    plans: dict[str, Plan | ConmanError] = field(default_factory=dict)  #: of single radios
    troubles: list[Exception] = field(default_factory=list)  #: what opening raises, one by one
    moves: bool = True
    phones: int | None = 0  #: None: the radio cannot tell
    idle: float | None = 0.0  #: seconds since their last frame
    up: list[Part] = field(default_factory=list)
    session: Any = None
    task: Any = None

    @property
    def part(self) -> Part:
        """The access point that is on the air."""
        (one,) = (each for each in self.up if each.is_open)
        return one

    @property
    def state(self) -> State:
        return self.part.states[-1]

    def clean(self) -> bool:
        """Tell whether nothing is on, lent or shown."""
        return not self.up and not self.core.lent and self.core.shown is None

    def make_plan(self, interface: str, *, together: bool) -> Plan:
        found = self.plans.get(interface, self.plan)
        if isinstance(found, ConmanError):
            raise found
        return found if together else found.alone()

    def make_session(self, *, by_hand: bool = False, attempt: Attempt | None = None) -> Session:
        made = read(self.core.settings)

        def wanted(_: str) -> Wanted:
            return Wanted(made.ssid.encode(), None, made.country, made.address, made.portal)

        context: Any = self.core
        return Session(context, made, wanted, by_hand=by_hand, attempt=attempt)

    async def on_air(self) -> None:
        await until(lambda: self.up and self.up[-1].is_open and self.core.shown)

    async def submit(self, number: int = 1, **entered: str) -> None:
        """Enter something, and wait until the page has an answer."""
        part = self.part
        part.guests.submitted(submission(number, **entered))
        await until(lambda: part.answers)


Tale = Callable[[Stage], Awaitable[None]]


def story(
    tale: Tale,
    *,
    by_hand: bool = False,
    attempt: Attempt | None = None,
    core: Before | None = None,
    texts: dict[str, str] | None = None,
    **stage_fields: Any,
) -> Stage:
    """Run a tale in which a session goes on; in the end it is closed, and nothing is left."""

    async def play(stage: Stage) -> None:
        stage.session = stage.make_session(by_hand=by_hand, attempt=attempt)
        stage.task = asyncio.create_task(stage.session.run())
        try:
            await tale(stage)
        finally:
            if not stage.task.cancelling():
                stage.task.cancel()
            await asyncio.wait({stage.task})
            await stage.session.close()
        if not stage.task.cancelled():
            stage.task.result()

    with a_core(**(texts or {})) as made, pytest.MonkeyPatch.context() as patch:
        for name, value in (core or {}).items():
            assert hasattr(made, name)
            setattr(made, name, value)
        stage = Stage(made, **stage_fields)
        put_on(patch, stage)
        run_virtual(play(stage))
    assert stage.clean()
    return stage


def put_on(monkeypatch: pytest.MonkeyPatch, stage: Stage) -> None:
    """Let the real session use the stage's parts."""
    monkeypatch.setattr(berth, "make_plan", stage.make_plan)
    monkeypatch.setattr(
        berth, "Opening", lambda context, wanted, plan, guests, pages: Part(stage, plan, guests)
    )


@contextlib.contextmanager
def a_stage(folder: Path) -> Iterator[Stage]:
    """Give a stage for a whole plugin; key, lamps and mounts are below a folder."""
    with a_core() as core, pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATE_DIRECTORY", str(folder))
        patch.setattr(bootnote, "MOUNTS", folder / "no-mounts")
        patch.setattr(led, "CLASS", folder / "leds")
        patch.setattr(led, "_before", {})
        patch.setattr(led.Led, "_complained", set())
        made = Stage(core)
        put_on(patch, made)
        yield made


def play(stage: Stage, tale: Callable[[AccessPoint, Stage], Awaitable[None]]) -> None:
    """Run a tale of the plugin."""

    async def all_of_it() -> None:
        context: Any = stage.core
        await tale(AccessPoint(context), stage)

    run_virtual(all_of_it())

"""Facts about links come from all drivers at once, and none holds the others up."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from conman_core.errors import ConnectError, DriverBug
from conman_core.facts import Facts, facts_of
from conman_core.model import Link, Reason


class Guard:
    """A driver that answers with `answer` after `delay` seconds; None: it has no `details`."""

    def __init__(self, answer: Facts | Exception | None, delay: float = 0.0) -> None:
        self.answer = answer
        self.delay = delay
        self.ended = False

    def has(self, method: str) -> bool:
        assert method == "details"
        return self.answer is not None

    async def call(self, method: str, link: Link) -> Any:
        try:
            await asyncio.sleep(self.delay)
        finally:
            self.ended = True
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def ask(patience: float | None = None, **guards: Guard) -> dict[str, Facts]:
    async def story() -> dict[str, Facts]:
        links: list[Any] = [(guard, Link("acme", name)) for name, guard in guards.items()]
        found = await facts_of(links, patience)
        await asyncio.sleep(0)
        return found

    return asyncio.run(story())


def test_each_link_has_what_its_driver_says() -> None:
    found = ask(
        a=Guard({"signal": "-50 dBm"}),
        b=Guard(None),
        c=Guard(ConnectError(Reason.TIMEOUT, "details(acme:c) took more than 5 s")),
        d=Guard(DriverBug("driver acme raised KeyError; tell its author")),
    )
    assert found == {
        "acme:a": {"signal": "-50 dBm"},
        "acme:b": {},
        "acme:c": {"error": "details(acme:c) took more than 5 s"},
        "acme:d": {"error": "driver acme raised KeyError; tell its author"},
    }


def test_one_that_is_late_is_left_out_and_given_up() -> None:
    late = Guard({"signal": "-50 dBm"}, delay=60)
    began = time.monotonic()
    assert ask(0.05, a=Guard({"speed": "fast"}), b=late) == {"acme:a": {"speed": "fast"}}
    assert time.monotonic() - began < 5
    assert late.ended


def test_without_links_there_is_nothing_to_wait_for() -> None:
    assert ask(5.0) == {}

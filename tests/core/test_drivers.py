"""The drivers in use: asked for their links, changed and let go while others wait for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, ClassVar

from conman_core.driver import LinkDriver
from conman_core.drivers import Drivers
from conman_core.found import Found, LoadState
from conman_core.model import Connection, DriverEvent, Link, Lost, Reason


class Tidy(LinkDriver):
    """Offers one link; a probe waits for `gate`, an event comes for each word in `words`."""

    probe_limit: ClassVar[float] = 20.0
    gate: ClassVar[threading.Event]
    made: ClassVar[list[Tidy]]

    def __init__(self, context: Any) -> None:
        super().__init__(context)
        self.words: asyncio.Queue[str] = asyncio.Queue()
        self.loop = asyncio.get_running_loop()
        self.made.append(self)

    async def probe(self) -> list[Link]:
        while not self.gate.is_set():
            await asyncio.sleep(0.01)
        return [Link("tidy", "eth0", "eth0")]

    async def connect(self, link: Link) -> Connection:
        return Connection("eth0")

    def disconnect(self, link: Link) -> None:
        return None

    async def events(self) -> AsyncIterator[DriverEvent]:
        while True:
            yield Lost("tidy:eth0", Reason.LOST, await self.words.get())

    def tell(self, word: str) -> None:
        self.loop.call_soon_threadsafe(self.words.put_nowait, word)


Story = Callable[[Drivers, list[DriverEvent], type[Tidy]], Coroutine[Any, Any, None]]


def run(story: Story) -> None:
    class Mine(Tidy):  # a thread that another test left behind cannot reach it
        gate: ClassVar[threading.Event] = threading.Event()
        made: ClassVar[list[Tidy]] = []

    async def main() -> None:
        heard: list[DriverEvent] = []
        drivers = Drivers(
            lambda name, settings: settings,  # type: ignore[arg-type,return-value]
            event=heard.append,
            changed=lambda *_: None,
            offers_changed=lambda: None,
        )
        drivers.found["tidy"] = Found("tidy", LoadState.LOADED, "", "tidy", "1", 1, Mine)
        drivers.use({"tidy": {}})
        try:
            await story(drivers, heard, Mine)
        finally:
            for guard in drivers.guards.values():
                guard.close()

    asyncio.run(main())


async def soon(what: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not what():
            await asyncio.sleep(0.01)


def test_one_who_gives_up_waiting_takes_nothing_from_the_others() -> None:
    """A `rescan` that took too long must not end the daemon's own looks at the links."""

    async def story(drivers: Drivers, _: list[DriverEvent], mine: type[Tidy]) -> None:
        first = asyncio.create_task(drivers.probed())
        second = asyncio.create_task(drivers.probed())
        await asyncio.sleep(0.05)
        second.cancel()
        await asyncio.wait({second})
        mine.gate.set()
        await asyncio.wait_for(first, 10)
        assert drivers.links() == [Link("tidy", "eth0", "eth0")]

    run(story)


def test_a_hundred_askers_are_served_by_two_probes() -> None:
    async def story(drivers: Drivers, _: list[DriverEvent], mine: type[Tidy]) -> None:
        asked = []
        probe = mine.probe

        async def counted(self: Tidy) -> list[Link]:
            asked.append(1)
            return await probe(self)

        mine.probe = counted  # type: ignore[method-assign]
        try:
            waits = [asyncio.create_task(drivers.probed()) for _ in range(100)]
            await asyncio.sleep(0.05)
            mine.gate.set()
            await asyncio.gather(*waits)
            await soon(lambda: not drivers._probing)
        finally:
            mine.probe = probe  # type: ignore[method-assign]
        assert len(asked) == 2

    run(story)


def test_a_driver_that_is_let_go_while_it_is_asked_harms_nobody() -> None:
    async def story(drivers: Drivers, _: list[DriverEvent], mine: type[Tidy]) -> None:
        mine.gate.set()
        tasks = drivers.probe()
        drivers.use({})
        await asyncio.gather(*tasks)
        assert drivers.links() == []

    run(story)


def test_late_events_of_a_replaced_driver_are_passed_over() -> None:
    """What the old object lost is not what the new one has."""

    async def story(drivers: Drivers, heard: list[DriverEvent], mine: type[Tidy]) -> None:
        mine.gate.set()
        await drivers.probed()
        mine.made[0].tell("mine")
        await soon(lambda: heard)
        drivers.use({"tidy": {"changed": True}})
        await drivers.probed()
        mine.made[0].tell("late")
        mine.made[1].tell("of the new one")
        await soon(lambda: len(heard) > 1)
        await asyncio.sleep(0.05)
        assert [event.sentence for event in heard] == ["mine", "of the new one"]  # type: ignore[union-attr]

    run(story)

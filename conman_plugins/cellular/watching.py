"""What every driver here does while it lives: sees modems come and go, and switches discs."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from conman_core import DriverContext, ProbeAgain
from conman_core.model import DriverEvent
from conman_plugins.cellular.modeswitch import Switcher
from conman_plugins.cellular.uevents import Plugs

_SENTENCE = "a modem, or a part of one, was plugged in or out"


class Watch:
    """The events of a driver: what it has noted itself, and what the kernel tells of modems."""

    def __init__(self, context: DriverContext, switcher: Switcher) -> None:
        self._context = context
        self._switcher = switcher
        self._events: asyncio.Queue[DriverEvent] = asyncio.Queue()

    def tell(self, event: DriverEvent) -> None:
        """Have an event of the driver's own told to the core."""
        self._events.put_nowait(event)

    async def events(self) -> AsyncIterator[DriverEvent]:
        """Yield events as long as the driver lives."""
        follower = asyncio.create_task(self._follow(), name="driver:plugs")
        try:
            while True:
                yield await self._events.get()
        finally:
            follower.cancel()
            await asyncio.wait({follower})

    async def _follow(self) -> None:
        try:
            plugs = Plugs()
        except OSError as error:
            self._context.log.warning(
                "the kernel does not tell of modems that are plugged in (%s); after plugging one"
                " in: conman rescan",
                error.strerror,
            )
            await self._switcher.switch_all()
            return
        news = asyncio.Event()
        news.set()  # what was plugged in before
        switching = asyncio.create_task(self._switch(news), name="driver:switching")
        try:
            async for _ in plugs.changes():
                self.tell(ProbeAgain(_SENTENCE))
                news.set()
        finally:
            plugs.close()
            switching.cancel()
            await asyncio.wait({switching})

    async def _switch(self, news: asyncio.Event) -> None:
        again: float | None = None
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(again):
                    await news.wait()
            news.clear()
            again = await self._switcher.switch_all()

"""The access point and its page together, for one time on the air."""

from __future__ import annotations

import asyncio
from typing import Protocol

from conman_core import PluginContext
from conman_plugins.accesspoint.air import Air
from conman_plugins.accesspoint.door import Door, Submission
from conman_plugins.accesspoint.hostapd import Client
from conman_plugins.accesspoint.page.state import State
from conman_plugins.accesspoint.pages import Pages
from conman_plugins.accesspoint.plan import Plan
from conman_plugins.accesspoint.wanted import Wanted


class Guests(Protocol):
    """Who is told what happens."""

    def came(self, mac: str) -> None: ...
    def went(self, mac: str) -> None: ...
    def seen(self) -> None: ...
    def look(self) -> None: ...
    def submitted(self, submission: Submission) -> None: ...
    def fell(self, sentence: str) -> None: ...


class Opening:
    """`open` it once; `close` it in any case, also if it did not open or that was cancelled."""

    def __init__(
        self,
        context: PluginContext,
        wanted: Wanted,
        plan: Plan,
        guests: Guests,
        pages: Pages | None = None,
    ) -> None:
        self._plan = plan
        self._air = Air(context, wanted, joined=guests.came, left=guests.went, lost=self._fell)
        self._context = context
        self._wanted = wanted
        self._guests = guests
        self._pages = pages
        self._door: Door | None = None
        self._shown: State | None = None
        self._fallen = False

    async def open(self, state: State) -> None:
        """Go on the air and serve the page. Raises ConmanError."""
        await self._air.prepare(self._plan)
        door = self._door = self._make_door()
        self._shown = state
        opening = asyncio.create_task(door.open(state))  # while the radio gets ready
        try:
            await self._air.start()
            await opening
        finally:
            opening.cancel()
            await asyncio.wait({opening})

    def _make_door(self) -> Door:
        wanted, guests = self._wanted, self._guests
        addresses = [str(wanted.address.ip), *([str(wanted.portal)] if wanted.portal else [])]
        return Door(
            self._context,
            addresses=addresses,
            port=self._air.page_port,
            interface=self._plan.ap_interface,
            submitted=guests.submitted,
            look=guests.look,
            seen=guests.seen,
            lost=self._fell,
            pages=self._pages,
        )

    def _fell(self, sentence: str) -> None:
        """Tell it once: what takes one part down often takes the others too."""
        if not self._fallen:
            self._fallen = True
            self._guests.fell(sentence)

    async def close(self) -> None:
        """Take all down, and leave the radio as it was. Never raises."""
        if self._door:
            await self._door.close()
        await self._air.stop()

    def show(self, state: State) -> None:
        """Let the page show another state, if it is one."""
        if self._door and state != self._shown:
            self._shown = state
            self._door.show(state)

    def answer(self, number: int, problem: ValueError | None) -> None:
        """Answer a submission."""
        if self._door:
            self._door.answer(number, problem)

    async def told(self, number: int) -> None:
        """Wait until who submitted knows that it is tried."""
        if self._door:
            await self._door.told(number)

    async def move(self, frequency: int) -> bool:
        """Go to another channel, with all phones; False if that cannot be."""
        return await self._air.move(frequency)

    async def clients(self) -> list[Client] | None:
        """Return the phones that are there; None if that cannot be known."""
        return await self._air.clients()

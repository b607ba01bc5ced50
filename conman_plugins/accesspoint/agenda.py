"""What is to be done one after the other, in the order in which it came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

Work = Callable[[], Awaitable[None]]


class Agenda:
    """`run` it in a task; what is put in while it does not run waits."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Work] = asyncio.Queue()
        self._once: set[Work] = set()

    @property
    def empty(self) -> bool:
        """Tell whether nothing waits."""
        return self._queue.empty()

    def put(self, work: Work) -> None:
        """Have something done when its turn comes."""
        self._queue.put_nowait(work)

    def put_once(self, work: Work) -> None:
        """Have it done, unless that waits or goes on already: however often it is asked for."""
        if work not in self._once:
            self._once.add(work)
            self.put(work)

    async def run(self) -> NoReturn:
        """Do what comes in until cancelled; what a work raises ends it."""
        while True:
            work = await self._queue.get()
            await work()
            self._once.discard(work)

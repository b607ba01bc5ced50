"""Whose turn it is with a modem."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from conman_core import ConnectError, Reason

T = TypeVar("T")

TRYING = "settings that a person entered are tried with the modem"


class Turn:
    """One task at a time; a trial of what a person entered ends an attempt that runs."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.trials = 0  #: that run or wait
        self._attempt: asyncio.Task[Any] | None = None

    async def attempt(
        self,
        work: Callable[[], Coroutine[Any, Any, T]],
        undo: Callable[[], Coroutine[Any, Any, None]],
    ) -> T:
        """Do something that a trial may end. Raises ConnectError then.

        If it is cancelled as it has just ended, it is undone.
        """
        async with self.lock:
            self._attempt = task = asyncio.create_task(work())
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:
                task.cancel()
                await asyncio.wait({task})
                if not task.cancelled() and not task.exception():
                    await undo()
                raise
            finally:
                self._attempt = None
            if task.cancelled():
                raise ConnectError(Reason.LOST, TRYING)
            return task.result()

    @asynccontextmanager
    async def trial(self) -> AsyncIterator[None]:
        """Have the modem for a trial."""
        self.trials += 1
        try:
            if self._attempt:
                self._attempt.cancel()
            async with self.lock:
                yield
        finally:
            self.trials -= 1

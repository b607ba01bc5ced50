"""One call of a driver's method on its way: made on the core's loop, run on the driver's lane.

Two threads look at it, so who was first, the result or the giving up, is settled under a lock:
what a method achieves after it was given up is undone on the lane, before anything else is called.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from conman_core.lane import describe, hand_over

log = logging.getLogger(__name__)

Work = Callable[[], Awaitable[Any]]
Undo = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a method ended: a value or an error. `kept` is False if it had been given up before."""

    value: Any = None
    error: BaseException | None = None
    kept: bool = True


class Job:
    """A call. `began` and `ended` are futures of the core's loop; `answer` is the caller's."""

    def __init__(
        self,
        title: str,
        work: Work,
        undo: Undo | None = None,
        turn: Callable[[], AbstractAsyncContextManager[Any]] = contextlib.nullcontext,
    ) -> None:
        self.title = title
        self.since = time.time()  #: wall clock, when it was asked for, later when it began
        self._core = asyncio.get_running_loop()
        self.began: asyncio.Future[None] = self._core.create_future()
        self.ended: asyncio.Future[Outcome] = self._core.create_future()
        self.answer: asyncio.Future[Any] = self._core.create_future()
        self._work = work
        self._undo = undo
        self._turn = turn  # asked on the lane: what to wait for before beginning
        self._lock = threading.Lock()
        self._given_up = False
        self._settled = False
        self._task: asyncio.Task[None] | None = None
        self._cancellable = False

    @property
    def running(self) -> bool:
        """Whether the method has begun and not yet ended."""
        return self.began.done() and not self.ended.done()

    def give_up(self) -> None:
        """Want the result no more; from the core's loop. Post `cancel` on the lane besides."""
        with self._lock:
            self._given_up = not self._settled

    def start(self) -> None:
        """Begin, on the lane."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def cancel(self) -> None:
        """Cancel the method if it is at an `await`, on the lane."""
        if self._task and self._cancellable:
            self._task.cancel()

    async def _run(self) -> None:
        async with self._turn():
            await self._run_now()

    async def _run_now(self) -> None:
        hand_over(self._core, self._begin, time.time())
        value, error = None, None
        if not self._given_up:
            self._cancellable = True
            try:
                value = await self._work()
            except BaseException as failure:  # noqa: BLE001 - judged by the guard
                error = failure
            self._cancellable = False
        with self._lock:
            kept = self._settled = not self._given_up
        if not kept and value is not None and self._undo:
            log.info("%s ended after it was given up: undone", self.title)
            try:
                await self._undo(value)
            except BaseException as failure:  # noqa: BLE001 - a stranger's clean-up
                log.warning("undoing %s failed: %s", self.title, describe(failure))
        hand_over(self._core, self._end, Outcome(value, error, kept))

    def _begin(self, when: float) -> None:
        self.since = when
        self.began.set_result(None)

    def _end(self, outcome: Outcome) -> None:
        self.ended.set_result(outcome)

    def resolve(self, value: Any) -> bool:
        """Give the caller its value; False if it waits no more."""
        if self.answer.done():
            return False
        self.answer.set_result(value)
        return True

    def refuse(self, error: BaseException) -> None:
        """Give the caller an error, if it still waits."""
        with contextlib.suppress(asyncio.InvalidStateError):
            self.answer.set_exception(error)

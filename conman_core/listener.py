"""Passes a driver's `events` from its lane to the core's loop, and outlives their failures."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from conman_core.failures import Failure, translate
from conman_core.health import FIRST_PAUSE, pause_after
from conman_core.lane import describe, hand_over
from conman_core.model import DriverEvent
from conman_core.results import check_event

log = logging.getLogger(__name__)

BURST = 50  #: events that a driver may send at once
WINDOW = 1.0  #: and so many again in each such time, in seconds; more wait in the driver


def _failure(error: BaseException) -> Failure:
    known = translate("events", error)
    return known if isinstance(known, Failure) else Failure("events", f"raised {describe(known)}")


class Listener:
    """Runs `events()` on the lane for ever, restarting it with back-off when it raises.

    A flood slows down the driver that makes it: its next event is not fetched before there is
    room, so nothing is lost and the core is never swamped.
    """

    def __init__(
        self,
        driver: str,
        source: Callable[[], Any],
        deliver: Callable[[DriverEvent], None],
        failed: Callable[[Failure], Any],
        recovered: Callable[[], None],
    ) -> None:
        self._driver = driver
        self._source = source
        self._deliver = deliver
        self._failed = failed
        self._recovered = recovered
        self._core = asyncio.get_running_loop()
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._lane: asyncio.AbstractEventLoop | None = None
        self._sent = 0
        self._window_ends = 0.0
        self._flooded = False

    def start(self) -> None:
        """Begin, on the lane."""
        self._lane = asyncio.get_running_loop()
        self._task = self._lane.create_task(self._run())

    def hurry(self) -> None:
        """Restart failed events now, from the core's loop."""
        if self._lane:
            hand_over(self._lane, self._hurry.set)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            began = loop.time()
            healthy = loop.call_later(FIRST_PAUSE, hand_over, self._core, self._recovered)
            try:
                await self._follow()
            except asyncio.CancelledError:
                if (task := asyncio.current_task()) and task.cancelling():
                    raise
                failure = Failure("events", "was cancelled, though nobody cancelled it")
            except BaseException as error:  # noqa: BLE001 - a stranger's code
                failure = _failure(error)
            else:
                return
            finally:
                healthy.cancel()
            failures = 1 if loop.time() - began > FIRST_PAUSE else failures + 1
            hand_over(self._core, self._failed, failure)
            await self._pause(pause_after(failures))

    async def _pause(self, seconds: float) -> None:
        self._hurry.clear()
        try:
            await asyncio.wait_for(self._hurry.wait(), seconds)
        except TimeoutError:
            return

    async def _follow(self) -> None:
        source = self._source()
        if source is None:
            return
        if not hasattr(source, "__aiter__"):
            if asyncio.iscoroutine(source):
                source.close()
            raise Failure("events", "must be an async generator: `async def` with `yield`")
        async for event in source:
            try:
                checked = check_event(self._driver, event)
            except ValueError as error:
                wrong = Failure("events", f"yielded rubbish: {error}")
                hand_over(self._core, self._failed, wrong)
            else:
                hand_over(self._core, self._deliver, checked)
            await self._make_room()

    async def _make_room(self) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._window_ends:
            self._window_ends, self._sent = now + WINDOW, 0
        self._sent += 1
        if self._sent < BURST:
            return
        if not self._flooded:
            self._flooded = True
            log.warning(
                "driver %s sends more than %d events in %g s: slowed down",
                *(self._driver, BURST, WINDOW),
            )
        await asyncio.sleep(self._window_ends - now)

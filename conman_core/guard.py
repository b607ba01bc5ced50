"""Calls one driver: on its own thread, within time limits, and never trusting what comes back.

How a driver fails decides what the core sees. An expected failure is a ConnectError. Everything
else is a DriverBug: logged once with its traceback and kept as `health`, and the driver, or only
the link that it concerned, rests for a minute, doubling to an hour. Nothing is given up for good.

A time limit runs from the moment at which the method begins: waiting for an earlier plain method
of the same driver does not count, so two links of one driver connect one after the other. That
wait is bounded by the limits of the calls before it: a driver in a call that has neither returned
nor let itself be cancelled is stuck, is not called again until it returns, and every call that
waits for it fails at once.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any
from weakref import WeakValueDictionary

from conman_core.driver import DriverContext, Probed
from conman_core.errors import ConnectError, DriverBug
from conman_core.failures import Failure, translate
from conman_core.health import Faults, Health, State
from conman_core.job import Job
from conman_core.lane import Lane
from conman_core.listener import Listener
from conman_core.model import Connection, DriverEvent, Link, Reason, Unavailable
from conman_core.results import check_result

log = logging.getLogger(__name__)

DEFAULT_LIMIT = 5.0
CANCEL_TRIES = 3  #: a single cancellation may get lost, as in asyncio.wait_for before 3.12
CANCEL_GRACE = 1.0  #: seconds in all that a cancelled method may take to end
IN_TURN = frozenset({"connect", "disconnect", "recover"})  #: never two at once for one link
BEGIN_LIMIT = 2.0  #: seconds that an idle lane may take to begin a call
FAREWELL = 0.5  #: seconds that a caller who is cancelled waits for the driver


class Guard:
    """One driver. To be used from the core's loop only; `changed` is called when health has."""

    def __init__(
        self,
        name: str,
        driver_class: type[Any],
        context_factory: Callable[[], DriverContext],
        distribution: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.distribution = distribution
        self._class = driver_class
        self._context_factory = context_factory
        self._clock = clock
        self._changed = changed
        self._lane = Lane(f"driver {name}")
        # these two are used on the lane only
        self._driver: Any = None
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._faults = Faults()
        self._stuck: dict[Job, Health] = {}
        self._jobs: set[Job] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: Listener | None = None

    @property
    def health(self) -> Health:
        """How the driver is: stuck in a call, broken by its newest open fault, or ok."""
        return next(iter(self._stuck.values()), None) or self._faults.health()

    def usable(self, now: float, link: str | None = None) -> bool:
        """Whether to call it now: it is not stuck, and it (and the link named) rests no more."""
        return not self._stuck and not self._faults.waits(now, link)

    def forgive(self) -> None:
        """Let everything be tried again now, because a person asked for it."""
        self._faults.forgive(self._clock())
        if self._listener:
            self._listener.hurry()

    def close(self) -> None:
        """End the driver's thread once its code lets it. Never waits."""
        for task in self._tasks:
            task.cancel()
        for job in self._jobs:
            job.refuse(DriverBug(f"driver {self.name} was shut down"))
        self._lane.close()

    async def end(self) -> None:
        """Let a driver that is used no more end what it runs. Raises ConnectError, DriverBug."""
        if self._driver is not None and hasattr(self._class, "close"):
            await self.call("close")

    def listen(self, deliver: Callable[[DriverEvent], None]) -> None:
        """Pass on what the driver's `events` yields, to a callback on the core's loop, from now."""
        self._listener = Listener(
            self.name,
            lambda: self._made().events() if hasattr(self._class, "events") else None,
            deliver,
            lambda failure: self._fault(failure, None),
            lambda: self._cleared("events", ""),
        )
        self._lane.post(self._listener.start)

    async def probe(self) -> Probed:
        """Ask for the links. Raises DriverBug only; expected trouble comes as Unavailable."""
        try:
            probed: Probed = await self.call("probe")
        except ConnectError as error:
            return Unavailable(error.reason, error.sentence)
        links = () if isinstance(probed, Unavailable) else probed
        self._faults.keep_links(frozenset(link.name for link in links))
        return probed

    async def connect(self, link: Link) -> Connection:
        """Connect a link. Raises ConnectError, DriverBug; leaves nothing behind if cancelled."""
        connection: Connection = await self.call("connect", link)
        return connection

    async def disconnect(self, link: Link) -> None:
        """Take a link down. Never raises: what goes wrong is in the log and in `health`."""
        try:
            await self.call("disconnect", link)
        except (ConnectError, DriverBug) as error:
            log.warning("disconnecting %s: %s", link.name, error)

    async def recover(self, link: Link, step: int) -> bool:
        """Take a step of a link's recovery ladder; False if there is none, or no ladder at all.

        Raises ConnectError, DriverBug.
        """
        if not self.has("recover"):
            return False
        taken: bool = await self.call("recover", link, step)
        return taken

    async def alternative(self, link: Link) -> bool:
        """Ask for another way than a link's connection. Raises ConnectError, DriverBug."""
        return self.has("alternative") and await self.call("alternative", link)

    def has(self, method: str) -> bool:
        """Whether it has an optional method: a class need not be derived from LinkDriver."""
        return hasattr(self._class, method)

    async def call(self, method: str, *args: Any, limit: float | None = None) -> Any:
        """Call any method of the contract; without `limit` the class's own `<method>_limit` holds.

        Raises ConnectError (TIMEOUT if the method was cancelled at its limit, NO_TOOL for a
        missing program), DriverBug for everything else; from `apply` also its ValueError.
        """
        if self._stuck:
            raise DriverBug(self.health.sentence)
        if limit is None:
            limit = getattr(self._class, f"{method}_limit", DEFAULT_LIMIT)
        link = next((arg for arg in args if isinstance(arg, Link)), None)
        title = f"{method}({link.name if link else self.name})"
        undo = partial(self._undo, link) if method == "connect" and link else None
        turn = partial(self._turn, link.name if link and method in IN_TURN else None)
        job = Job(title, partial(self._perform, method, args), undo, turn)
        if not self._lane.post(job.start):
            raise DriverBug(f"driver {self.name} was shut down")
        self._jobs.add(job)
        self._in_background(self._watch(job, method, link, limit))
        try:
            return await asyncio.shield(job.answer)
        except asyncio.CancelledError:
            if job.answer.done() and not job.answer.exception() and undo and link:
                self._in_background(self.disconnect(link))
            job.answer.cancel()
            job.give_up()
            self._lane.post(job.cancel)
            await asyncio.wait({job.ended}, timeout=FAREWELL)
            raise

    # -- on the lane ------------------------------------------------------------------------

    def _turn(self, link: str | None) -> AbstractAsyncContextManager[Any]:
        return nullcontext() if link is None else self._turns.setdefault(link, asyncio.Lock())

    def _made(self) -> Any:
        if self._driver is None:
            try:
                self._driver = self._class(self._context_factory())
            except BaseException as error:  # noqa: BLE001 - a stranger's code
                raise translate("__init__", error) from None
        return self._driver

    async def _perform(self, method: str, args: tuple[Any, ...]) -> Any:
        try:
            value = getattr(self._made(), method)(*args)
            if inspect.isawaitable(value):
                value = await value
        except BaseException as error:  # noqa: BLE001 - a stranger's code
            raise translate(method, error) from None
        try:
            return check_result(self.name, method, args, value)
        except ValueError as error:
            raise Failure(method, f"returned rubbish: {error}") from None

    async def _undo(self, link: Link, _: Connection) -> None:
        value = self._made().disconnect(link)
        if inspect.isawaitable(value):
            await value

    # -- on the core's loop -----------------------------------------------------------------

    def _in_background(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._tasks.discard)

    async def _watch(self, job: Job, method: str, link: Link | None, limit: float) -> None:
        """See a call through to its true end, however late that is."""
        try:
            await self._begun(job)
            late = await self._overdue(job, limit)
            if not job.ended.done():
                self._is_stuck(job, job.title)
            await asyncio.wait({job.ended})
        finally:
            self._jobs.discard(job)
            if self._stuck.pop(job, None):
                log.info("driver %s has returned from %s and is used again", self.name, job.title)
                self._changed()
        outcome = job.ended.result()
        if late and not outcome.kept:
            job.refuse(ConnectError(Reason.TIMEOUT, f"{job.title} took more than {limit:g} s"))
        error = outcome.error
        if isinstance(error, asyncio.CancelledError) and outcome.kept:
            error = Failure(method, "was cancelled, though nobody cancelled it")
        if isinstance(error, Failure):
            error = self._fault(error, link)
        if error is not None:
            job.refuse(error)
        elif outcome.kept:
            self._cleared("__init__", "")
            self._cleared(method, link.name if link else "")
            if not job.resolve(outcome.value) and method == "connect" and link:
                await self.disconnect(link)  # it connected just when its caller went away

    async def _begun(self, job: Job) -> None:
        while not job.began.done():
            await asyncio.wait({job.began}, timeout=BEGIN_LIMIT)
            idle = not self._stuck and not any(other.running for other in self._jobs)
            if idle and not job.began.done():
                self._is_stuck(job, "events() or a background task")

    async def _overdue(self, job: Job, limit: float) -> bool:
        """Give a method its time, then cancel it; return whether it took too long."""
        await asyncio.wait({job.ended}, timeout=limit)
        if job.ended.done():
            return False
        for _ in range(CANCEL_TRIES):
            job.give_up()
            self._lane.post(job.cancel)
            await asyncio.wait({job.ended}, timeout=CANCEL_GRACE / CANCEL_TRIES)
            if job.ended.done():
                break
        return True

    def _fault(self, failure: Failure, link: Link | None) -> DriverBug:
        where = link.name if link and failure.method != "__init__" else ""
        sentence = (
            f"driver {self.name} of {self.distribution}: {failure.method}({where}) {failure.what};"
            f" tell its author, the log has more"
        )
        now, wall = self._clock(), time.time()
        if self._faults.add(failure.method, where, sentence, now=now, wall=wall):
            log.error("%s\n%s", sentence, failure.trace)
        self._changed()
        return DriverBug(sentence)

    def _cleared(self, method: str, where: str) -> None:
        if self._faults.clear(method, where):
            log.info("driver %s works again: %s(%s)", self.name, method, where)
            self._changed()

    def _is_stuck(self, job: Job, where: str) -> None:
        since = time.strftime("%H:%M:%S", time.localtime(job.since))
        sentence = (
            f"driver {self.name} of {self.distribution} is stuck in {where} since {since}:"
            f" it neither returns nor lets itself be cancelled; if it stays so, restart conman"
        )
        log.error("%s; its thread is at:\n%s", sentence, self._lane.stack())
        self._stuck[job] = Health(State.STUCK, job.since, sentence)
        job.refuse(DriverBug(sentence))
        for other in self._jobs:
            if not other.began.done():
                other.give_up()
                other.refuse(DriverBug(sentence))
        self._changed()

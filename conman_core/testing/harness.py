"""Runs a driver's methods as the core would, and sees what they leave behind."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from pathlib import Path
from typing import Any, TypeVar

from conman_core.driver import LinkDriver
from conman_core.lane import in_thread, stack_of
from conman_core.model import Link

T = TypeVar("T")
KEPT = "driver:"  #: names of tasks that live as long as the driver begin so
TICKS = 20  #: turns of the event loop that clean-up may take
_LONGEST = 60.0
_MOST_POINTS = 200  #: at which one connect is cancelled


def run(work: Coroutine[Any, Any, T], limit: float = _LONGEST) -> T:
    """Run a coroutine on a thread of its own: code that blocks for ever fails, it does not hang.

    Raises what the coroutine raises, and AssertionError with the place where it hangs.
    """
    thread, future = in_thread("driver under test", lambda: asyncio.run(work))
    thread.join(limit)
    if thread.is_alive():
        raise AssertionError(f"no end after {limit:g} s; it is at:\n{stack_of(thread)}")
    return future.result()


async def and_close(driver: LinkDriver, work: Awaitable[T]) -> T:
    """Do something with a driver and let it end what it runs, in time."""
    try:
        return await work
    finally:
        await call(driver, "close")


async def call(driver: LinkDriver, method: str, *args: Any) -> Any:
    """Call a plain or async method within its time limit. Raises what it raises."""
    limit = getattr(driver, f"{method}_limit", 5.0)
    before = asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(limit) as timer:
            result = getattr(driver, method)(*args)
            if inspect.isawaitable(result):
                result = await result
    except TimeoutError:
        if not timer.expired():
            raise
    took = asyncio.get_running_loop().time() - before
    if timer.expired() or took > limit:
        raise AssertionError(f"{method}() had not ended after {limit:g} s, its limit")
    return result


async def settle() -> None:
    """Let cancelled tasks and callbacks have their turns."""
    for _ in range(TICKS):
        await asyncio.sleep(0)


class Leftovers:
    """Tells what has been started since it was made, and is still there.

    A task named `driver:...` may stay, one of each name: it lives as long as the driver does.
    """

    def __init__(self, driver: LinkDriver) -> None:
        context: Any = driver.context
        self._context = context
        self._tasks = asyncio.all_tasks()
        self._children = _children()
        self._scripted = set(self._context.leftovers())

    async def found(self) -> list[str]:
        """Return a sentence for each task, child process, DHCP client and scripted program."""
        await settle()
        tasks = asyncio.all_tasks()
        kept = Counter(task.get_name() for task in tasks if task.get_name().startswith(KEPT))
        new = [task for task in tasks - self._tasks if not task.get_name().startswith(KEPT)]
        found = [f"the task {task.get_coro()!r} still runs" for task in new]
        found += [f"{count} tasks {name} run" for name, count in kept.items() if count > 1]
        found += [f"the child process {pid} is still there" for pid in _children() - self._children]
        return found + sorted(set(self._context.leftovers()) - self._scripted)


def _children() -> set[str]:
    """Return the process ids of this process's children, unreaped ones too; see proc(5)."""
    found: set[str] = set()
    for children in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):  # that thread has just ended
            found.update(children.read_text().split())
    return found


class CancelAt(Awaitable[T]):
    """Awaits a coroutine and cancels the running task when it waits for the `point`th time."""

    def __init__(self, work: Coroutine[Any, Any, T], point: int) -> None:
        self._work = work
        self._point = point
        self.reached = False

    def __await__(self) -> Generator[Any, Any, T]:
        """Run the coroutine step by step."""
        step: Callable[[], Any] = lambda: self._work.send(None)  # noqa: E731
        waits = 0
        while True:
            try:
                waited_for = step()
            except StopIteration as end:
                result: T = end.value
                return result
            waits += 1
            if waits == self._point:
                self.reached = True
                if task := asyncio.current_task():
                    task.cancel()
            try:
                yield waited_for
            except BaseException as error:  # noqa: BLE001 - handed on to the coroutine
                thrown = error
                step = lambda: self._work.throw(thrown)  # noqa: E731, B023 - used at once
            else:
                step = lambda: self._work.send(None)  # noqa: E731


async def cancelled_connects(
    driver: LinkDriver, link: Link
) -> AsyncIterator[tuple[str, asyncio.Task[Any], Leftovers]]:
    """Cancel one `connect` after the other, each a little later, until one ends before.

    Yields where it was cancelled, the task that ended thereby, and what there was before. First
    at every point where the method itself waits, then at every turn of the loop, as tasks of its
    own make steps too. Raises what the first `connect` raises that is not cancelled.
    """
    for point in range(1, _MOST_POINTS):
        before = Leftovers(driver)
        steps = CancelAt(call(driver, "connect", link), point)
        task = asyncio.create_task(_await(steps))
        await asyncio.wait({task})
        if not steps.reached:
            task.result()
            await call(driver, "disconnect", link)
            break
        yield f"at its wait number {point}", task, before
    for turns in range(TICKS):
        before = Leftovers(driver)
        task = asyncio.create_task(call(driver, "connect", link))
        for _ in range(turns):
            await asyncio.sleep(0)
        if task.done():
            with contextlib.suppress(Exception):  # why a second one fails is another check's
                task.result()
            await call(driver, "disconnect", link)
            break
        task.cancel()
        await asyncio.wait({task})
        yield f"after {turns} turns of the event loop", task, before


async def _await(work: Awaitable[T]) -> T:
    return await work

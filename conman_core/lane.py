"""Threads for code that is not conman's own: a hang there costs that code only.

All are daemon threads, so the interpreter's end never waits for one. A lane lives as long as the
process: a child process started from it is not killed early by PR_SET_PDEATHSIG, which fires
when the starting *thread* ends (prctl(2)).
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)

_LONGEST_TEXT = 300
_WIND_UP = 1.0  #: seconds that the tasks of a closed lane get to end


def one_line(text: str) -> str:
    """Return a text of any origin as one printable line of bounded length."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:2000]).split())
    return line if len(line) <= _LONGEST_TEXT else line[: _LONGEST_TEXT - 3] + "..."


def describe(error: BaseException) -> str:
    """Return `Type: text` of any exception, also of one whose own text fails."""
    kind = type(error).__name__
    try:
        text = one_line(str(error))
    except BaseException:  # noqa: BLE001 - foreign __str__; its type is still worth saying
        text = "(its text cannot be read)"
    return f"{kind}: {text}" if text else kind


def in_thread(name: str, function: Callable[[], T]) -> tuple[threading.Thread, Future[T]]:
    """Run a function on a daemon thread of its own; the future gets whatever it raises."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 - handed over, SystemExit included
            future.set_exception(error)
        else:
            future.set_result(result)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread, future


async def finished(future: Future[Any], limit: float | None = None) -> bool:
    """Wait for a thread's future; False if it has not ended after `limit` seconds."""
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    future.add_done_callback(lambda _: hand_over(loop, done.set))
    try:
        await asyncio.wait_for(done.wait(), limit)
    except TimeoutError:
        return False
    return True


def stack_of(thread: threading.Thread | None) -> str:
    """Return where a thread is now, as a traceback's text; empty if it has ended."""
    frame = sys._current_frames().get(thread.ident) if thread and thread.ident else None
    return "".join(traceback.format_stack(frame)) if frame else ""


def hand_over(loop: asyncio.AbstractEventLoop, callback: Callable[..., Any], *args: Any) -> None:
    """Run a callback on another thread's loop; nothing happens if that loop has ended."""
    try:
        loop.call_soon_threadsafe(callback, *args)
    except RuntimeError:
        log.debug("nobody waits any more for %r", callback)


class Lane:
    """One permanent daemon thread with an event loop of its own, started when first used."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._closed = False

    def post(self, callback: Callable[..., Any], *args: Any) -> bool:
        """Run a callback on the lane, from any thread, after all posted before.

        Returns False when the lane is closed: the callback will not run.
        """
        with self._lock:
            if self._closed:
                return False
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._loop.set_exception_handler(self._background_failure)
                main = threading.Thread(target=self._main, name=self.name, daemon=True)
                self.thread = main
                main.start()
            self._loop.call_soon_threadsafe(callback, *args)
        return True

    def close(self) -> None:
        """Cancel what runs on the lane and end its thread once its code lets it. Never waits."""
        with self._lock:
            self._closed = True
            if self._loop and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._loop.stop)

    def stack(self) -> str:
        """Where the lane's thread is now, for the log of a hang."""
        return stack_of(self.thread)

    def _main(self) -> None:
        loop = self._loop
        if loop is None:
            return
        while not self._closed:
            try:
                loop.run_forever()  # a guest's task that raises SystemExit ends it; so may stop()
            except BaseException as error:  # noqa: BLE001 - the lane must outlive its guest
                log.error("%s: a background task ended with %s", self.name, describe(error))
        try:
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            if tasks:
                loop.run_until_complete(asyncio.wait(tasks, timeout=_WIND_UP))
            loop.run_until_complete(loop.shutdown_asyncgens())
        except BaseException as error:  # noqa: BLE001 - a guest's clean-up code
            log.warning("%s: clean-up ended with %s", self.name, describe(error))
        finally:
            with self._lock:
                loop.close()

    def _background_failure(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        del loop
        error = context.get("exception")
        log.error(
            "%s: %s",
            self.name,
            describe(error) if error else one_line(str(context.get("message"))),
            exc_info=error,
        )

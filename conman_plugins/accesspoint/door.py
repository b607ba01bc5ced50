"""The daemon's end of the page: its sockets, its process, and what comes from there.

The process is started again when it dies; its sockets live here, so whoever connects meanwhile
only waits. It is not trusted: what it sends is read by `messages`, and one that sends rubbish, or
more than people do, is ended; then its sockets are made anew, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Sequence

from conman_core import BadValue, PluginContext
from conman_core.driver import Running
from conman_core.errors import ConmanError
from conman_plugins.accesspoint.page import messages
from conman_plugins.accesspoint.page.messages import (
    Answer,
    Fault,
    Look,
    Ready,
    Seen,
    Submission,
    Told,
)
from conman_plugins.accesspoint.page.often import Often, submits
from conman_plugins.accesspoint.page.state import LARGEST, LONGEST, State, fitting, to_message
from conman_plugins.accesspoint.pages import Pages
from conman_plugins.accesspoint.ports import BACKLOG, listen

__all__ = ["Door", "Submission"]

START_LIMIT = 15.0  #: seconds until the page can answer
MOST_STARTS = 5  #: within `STARTS_IN` seconds
STARTS_IN = 60.0
_STOP_LIMIT = 2.0
_SHORT_STOP_LIMIT = 0.1  #: for one that cannot be trusted to end
_AT_ONCE = 20  #: messages taken before others get their turn
MOST, MOST_IN = 100, 10.0  #: messages in seconds: many times what people can make the page send


class Door:
    """For one time of asking. `submitted`, `look` and `seen` are called on the loop of `open`.

    `lost` is told why there is no page any more.
    """

    def __init__(
        self,
        context: PluginContext,
        *,
        addresses: Sequence[str],
        port: int = 80,
        interface: str = "",
        submitted: Callable[[Submission], None],
        look: Callable[[], None],
        seen: Callable[[], None],
        lost: Callable[[str], None] = lambda _: None,
        pages: Pages | None = None,
    ) -> None:
        self.port = port
        self._context = context
        self._addresses = addresses
        self._interface = interface
        self._submitted, self._look, self._seen, self._lost = submitted, look, seen, lost
        self._pages = pages or Pages(context)
        self._listening: list[socket.socket] = []
        self._child: Running | None = None
        self._link: socket.socket | None = None
        self._watch: asyncio.Task[None] | None = None
        self._state: bytes = b""
        self._ready = asyncio.Event()
        self._told: dict[int, asyncio.Event] = {}
        self._starts: list[float] = []
        self._came = Often(MOST, MOST_IN)  #: what the process sent
        self._submits = submits()  #: the page counts them, too; but it is not trusted
        self._spoilt = False  #: the process did what it never does: so may its sockets
        self._unshown: set[str] = set()  #: drivers whose forms cannot be shown

    async def open(self, state: State) -> None:
        """Listen, and start the page; returns when it can answer.

        Raises SystemFault; then it is closed.
        """
        self._state = self._message(state)
        try:
            for address in self._addresses:
                self._listening.append(listen(address, self.port, self._interface))
                self.port = self._listening[-1].getsockname()[1]
            await self._start()
            assert self._child  # noqa: S101 - for mypy: `_start` set it
            self._watch = asyncio.create_task(self._supervise(self._child), name="the page")
        except BaseException:
            await self.close()
            raise

    def show(self, state: State) -> None:
        """Let the page show another state."""
        self._state = self._message(state)
        self._send(self._state)

    def _message(self, state: State) -> bytes:
        shown = fitting(state)
        left = {form.driver for form in state.forms} - {form.driver for form in shown.forms}
        for driver in sorted(left - self._unshown):
            self._context.log.warning("the form of %s is not one that can be shown", driver)
        self._unshown = left
        return to_message(shown)

    def answer(self, number: int, problem: ValueError | None) -> None:
        """Tell whether what was submitted can be tried."""
        if problem is None:
            self._told[number] = asyncio.Event()
            self._send(messages.pack(Answer(number, ok=True)))
            return
        field = problem.field if isinstance(problem, BadValue) else None
        self._send(messages.pack(Answer(number, False, field, str(problem)[:LONGEST])))

    async def told(self, number: int, limit: float = 2.0) -> None:
        """Wait until who submitted has been told that it is tried; `limit` seconds at most."""
        event = self._told.get(number)
        if event:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), limit)
            self._told.pop(number, None)

    async def close(self) -> None:
        """End the page. Never raises."""
        watch, self._watch = self._watch, None
        if watch:
            watch.cancel()
        self._unlink()
        for each in self._listening:
            each.close()
        self._listening.clear()
        if self._child:
            await self._child.stop(_STOP_LIMIT)

    # -- the process

    async def _start(self) -> None:
        """Start the process and wait until it can answer. Raises SystemFault."""
        self._ready.clear()
        self._came = Often(MOST, MOST_IN)
        process = await self._pages.take()
        self._child, self._link = process.child, process.link
        asyncio.get_running_loop().add_reader(process.link, self._read, process.link)
        process.give(self._listening, self._state)
        await process.begin(self._ready, START_LIMIT)

    def _listen_again(self) -> None:
        """Have sockets that work for the next process. Raises SystemFault."""
        for place, address in enumerate(self._addresses):
            before = self._listening[place]
            if self._spoilt or not before.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                before.close()
                self._listening[place] = listen(address, self.port, self._interface)
            else:
                before.listen(BACKLOG)
        self._spoilt = False

    async def _supervise(self, child: Running) -> None:
        """Start it again whenever it ends."""
        now = self._context.now
        while True:
            await child.wait()
            self._unlink()
            self._starts = [at for at in self._starts if now() - at < STARTS_IN]
            if len(self._starts) >= MOST_STARTS:
                self._lost(f"the page does not stay up: it ended {MOST_STARTS} times in a minute")
                return
            self._starts.append(now())
            self._context.log.warning("the page's process ended; it is started again")
            try:
                self._listen_again()
                await self._start()
            except ConmanError as error:
                self._lost(str(error))
                return
            assert self._child  # noqa: S101 - for mypy: `_start` set it
            child = self._child

    # -- messages

    def _send(self, data: bytes) -> None:
        if self._link is None:
            return
        try:
            self._link.send(data)
        except OSError as error:
            # it does not read, or is gone: one that was started anew gets the state first
            self._end(f"does not listen ({error.strerror})")

    def _read(self, link: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                data = link.recv(LARGEST + 1)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._end("closed its end")
                return
            if not self._came.allow(self._context.now()):
                self._end("sends more than people can do", spoilt=True)
                return
            try:
                message = messages.from_page(data)
            except ValueError as error:
                self._end(f"sent what it never sends ({error})", spoilt=True)
                return
            self._take(message)

    def _take(self, message: messages.FromPage) -> None:
        match message:
            case Submission() if self._submits.allow(self._context.now()):
                self._submitted(message)
            case Submission(number):
                self.answer(number, ValueError("error.often"))
            case Told(number):
                if event := self._told.get(number):
                    event.set()
            case Look():
                self._look()
            case Seen():
                self._seen()
            case Ready():
                self._ready.set()
            case Fault(where):
                shown = "".join(c if c.isprintable() else "?" for c in where)
                self._context.log.error("a fault of the page, please report it: %s", shown)

    def _end(self, why: str, *, spoilt: bool = False) -> None:
        """End the process, which is started again."""
        self._unlink()
        self._spoilt |= spoilt
        child = self._child
        if child and child.running:
            self._context.log.warning("the page %s: it is ended", why)
            # kept, as the loop itself keeps only a weak reference
            self._ending = asyncio.ensure_future(child.stop(_SHORT_STOP_LIMIT))

    def _unlink(self) -> None:
        link, self._link = self._link, None
        if link:
            asyncio.get_running_loop().remove_reader(link)
            link.close()

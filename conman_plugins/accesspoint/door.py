"""The daemon's end of the page: its sockets, its process, and what comes from there.

The process is started again when it dies; its sockets live here, so whoever connects meanwhile
only waits. It is not trusted: what it sends is read by `messages`, and one that sends rubbish is
ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Callable, Sequence

from conman_core import BadValue, PluginContext
from conman_core.driver import Running
from conman_core.errors import ConmanError, SystemFault
from conman_plugins.accesspoint.page import messages
from conman_plugins.accesspoint.page.messages import Answer, Look, Ready, Seen, Submission, Told
from conman_plugins.accesspoint.page.state import LONGEST, State, to_message
from conman_plugins.accesspoint.ports import listen

__all__ = ["Door", "Submission"]

START_LIMIT = 15.0  #: seconds until the page can answer
MOST_STARTS = 5  #: within `STARTS_IN` seconds
STARTS_IN = 60.0
_STOP_LIMIT = 2.0
_AT_ONCE = 20  #: messages taken before others get their turn

_key = os.urandom(32)  #: signs the page's tokens; one for all its processes, so old pages hold


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
    ) -> None:
        self.port = port
        self._context = context
        self._addresses = addresses
        self._interface = interface
        self._submitted, self._look, self._seen, self._lost = submitted, look, seen, lost
        self._listening: list[socket.socket] = []
        self._child: Running | None = None
        self._link: socket.socket | None = None
        self._watch: asyncio.Task[None] | None = None
        self._state: bytes = b""
        self._ready = asyncio.Event()
        self._told: dict[int, asyncio.Event] = {}
        self._starts: list[float] = []

    async def open(self, state: State) -> None:
        """Listen, and start the page; returns when it can answer.

        Raises SystemFault; then it is closed.
        """
        self._state = to_message(state)
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
        self._state = to_message(state)
        self._send(self._state)

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
        event = self._told.pop(number, None)
        if event:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), limit)

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
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            ours.setblocking(False)
            ours.send(_key)
            ours.send(self._state)
            passed = [theirs.fileno(), *(each.fileno() for each in self._listening)]
            folder = self._world() if os.geteuid() == 0 else "-"
            numbers = [str(each) for each in passed]
            argv = [sys.executable, "-m", "conman_plugins.accesspoint.page", numbers[0], folder]
            self._link = ours
            try:
                child = self._child = await self._context.start(
                    [*argv, *numbers[1:]], name="page", on_line=self._line, pass_fds=passed
                )
            except SystemFault:
                self._unlink()
                raise
        asyncio.get_running_loop().add_reader(ours, self._read, ours)
        ends = asyncio.create_task(child.wait())
        begins = asyncio.create_task(self._ready.wait())
        try:
            await asyncio.wait(
                {ends, begins}, timeout=START_LIMIT, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ends.cancel()
            begins.cancel()
        if not self._ready.is_set():
            raise SystemFault(
                f"the page did not start within {START_LIMIT:g} s; see: journalctl -u conman -n 50"
            )

    def _world(self) -> str:
        """Return an empty folder, which becomes all that the process sees of the file system."""
        folder = self._context.runtime / "nothing"
        try:
            folder.mkdir(mode=0o555, exist_ok=True)
        except OSError as error:
            raise SystemFault(f"{folder} cannot be made: {error.strerror}") from error
        return str(folder)

    def _line(self, line: str) -> None:
        self._context.log.info("page: %s", line)

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
            self._context.log.warning("the page does not listen (%s)", error.strerror)
            if self._child and self._child.running:
                self._end(self._child)

    def _read(self, link: socket.socket) -> None:
        for _ in range(_AT_ONCE):
            try:
                data = link.recv(messages.LARGEST + 1)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                asyncio.get_running_loop().remove_reader(link)
                return
            try:
                message = messages.from_page(data)
            except ValueError as error:
                self._context.log.error("the page sent what it never sends (%s): ended", error)
                self._unlink()
                if self._child:
                    self._end(self._child)
                return
            self._take(message)

    def _take(self, message: messages.FromPage) -> None:
        match message:
            case Submission():
                self._submitted(message)
            case Told(number):
                if event := self._told.get(number):
                    event.set()
            case Look():
                self._look()
            case Seen():
                self._seen()
            case Ready():
                self._ready.set()

    def _end(self, child: Running) -> None:
        ending = asyncio.ensure_future(child.stop(0.1))
        self._ending = ending  # the loop itself keeps only a weak reference

    def _unlink(self) -> None:
        link, self._link = self._link, None
        if link:
            asyncio.get_running_loop().remove_reader(link)
            link.close()

"""One call by pppd, from the dial to its end."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conman_core import ConnectError, Connection, DriverContext, Reason
from conman_core.driver import Running
from conman_plugins.cellular import chat, pppd
from conman_plugins.cellular.pppd import FIRST_UNIT, Call, Story

DIAL_WITHIN = 100.0  #: seconds: chat's patience, and then that of LCP and IPCP

_NET = Path("/sys/class/net")
_MOST_UNITS = 1000
_HANG_UP = 6.0  #: seconds that pppd has to say goodbye


class PppCall:
    """A call; `lost` is called once when it ends by itself after it was up."""

    def __init__(
        self, context: DriverContext, call: Call, lost: Callable[[Reason, str], None]
    ) -> None:
        self._context = context
        self._call = call
        self._lost = lost
        self._story = Story()
        self._news = asyncio.Event()
        self._child: Running | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def terminal(self) -> str:
        """The port that it has."""
        return self._call.terminal

    async def start(self) -> Connection:
        """Dial, and wait until it is up. Raises ConnectError; then nothing is left running."""
        name = self._call.terminal.rpartition("/")[2]
        folder = self._context.runtime
        script, file = folder / f"chat-{name}", folder / f"options-{name}"
        try:
            write_private(script, chat.script(self._call.number))
            write_private(file, pppd.options(self._call, free_unit(), script))
            self._child = await self._context.start(
                ["pppd", "file", str(file)], name=f"pppd {name}", on_line=self._hear
            )
            connection = await self._up(self._child)
        except BaseException:  # cancelled, too
            await self.end()
            raise
        finally:
            script.unlink(missing_ok=True)
            file.unlink(missing_ok=True)  # the password is in it
        self._watch = asyncio.create_task(self._follow(self._child))
        return connection

    async def end(self) -> None:
        """Hang up. Never raises; may come twice."""
        if self._watch and self._watch is not asyncio.current_task():
            self._watch.cancel()
            await asyncio.wait({self._watch})
        if self._child:
            await self._child.stop(_HANG_UP)

    def _hear(self, line: str) -> None:
        self._story.take(line)
        self._news.set()

    async def _up(self, child: Running) -> Connection:
        ending = asyncio.ensure_future(child.wait())
        late = asyncio.ensure_future(self._context.sleep(DIAL_WITHIN))
        try:
            while not self._story.ready:
                await self._next({ending, late})
                if ending.done() and not self._story.ready:
                    raise ConnectError(*self._story.why(ending.result()))
                if late.done() and not self._story.ready:
                    sentence = f"pppd had not come to an end after {DIAL_WITHIN:g} s"
                    raise ConnectError(Reason.TIMEOUT, sentence)
        finally:
            ending.cancel()
            late.cancel()
        connection = self._story.connection
        if connection is None:
            raise ConnectError(Reason.NO_ADDRESS, "the network gave no address")
        return connection

    async def _next(self, others: set[asyncio.Future[Any]]) -> None:
        """Wait for the next line of pppd's, or one of the others."""
        self._news.clear()
        news = asyncio.ensure_future(self._news.wait())
        try:
            await asyncio.wait({news, *others}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            news.cancel()

    async def _follow(self, child: Running) -> None:
        """Wait for the end; the kernel takes the interface away a moment after the first word."""
        ending = asyncio.ensure_future(child.wait())
        try:
            while self._story.end is None and not ending.done():
                await self._next({ending})
            code = ending.result() if ending.done() else 0
        finally:
            ending.cancel()
        reason, words = self._story.why(code)
        self._lost(reason, words)


def free_unit() -> int:
    """Return the number of a PPP interface that there is not."""
    units = range(FIRST_UNIT, FIRST_UNIT + _MOST_UNITS)
    return next((unit for unit in units if not (_NET / f"ppp{unit}").exists()), FIRST_UNIT)


def write_private(path: Path, text: str) -> None:
    """Write a file that root alone can read, from its first byte on. Raises ConnectError."""
    try:
        path.unlink(missing_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> ConnectError:
    """Return what to tell of a file or folder that is needed for a dial."""
    reason = Reason.DENIED if isinstance(error, PermissionError) else Reason.MISCONFIGURED
    words = f"{path} cannot be written: {error.strerror}; look at: df {path.parent}"
    return ConnectError(reason, words)

"""AT commands over a serial port: ask, and hear what the modem says by itself (V.250, 3GPP 27.007).

A modem's answer is a stranger's: lines without end, rubbish and silence all end as ConnectError.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from conman_core import ConnectError, Reason
from conman_plugins.cellular import ttylock
from conman_plugins.cellular.ttyopen import close_beside, gone, open_beside

log = logging.getLogger(__name__)

ANSWER = 5.0  #: seconds that a modem has for an answer
_LARGEST_LINE = 1024
_MOST_LINES = 200
_CHUNK = 4096
#: words that end an answer; CONNECT may have a speed after it
_END = re.compile(
    r"OK|ERROR|\+CM[ES] ERROR: *\S.*|NO CARRIER|NO DIAL ?TONE|NO ANSWER|BUSY|CONNECT( .*)?"
)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: `end` is the word that ended it, `lines` what came before."""

    lines: tuple[str, ...]
    end: str

    @property
    def ok(self) -> bool:
        return self.end == "OK"

    @property
    def code(self) -> int | None:
        """The number of a +CME ERROR, None if there is none."""
        found = re.fullmatch(r"\+CME ERROR: *([0-9]{1,4})", self.end)
        return int(found[1]) if found else None

    def values(self, *names: str) -> list[str]:
        """Return what follows `+NAME:` in each line of that name."""
        found = []
        for line in self.lines:
            name, colon, value = line.partition(":")
            if colon and name.strip().lstrip("+^$#%") in names:
                found.append(value.strip())
        return found


class Terminal(Protocol):
    """A port of a modem that takes AT commands."""

    heard: list[Callable[[str], None]]

    async def ask(self, command: str, limit: float = ANSWER, *, shown: str = "") -> Reply:
        """Ask; `shown` stands for a command with a secret in it. Raises ConnectError."""

    def close(self) -> None: ...


class Lines:
    """Cuts what comes from a port into lines, the empty ones left out. Never raises."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Take some bytes; return the lines that are complete now."""
        *whole, rest = re.split(rb"[\r\n]+", self._rest + data)
        if len(rest) > _LARGEST_LINE:
            whole, rest = [*whole, rest[:_LARGEST_LINE]], b""
        self._rest = rest
        texts = (
            line.decode("ascii", "replace").replace("\ufffd", "?").strip("\0 \t") for line in whole
        )
        return ["".join(c if c.isprintable() else "?" for c in text) for text in texts if text]


class Port:
    """An open serial port. `heard` are called with each line that comes. Belongs to one loop."""

    def __init__(self, path: str, handle: int, lock: Path | None) -> None:
        """Take what `open_port` has opened."""
        self.path = path
        self.heard: list[Callable[[str], None]] = []
        self._lines = Lines()
        self._found: list[str] = []
        self._command = ""
        self._waiting: asyncio.Future[Reply] | None = None
        self._turn = asyncio.Lock()
        self._lock = lock
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._handle, self._read)

    def close(self) -> None:
        """Close it. May come twice."""
        self._end(f"{self.path} was closed")

    def _end(self, sentence: str) -> None:
        if self._handle >= 0:
            self._loop.remove_reader(self._handle)
            close_beside(self._handle)
            self._handle = -1
            ttylock.unlock(self._lock)
            self._fail(sentence)

    async def ask(self, command: str, limit: float = ANSWER, *, shown: str = "") -> Reply:
        """Ask, and wait for the answer. Raises ConnectError."""
        async with self._turn:
            if self._handle < 0:
                raise gone(self.path)
            self._command, self._found = command, []
            self._waiting = self._loop.create_future()
            try:
                os.write(self._handle, f"{command}\r".encode())
                async with asyncio.timeout(limit):
                    reply = await self._waiting
            except OSError as error:
                if isinstance(error, TimeoutError):
                    raise self._silence(shown or command, limit) from None
                raise gone(self.path) from error
            finally:
                self._waiting = None
        log.debug("%s: %s: %s", self.path, shown or command, reply.end)
        return reply

    def _silence(self, command: str, limit: float) -> ConnectError:
        said = f"only {self._found[-1][:60]!r}" if self._found else "nothing"
        return ConnectError(
            Reason.WEDGED, f"{self.path} said {said} within {limit:g} s when asked {command}"
        )

    def _read(self) -> None:
        try:
            data = os.read(self._handle, _CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:  # it was pulled out
            self._end(f"{self.path} is gone; plug the modem in again")
            return
        for line in self._lines.feed(data):
            self._take(line)

    def _take(self, line: str) -> None:
        for listener in self.heard:
            listener(line)
        waiting = self._waiting
        if not waiting or waiting.done() or line == self._command:
            return
        if _END.fullmatch(line):
            waiting.set_result(Reply(tuple(self._found), line))
        elif len(self._found) < _MOST_LINES:
            self._found.append(line)

    def _fail(self, sentence: str) -> None:
        if self._waiting and not self._waiting.done():
            self._waiting.set_exception(ConnectError(Reason.NO_DEVICE, sentence))


async def open_port(path: str) -> Port:
    """Return a port that is ready to be spoken to. Raises ConnectError."""
    lock = ttylock.lock(path)
    try:
        handle = await open_beside(path)
    except BaseException:
        ttylock.unlock(lock)
        raise
    return Port(path, handle, lock)

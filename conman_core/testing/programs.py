"""Programs that a driver starts and that run on until they are stopped, and their folder."""

from __future__ import annotations

import asyncio
import shutil
import signal
import tempfile
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path


class FakeRunning:
    """A program that the driver started; `end` is what the program does by itself."""

    def __init__(
        self, name: str, argv: Sequence[str], on_line: Callable[[str], None] | None
    ) -> None:
        self.name = name
        self.argv = tuple(argv)
        self._on_line = on_line
        self._code: int | None = None
        self._ended = asyncio.Event()

    @property
    def running(self) -> bool:
        return self._code is None

    async def wait(self) -> int:
        await self._ended.wait()
        return self._code or 0

    async def stop(self, limit: float = 5.0) -> None:
        del limit
        await asyncio.sleep(0)
        self.end(-signal.SIGTERM)

    def say(self, line: str) -> None:
        """Print a line."""
        if self._on_line:
            self._on_line(line)

    def end(self, code: int) -> None:
        """End with an exit code, negative for a signal; the first one counts."""
        if self._code is None:
            self._code = code
            self._ended.set()


def temporary_folder(owner: object) -> Path:
    """Make a folder that goes when its owner does. Its path is short: sockets lie in it."""
    folder = tempfile.mkdtemp(prefix="conman-")
    weakref.finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)

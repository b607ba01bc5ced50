"""The page's processes: started ahead, as importing what serves a page takes longer than a radio.

Such a process has one socket to the daemon and nothing else yet. It gets the key, and the sockets
that listen, when it is wanted.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Sequence
from typing import NamedTuple

from conman_core import PluginContext
from conman_core.driver import Running
from conman_core.errors import ConmanError, SystemFault

_STOP_LIMIT = 0.5  #: one that nobody wanted yet does nothing that needs time to end
_key = os.urandom(32)  #: signs the page's tokens; one for all its processes, so old pages hold


class Process(NamedTuple):
    """A process of the page and this end of the socket to it."""

    child: Running
    link: socket.socket

    def give(self, listening: Sequence[socket.socket], state: bytes) -> None:
        """Let it serve. Raises SystemFault; then it is still to be ended."""
        try:
            socket.send_fds(self.link, [_key], [each.fileno() for each in listening])
            self.link.send(state)
        except OSError as error:
            raise SystemFault(f"the page cannot be started: {error.strerror}") from error

    async def begin(self, ready: asyncio.Event, limit: float) -> None:
        """Wait until it is ready. Raises SystemFault if it ends, or after `limit` seconds."""
        ends = asyncio.create_task(self.child.wait())
        begins = asyncio.create_task(ready.wait())
        try:
            await asyncio.wait({ends, begins}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ends.cancel()
            begins.cancel()
        if not ready.is_set():
            how = f"did not start within {limit:g} s" if self.child.running else "ended at once"
            raise SystemFault(f"the page {how}; see: journalctl -u conman -n 50")


class Pages:
    """Starts them; keeps the one that was started ahead. `close` ends that one, if there is one."""

    def __init__(self, context: PluginContext) -> None:
        self._context = context
        self._ahead: Process | None = None

    async def ahead(self) -> None:
        """Start one that will soon be wanted. What hinders is told when it is."""
        if self._ahead is None:
            try:
                self._ahead = await self._start()
            except ConmanError as error:
                self._context.log.debug("no page ahead: %s", error)

    async def take(self) -> Process:
        """Return one. Raises SystemFault, ToolMissing."""
        process, self._ahead = self._ahead, None
        if process and process.child.running:
            return process
        if process:
            process.link.close()
        return await self._start()

    async def close(self) -> None:
        """End the one that nobody wanted. Never raises."""
        process, self._ahead = self._ahead, None
        if process:
            process.link.close()
            await process.child.stop(_STOP_LIMIT)

    async def _start(self) -> Process:
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError as error:
            raise SystemFault(f"the page cannot be started: {error.strerror}") from error
        with theirs:
            ours.setblocking(False)
            try:
                folder = self._world() if os.geteuid() == 0 else "-"
                program = [sys.executable, "-m", "conman_plugins.accesspoint.page"]
                child = await self._context.start(
                    [*program, str(theirs.fileno()), folder],
                    name="page",
                    on_line=self._line,
                    pass_fds=[theirs.fileno()],
                )
            except BaseException:
                ours.close()
                raise
        return Process(child, ours)

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

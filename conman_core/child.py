"""One running child process: its output, its end, and the end of all that it started.

The kernel tells of a child's end through a file descriptor (pidfd_open(2)), so neither signal
handlers nor threads are needed, and no other code's children are ever waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

Sink = Callable[[bytes], None]  #: takes output as it comes; empty bytes at its end

_CHUNK = 65536
_CHUNKS_LEFT = 16  #: read at most after the end: as much as a pipe may hold (pipe(7))
_LARGEST_LINE = 4096
_RESEND = 0.1  #: dhcpcd 9.4 loses a signal that comes while its hook runs
_LAST_WAIT = 2.0  #: seconds after SIGKILL; only a process stuck in the kernel takes longer


class Child:
    """A running program that leads a session and process group of its own.

    It belongs to the event loop that made it and may be used on that loop's thread only.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        name: str,
        sinks: Mapping[int, Sink],
        forget: Callable[[int], None],
    ) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._sinks = sinks
        self._forget = forget
        self._loop = asyncio.get_running_loop()
        self._ended = asyncio.Event()
        self._pidfd = os.pidfd_open(process.pid)
        self._loop.add_reader(self._pidfd, self._reap)
        for descriptor in sinks:
            os.set_blocking(descriptor, False)
            self._loop.add_reader(descriptor, self._read, descriptor)

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return not self._ended.is_set()

    async def wait(self) -> int:
        """Wait for the end; return the exit code, negative when a signal ended it."""
        await self._ended.wait()
        return int(self._process.returncode)

    async def stop(self, limit: float = 5.0, how: int = signal.SIGTERM) -> None:
        """Ask the process group to end and kill it after `limit` seconds, or when cancelled.

        The signal is sent again every 0.1 s. A child that has ended already is fine.
        """
        deadline = self._loop.time() + limit
        try:
            while self.running and (left := deadline - self._loop.time()) > 0:
                self.signal(how)
                await self.ended_within(min(_RESEND, left))
        finally:
            if self.running:
                log.debug("%s (%d) is killed", self.name, self.pid)
                self.signal(signal.SIGKILL)
        if not await self.ended_within(_LAST_WAIT):
            log.warning("%s (%d) does not end: the kernel holds it", self.name, self.pid)

    async def ended_within(self, limit: float) -> bool:
        """Wait for the end for some seconds; return whether it has come."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limit):
                await self._ended.wait()
        return not self.running

    def signal(self, number: int) -> None:
        """Send a signal to the process group; nothing happens if it has ended."""
        if self.running:  # not reaped yet, so the number is still its own
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def _read(self, descriptor: int) -> bool:
        """Take one chunk of output; False if there is none now."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._sinks[descriptor](data)
        else:
            self._loop.remove_reader(descriptor)
        return bool(data)

    def _reap(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        # Before the zombie is taken away: until then the group cannot be somebody else's.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        for descriptor, sink in self._sinks.items():
            # Not read to its end: whoever left the group may hold the pipe open for ever.
            for _ in range(_CHUNKS_LEFT):
                if not self._read(descriptor):
                    break
            self._loop.remove_reader(descriptor)
            sink(b"")
        for stream in (self._process.stdout, self._process.stderr):
            if stream:
                stream.close()
        self._forget(self.pid)
        log.debug("%s (%d) ended with code %d", self.name, self.pid, self._process.returncode)
        self._ended.set()


def lines_to(take: Callable[[str], None]) -> Sink:
    """Return a sink that cuts output into lines; longer ones than 4096 bytes into pieces."""
    rest = b""

    def sink(data: bytes) -> None:
        nonlocal rest
        *lines, rest = (rest + data).split(b"\n")
        if not data or len(rest) > _LARGEST_LINE:
            lines, rest = [*lines, rest], b""
        for line in lines:
            for start in range(0, len(line), _LARGEST_LINE):
                take(line[start : start + _LARGEST_LINE].decode(errors="replace"))

    return sink


def keep_in(kept: bytearray, largest: int) -> Sink:
    """Return a sink that keeps output up to a number of bytes and drops the rest."""

    def sink(data: bytes) -> None:
        kept.extend(data[: largest - len(kept)])

    return sink

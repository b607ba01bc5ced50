"""The FIFO through which dhcpcd's hook reports."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from conman_core.net.lease import split_reports

_CHUNK = 65536


class ReportPipe:
    """A FIFO that only root may write to, read on the running event loop.

    Opened for reading and writing, so that it neither waits for a writer nor ends with one.
    """

    def __init__(self, path: Path, take: Callable[[Mapping[str, str]], None]) -> None:
        """Make the FIFO, in the place of one that was left there. Raises OSError."""
        self.path = path
        self._take = take
        self._rest = b""
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
        self._descriptor = os.open(path, flags)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._read)

    def close(self) -> None:
        """Remove the FIFO; what was not read is lost. To be called once."""
        self._loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        with contextlib.suppress(OSError):  # it is only a name in a folder that ends with us
            self.path.unlink(missing_ok=True)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            reports, self._rest = split_reports(self._rest + os.read(self._descriptor, _CHUNK))
            for report in reports:
                self._loop.call_soon(self._take, report)

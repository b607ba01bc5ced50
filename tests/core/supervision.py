"""What the tests of child processes share."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from conman_core.children import Child, Children
from conman_core.leftovers import read_status

T = TypeVar("T")
#: prints the pid of a helper in its own group and waits for it
WITH_HELPER = "sleep 60 & echo $!; wait"
STUBBORN = "trap '' TERM; echo ready; while :; do sleep 0.05; done"


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine function; a minute is more than any test needs."""

    async def limited() -> T:
        return await asyncio.wait_for(work(), 60)

    return asyncio.run(limited())


def alive(pid: int) -> bool:
    status = read_status(pid)
    return status is not None and status.state not in "ZX"


def wait_until(condition: Callable[[], object], limit: float = 10.0) -> None:
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.005)


@contextlib.asynccontextmanager
async def started(children: Children, script: str) -> AsyncIterator[tuple[Child, str]]:
    """Start a shell script; give it with the first line that it printed."""
    lines: asyncio.Queue[str] = asyncio.Queue()
    child = await children.start(["sh", "-c", script], name="script", on_line=lines.put_nowait)
    try:
        yield child, await lines.get()
    finally:
        await child.stop(0.1)

"""A real door whose first processes are actors, and the page itself after them."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from conman_plugins.accesspoint.door import Door
from tests.accesspoint import actors, pagekit
from tests.accesspoint.pagekit import Context, Site, serving

Actor = Callable[..., None]


class Company(Context):
    """Starts actors in place of the page while there are any. `said` is what the daemon logs."""

    def __init__(self, folder: Path, *cast: Actor) -> None:
        super().__init__(folder)
        self.cast = list(cast)
        self.started: list[int] = []  #: process numbers
        self.lines: list[str] = []
        self.log = logging.getLogger(f"{__name__}.{id(self)}")
        self.log.setLevel(logging.DEBUG)
        self.log.addHandler(_Keeping(self.lines))
        self.log.propagate = False

    async def start(self, argv: Any, **named: Any) -> Any:
        if self.cast:
            # -S: without site it starts in a third of the time
            argv = [argv[0], "-S", "-m", actors.__name__, self.cast.pop(0).__name__, *argv[3:]]
        child = await super().start(argv, **named)
        self.started.append(child.pid)
        return child

    @property
    def said(self) -> str:
        return "\n".join(self.lines)


class _Keeping(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@contextmanager
def played(company: Company) -> Iterator[Site]:
    """Serve with a company."""
    with ExitStack() as stack:
        with patch.object(pagekit, "Context", lambda _: company):
            site = stack.enter_context(serving(company.runtime))
        yield site


def until(condition: Callable[[], bool], limit: float = 30.0) -> None:
    """Wait for something; fail if it does not come about in time."""
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.005)


def descriptors() -> set[str]:
    """What this process has open; sockets and pipes by their numbers."""
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        try:
            found.add(f"{entry.name} {entry.readlink()}")
        except FileNotFoundError:  # the one that lists them
            continue
    return found


def gone(pid: int) -> bool:
    """Whether a process has ended."""
    return not Path(f"/proc/{pid}").exists()


def a_door(company: Company, port: int = 0) -> Door:
    """A door that nobody has opened yet."""
    return Door(
        company,  # type: ignore[arg-type]
        addresses=["127.0.0.1"],
        port=port,
        submitted=lambda _: None,
        look=lambda: None,
        seen=lambda: None,
    )

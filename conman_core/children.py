"""Child processes under supervision: each has a process group that ends with it.

Every child may hang, print without end, leave helpers behind or die. A child belongs to the event
loop that started it; one `Children` serves the loops of all threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from conman_core.child import Child, Sink, keep_in, lines_to
from conman_core.errors import SystemFault
from conman_core.lane import one_line
from conman_core.leftovers import Register
from conman_core.tools import find_tool

__all__ = ["Child", "Children", "Finished"]

log = logging.getLogger(__name__)

LARGEST_OUTPUT = 1 << 20  #: bytes kept of each output of a program
MASK = "********"
_GRACE = 1.0  #: seconds between SIGTERM and SIGKILL for a program that reached its limit


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended. `returncode` is negative when a signal ended it."""

    returncode: int
    stdout: str
    stderr: str


class Children:
    """Starts programs and remembers them in `runtime`/children.json until they have ended.

    The file belongs to one process, the daemon. With no runtime folder nothing is remembered:
    for commands that may run beside a daemon.
    """

    def __init__(self, runtime: Path | None) -> None:
        self._register = Register(runtime / "children.json" if runtime else None)
        self.closed = False

    def groups(self) -> frozenset[int]:
        """Return the process groups of all children that live now."""
        return self._register.groups()

    def close(self, limit: float = 3.0) -> None:
        """End the children of all loops and start no more. For the end of the program.

        Blocks for `limit` seconds and one more at most. May be called from any thread.
        """
        self.closed = True
        self._register.end_all(limit)

    def end(self, pids: Collection[int], limit: float) -> None:
        """End some children, whose loops may hang. Blocks as `close` does; from any thread."""
        self._register.end(pids, limit)

    def end_leftovers(self, limit: float = 3.0) -> tuple[str, ...]:
        """End what a killed conman left running, helpers included; return the names with pids.

        Blocks for `limit` seconds and one more at most. To be called once, before any start.
        """
        left = self._register.end_leftovers(limit)
        if left:
            log.warning("ended what the last conman left running: %s", ", ".join(left))
        return left

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 10.0,  # noqa: ASYNC109 - the whole process group is ended by it
        stdin: str | None = None,
        secrets: Sequence[str] = (),
    ) -> Finished:
        """Run a program to its end, in a UTF-8 locale without translations.

        At the time limit, and when cancelled, its process group is ended. Each output is kept up
        to 1 MiB. `secrets` are masked in logs and errors. Raises ToolMissing, SystemFault if it
        cannot be started, TimeoutError with a sentence.
        """
        outputs = (bytearray(), bytearray())
        shown = _masked(argv, secrets)
        sinks = tuple(keep_in(output, LARGEST_OUTPUT) for output in outputs)
        child = self._start(argv, argv[0], shown, stdin, sinks)
        try:
            async with asyncio.timeout(timeout):
                code = await child.wait()
        except TimeoutError:
            sentence = f"{shown} did not end within {timeout:g} s and was stopped"
            raise TimeoutError(sentence) from None
        finally:
            if child.running:
                await child.stop(_GRACE)
        stdout, stderr = (output.decode(errors="replace") for output in outputs)
        return Finished(code, stdout, stderr)

    async def start(
        self,
        argv: Sequence[str],
        *,
        name: str,
        on_line: Callable[[str], None] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Child:
        """Start a program that runs until it is stopped; each line that it prints is logged.

        The descriptors `pass_fds` stay open in it. Lines longer than 4096 bytes come in pieces.
        Raises ToolMissing, SystemFault.
        """
        loop = asyncio.get_running_loop()

        def take(line: str) -> None:
            log.debug("%s: %s", name, one_line(line))
            if on_line:
                loop.call_soon(on_line, line)  # its failure must not stop the supervision

        return self._start(argv, name, _masked(argv, ()), None, (lines_to(take),), fds=pass_fds)

    def _start(
        self,
        argv: Sequence[str],
        name: str,
        shown: str,
        stdin: str | None,
        sinks: tuple[Sink, ...],
        *,
        fds: Sequence[int] = (),
    ) -> Child:
        """Start a program with a sink for its output, or one for each of its two."""
        if self.closed:
            raise SystemFault(f"conman ends; {argv[0]} is not started any more")
        path = find_tool(argv[0])
        try:
            with _input(stdin) as source:
                process = subprocess.Popen(
                    [path, *argv[1:]],
                    bufsize=0,
                    stdin=source,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE if len(sinks) > 1 else subprocess.STDOUT,
                    env=os.environ | {"LC_ALL": "C.UTF-8"},
                    start_new_session=True,
                    pass_fds=tuple(fds),
                )
        except OSError as error:
            raise SystemFault(f"{shown} cannot be started: {error.strerror}") from error
        log.debug("started %s (%d)", shown, process.pid)
        try:
            self._register.add(process.pid, argv[0])
            streams = (stream for stream in (process.stdout, process.stderr) if stream)
            taken = {stream.fileno(): sink for stream, sink in zip(streams, sinks, strict=True)}
            return Child(process, name, taken, self._register.remove)
        except BaseException:
            with process:
                os.killpg(process.pid, signal.SIGKILL)
            self._register.remove(process.pid)
            raise


def _masked(argv: Sequence[str], secrets: Sequence[str]) -> str:
    """Return a command for a person, in one line and without secrets."""
    words = []
    for word in argv:
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            word = word.replace(secret, MASK)  # noqa: PLW2901 - one word, step by step
        words.append(word)
    return one_line(" ".join(words))


@contextlib.contextmanager
def _input(text: str | None) -> Iterator[int]:
    """Give the descriptor that a program reads its input from: a file, so nothing can block."""
    if text is None:
        yield subprocess.DEVNULL
        return
    with open(os.memfd_create("stdin"), "wb+", buffering=0) as file:  # noqa: PTH123
        file.write(text.encode(errors="surrogateescape"))
        file.seek(0)
        yield file.fileno()

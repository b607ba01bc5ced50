"""Processes of a test that are forked from it.

Not new Pythons: under emulation the start of one takes longer than most tests.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from tests.netns.namespaces import CLONE_NEWNET, Namespace
from tests.netns.tools import servers

LIMIT = 20.0


def fork(action: Callable[[], object], log: Path) -> int:
    """Do something in a process of its own, with its output in a log; return its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        _redirect(log)
        action()
        code = 0
    except BaseException:  # noqa: BLE001 - the child must never go on as the test
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def end(pid: int) -> None:
    """End such a process and all that it has started, at once."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def serve_internet(host: Namespace, addresses: tuple[str, ...]) -> int:
    """Start what tests/netns/tools/servers.py serves in a namespace; return the pid."""
    readable, writable = os.pipe()

    def serve() -> None:
        with Path(f"/run/netns/{host.name}").open() as there:
            ctypes.CDLL(None).setns(there.fileno(), CLONE_NEWNET)
        sys.stdout = os.fdopen(writable, "w")
        asyncio.run(servers.main("internet", *addresses))

    pid = fork(serve, host.bench.folder / f"{host.role}-servers.log")
    os.close(writable)
    try:
        ready, _, _ = select.select([readable], [], [], LIMIT)
        if not ready or not os.read(readable, 16):
            end(pid)
            raise RuntimeError(f"{host.role}: {host.bench.log(f'{host.role}-servers.log')}")
    finally:
        os.close(readable)
    return pid


def _redirect(log: Path) -> None:
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(target, 1)
    os.dup2(target, 2)
    sys.stdout = sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)

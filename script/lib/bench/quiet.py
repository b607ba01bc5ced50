"""Waits until no network interface of the machine has changed for a while.

The kernel reports changes of carrier at most once a second, for all namespaces together
(net/core/link_watch.c): another program's link event would delay the one that is measured.
"""

from __future__ import annotations

import contextlib
import ctypes
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

NAMED = Path("/run/netns")
CLONE_NEWNET = 0x40000000  # linux/sched.h
RTMGRP_LINK = 1  # linux/rtnetlink.h
QUIET = 2.1  #: seconds; after one the kernel reports the next event at once
LIMIT = 180.0


def wait_quiet(quiet: float = QUIET, limit: float = LIMIT) -> None:
    """Return once no interface has changed for `quiet` seconds, in any namespace with a name.

    Raises AssertionError if that does not come within `limit` seconds.
    """
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        names = _names()
        with _listeners(names) as listeners:
            if not select.select(listeners, [], [], quiet)[0] and _names() == names:
                return
    raise AssertionError(f"interfaces change all the time: no {quiet:g} s without in {limit:g} s")


def _names() -> set[str]:
    return {path.name for path in NAMED.iterdir()} if NAMED.exists() else set()


@contextlib.contextmanager
def _listeners(names: set[str]) -> Iterator[list[socket.socket]]:
    """Give a socket in each namespace, and in the present one, that tells of link events."""
    with contextlib.ExitStack() as stack:
        listeners = [stack.enter_context(_listener())]

        def listen_in_all() -> None:
            for name in names:
                with contextlib.suppress(OSError):  # gone in the meantime
                    _enter(NAMED / name)
                    listeners.append(stack.enter_context(_listener()))

        thread = threading.Thread(target=listen_in_all)
        thread.start()
        thread.join()
        yield listeners


def _listener() -> socket.socket:
    listener = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    listener.bind((0, RTMGRP_LINK))
    return listener


def _enter(namespace: Path) -> None:
    """Move the calling thread, and nothing else, into a namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with namespace.open() as handle:
        if libc.setns(handle.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "setns", str(namespace))

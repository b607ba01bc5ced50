"""Puts the parts of the page's process together."""

from __future__ import annotations

import asyncio

# what is imported late somewhere: in the sandbox no file can be read
import encodings.idna  # noqa: F401
import gc
import html.entities  # noqa: F401
import logging
import socket
import stringprep  # noqa: F401
import unicodedata  # noqa: F401
from collections.abc import Mapping, Sequence
from typing import Any

from conman_plugins.accesspoint.page import view
from conman_plugins.accesspoint.page.listener import LIMITS, Gate, LimitedServer
from conman_plugins.accesspoint.page.server import Site
from conman_plugins.accesspoint.page.wire import Wire


def prepare() -> None:
    """Read and import all that will be needed."""
    view.prepare()
    # malformed requests are everyday, and what they hold is nobody's business
    for name in ("tornado.general", "tornado.application", "tornado.access", "asyncio"):
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False
    gc.collect()
    gc.freeze()


def serve(link: socket.socket, key: bytes, listening: Sequence[socket.socket]) -> None:
    """Serve until the daemon closes its end."""
    asyncio.run(_serve(link, key, listening))


async def _serve(link: socket.socket, key: bytes, listening: Sequence[socket.socket]) -> None:
    ended = asyncio.Event()
    wire = Wire(link, ended.set)
    asyncio.get_running_loop().set_exception_handler(lambda _, context: _tell(wire, context))
    hosts = frozenset(str(each.getsockname()[0]) for each in listening)
    gate = Gate(LimitedServer(Site(wire, key, hosts), **LIMITS), listening)
    wire.ready()
    await ended.wait()
    gate.close()


def _tell(wire: Wire, context: Mapping[str, Any]) -> None:
    """Tell the daemon about a fault in its own words: the log of this process goes nowhere."""
    wire.fault(context.get("exception") or RuntimeError())

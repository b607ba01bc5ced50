"""Tornado's HTTP server with limits: how many connections, of whom, for how long."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream

MOST = 256  #: connections
MOST_OF_ONE = 16  #: of one client
IDLE = 8.0  #: seconds until the next request of a connection, with all its headers
BODY = 5.0
LARGEST_HEADER = 8192
LARGEST_BODY = 8192

LIMITS: dict[str, Any] = {
    "idle_connection_timeout": IDLE,
    "body_timeout": BODY,
    "max_header_size": LARGEST_HEADER,
    "max_body_size": LARGEST_BODY,
    "max_buffer_size": LARGEST_HEADER + LARGEST_BODY,
    "chunk_size": 4096,
}


class LimitedServer(HTTPServer):
    """When there are too many connections an old one goes, so that a new person gets in.

    It is the oldest one of whoever has most: a crowd of one makes no room for itself elsewhere.
    """

    def initialize(self, *arguments: Any, **named: Any) -> None:
        super().initialize(*arguments, **named)
        self._open: dict[IOStream, str] = {}

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        client = str(address[0])
        self._open = {each: whose for each, whose in self._open.items() if not each.closed()}
        held = Counter(self._open.values())
        if held[client] >= MOST_OF_ONE:
            self._close_oldest(client)
        elif len(self._open) >= MOST:
            self._close_oldest(max(held, key=lambda whose: held[whose]))
        self._open[stream] = client
        super().handle_stream(stream, address)

    def _close_oldest(self, client: str) -> None:
        next(each for each, whose in self._open.items() if whose == client).close()

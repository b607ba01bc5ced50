"""Tornado's HTTP server with limits: how many connections, of whom, for how long, in what order."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from typing import Any, NamedTuple

from tornado.http1connection import HTTP1ServerConnection
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream

from conman_plugins.accesspoint.page.turns import Turns

MOST = 256  #: connections
MOST_OF_ONE = 16  #: of one client
IDLE = 8.0  #: seconds until a connection's request, with all its headers
BODY = 5.0
LARGEST_HEADER = 8192
LARGEST_BODY = 8192
MOST_WAITING = 256  #: connections that nobody looks at yet
_ACCEPTED = 128  #: at once; cheap, as nothing is read
_ADMITTED = 8  #: at once; each may cost the making of a page

LIMITS: dict[str, Any] = {
    # each request waits for its turn, not only the first one of a connection
    "no_keep_alive": True,
    "idle_connection_timeout": IDLE,
    "body_timeout": BODY,
    "max_header_size": LARGEST_HEADER,
    "max_body_size": LARGEST_BODY,
    "max_buffer_size": LARGEST_HEADER + LARGEST_BODY,
    "chunk_size": 4096,
}
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER, socket(7): closed with RST, nothing stays behind


class LimitedServer(HTTPServer):
    """When there are too many connections an old one goes, so that a new person gets in.

    It is the oldest one of whoever has most: a crowd of one makes no room for itself elsewhere.
    """

    def initialize(self, *arguments: Any, **named: Any) -> None:
        super().initialize(*arguments, **named)
        self._open: dict[str, dict[IOStream, None]] = {}
        self._whose: dict[IOStream, str] = {}

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        client = str(address[0])
        if len(self._open.get(client, ())) >= MOST_OF_ONE:
            self._close_oldest(client)
        elif len(self._whose) >= MOST:
            self._close_oldest(max(self._open, key=lambda whose: len(self._open[whose])))
        self._open.setdefault(client, {})[stream] = None
        self._whose[stream] = client
        super().handle_stream(stream, address)

    def on_close(self, server_conn: object) -> None:
        super().on_close(server_conn)
        if isinstance(server_conn, HTTP1ServerConnection):
            self._forget(server_conn.stream)

    def _close_oldest(self, client: str) -> None:
        stream = next(iter(self._open[client]))
        self._forget(stream)
        stream.close()

    def _forget(self, stream: IOStream) -> None:
        client = self._whose.pop(stream, None)
        if client is not None:
            del self._open[client][stream]
            if not self._open[client]:
                del self._open[client]


class _Newcomer(NamedTuple):
    connection: socket.socket
    address: tuple[Any, ...]


class Gate:
    """Takes connections and lets them in to a server a few at a time, by whose turn it is."""

    def __init__(self, server: LimitedServer, listening: Sequence[socket.socket]) -> None:
        self._server = server
        self._listening = listening
        self._waiting: list[_Newcomer] = []
        self._turns = Turns()
        self._again: asyncio.Handle | None = None
        self._loop = asyncio.get_running_loop()
        for each in listening:
            each.setblocking(False)
            self._loop.add_reader(each, self._accept, each)

    def close(self) -> None:
        """Take no more connections."""
        for each in self._listening:
            self._loop.remove_reader(each)
        if self._again:
            self._again.cancel()
        for newcomer in self._waiting:
            newcomer.connection.close()

    def _accept(self, listening: socket.socket) -> None:
        try:
            for _ in range(_ACCEPTED):
                self._waiting.append(_Newcomer(*listening.accept()))
        except OSError:  # there are no more, or one has gone again
            pass
        if self._again is None:
            self._admit()

    def _admit(self) -> None:
        self._again = None
        now = self._loop.time()
        clients = [str(newcomer.address[0]) for newcomer in self._waiting]
        order = self._turns.order(clients, now)
        for place in order[:_ADMITTED]:
            self._turns.take(clients[place], now)
            self._serve(self._waiting[place])
        for place in order[_ADMITTED + MOST_WAITING :]:
            _refuse(self._waiting[place].connection)
        self._waiting = [
            self._waiting[place] for place in order[_ADMITTED : _ADMITTED + MOST_WAITING]
        ]
        if self._waiting:  # those who are in get their answers first
            self._again = self._loop.call_soon(self._admit)

    def _serve(self, newcomer: _Newcomer) -> None:
        newcomer.connection.setblocking(False)
        stream = IOStream(
            newcomer.connection,
            max_buffer_size=self._server.max_buffer_size,
            read_chunk_size=self._server.read_chunk_size,
        )
        self._server.handle_stream(stream, newcomer.address)


def _refuse(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()

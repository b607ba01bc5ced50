"""The daemon's end of the control socket: requests of the command line, and a stream of events.

One JSON object per line. A request is `{"command": NAME, ...arguments}`; its answer is
`{"ok": true, "result": ...}` or `{"ok": false, "error": SENTENCE}`. The command `watch` is answered
like `status`, then each thing that happens follows as `{"event": {...}}`.
Whoever connects is not trusted to send, to read or to stay.
"""

from __future__ import annotations

import asyncio
import grp
import json
import logging
import os
import socket
import stat
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from conman_core.errors import ConmanError, SystemFault
from conman_core.paths import GROUP

#: Gets the arguments of a request and returns the result, an object as JSON has it.
Handler = Callable[[dict[str, Any]], Awaitable[Mapping[str, Any]]]

LINE_LIMIT = 1 << 16  #: bytes of a request
UNREAD_LIMIT = 1 << 18  #: bytes that a watcher may leave unread before it is dropped
CONNECTION_LIMIT = 64
IDLE_LIMIT = 60.0  #: seconds for a request to arrive
ANSWER_LIMIT = 60.0  #: seconds for a handler to answer
SEND_LIMIT = 10.0  #: seconds for an answer to be read
_EARLY_EVENTS = 100  #: of those that happen while the status is made, the last ones are kept

log = logging.getLogger(__name__)


class ControlServer:
    """Answers requests by `handlers`, which has at least `status`. Lives on one event loop."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = path
        self._handlers = handlers
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._watchers: set[_Watcher] = set()
        self._stopping = False

    async def start(self) -> None:
        """Listen; a socket that a dead daemon left is replaced. Raises SystemFault."""
        try:
            listener = _listen(self._path)
        except OSError as error:
            raise SystemFault(
                f"the control socket {self._path} cannot be made: "
                f"{error.strerror or error}; run conman as root"
            ) from error
        self._server = await asyncio.start_unix_server(
            self._accept, sock=listener, limit=LINE_LIMIT
        )

    async def stop(self) -> None:
        """End all connections and remove the socket. Never raises."""
        if self._server is None:
            return
        with suppress(OSError):
            self._path.unlink()
        self._stopping = True
        for listener in self._server.sockets:
            asyncio.get_running_loop().remove_reader(listener.fileno())
        for _ in range(3):  # connections on their way get here: close() alone would leak them,
            await asyncio.sleep(0)  # see asyncio.Server._attach
        self._server.close()
        for task in tuple(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        with suppress(TimeoutError):  # from Python 3.12 on this waits for the connections too
            async with asyncio.timeout(1.0):
                await self._server.wait_closed()
        self._server = None

    def publish(self, event: Mapping[str, Any]) -> None:
        """Tell every watcher. Returns at once; one that does not read is dropped."""
        line = _encode({"event": event})
        for watcher in tuple(self._watchers):
            watcher.send(line)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopping:  # it was on its way here when the socket was closed
            writer.transport.abort()
            return
        task = asyncio.get_running_loop().create_task(self._converse(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)
        # Not in the task: one that is cancelled before its first step never runs its `finally`.
        task.add_done_callback(lambda _: writer.transport.abort())

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(0)  # so that drain() waits until all is sent
        try:
            if len(self._connections) > CONNECTION_LIMIT:
                await _send(writer, _failure("conman is busy with other requests; try again"))
            else:
                await self._serve(reader, writer)
        except OSError as error:  # TimeoutError too
            log.debug("a control connection ended: %s", str(error) or type(error).__name__)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            try:
                # Not wait_for: in Python 3.11 it can swallow a cancellation.
                async with asyncio.timeout(IDLE_LIMIT):
                    line = await reader.readline()
            except ValueError:
                await _send(writer, _failure(f"a request is one line of at most {LINE_LIMIT} B"))
                return
            if not line.endswith(b"\n"):
                return
            request = _decode(line)
            if request is None:
                await _send(writer, _failure('a request is a line such as {"command": "status"}'))
            elif request["command"] == "watch":
                await self._watch(reader, writer)
                return
            else:
                await _send(writer, await self._answer(request))

    async def _watch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        watcher = _Watcher(writer.transport)
        self._watchers.add(watcher)  # before the status is asked for: no event may fall between
        try:
            watcher.begin(await self._answer({"command": "status"}))
            await reader.read(1)  # nothing more is expected, so whatever comes is the end
        finally:
            self._watchers.discard(watcher)

    async def _answer(self, request: dict[str, Any]) -> bytes:
        command = request.pop("command")
        handler = self._handlers.get(command)
        if handler is None:
            commands = ", ".join(sorted([*self._handlers, "watch"]))
            return _failure(f"there is no command {command[:40]!r}; there are {commands}")
        try:
            async with asyncio.timeout(ANSWER_LIMIT):
                result = await handler(request)
        except ConmanError as error:
            return _failure(str(error))
        except TimeoutError:
            log.error("the control command %s did not end within %.0f s", command, ANSWER_LIMIT)
            return _failure(f"conman could not finish {command} in time; look at its log")
        except Exception as error:  # a faulty answer must not cost the connection
            log.exception("the control command %s failed", command)
            return _failure(f"{command} failed ({type(error).__name__}); look at conman's log")
        return _encode({"ok": True, "result": result})


class _Watcher:
    """A connection that is told events. What it does not read is kept, up to a limit."""

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport
        self._waiting: list[bytes] | None = []  # until the status has been sent

    def begin(self, status: bytes) -> None:
        lines, self._waiting = self._waiting or [], None
        self._transport.write(status)
        for line in lines:
            self.send(line)

    def send(self, line: bytes) -> None:
        if self._waiting is not None:
            self._waiting = [*self._waiting[-_EARLY_EVENTS:], line]
        elif self._transport.is_closing():
            pass
        elif self._transport.get_write_buffer_size() + len(line) > UNREAD_LIMIT:
            log.warning("a watcher that does not read its events was dropped")
            self._transport.abort()
        else:
            self._transport.write(line)


def _listen(path: Path) -> socket.socket:
    """Return a listening socket for root and the group, nobody else."""
    try:
        group = grp.getgrnam(GROUP).gr_gid
    except KeyError:
        group = None
    if path.is_socket():
        path.unlink()
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        # bind(2) gives the file the mode of the descriptor: it is never open to others.
        os.fchmod(listener.fileno(), stat.S_IRUSR | stat.S_IWUSR)
        listener.bind(str(path))
        if group is not None and os.geteuid() == 0:
            os.chown(path, -1, group)
            path.chmod(0o660)
        listener.listen(CONNECTION_LIMIT)
    except BaseException:
        listener.close()
        raise
    return listener


async def _send(writer: asyncio.StreamWriter, line: bytes) -> None:
    writer.write(line)
    async with asyncio.timeout(SEND_LIMIT):
        await writer.drain()


def _decode(line: bytes) -> dict[str, Any] | None:
    """Return a request, or None if it is not one."""
    try:
        request = json.loads(line.decode())
    except (ValueError, RecursionError):
        return None
    if isinstance(request, dict) and isinstance(request.get("command"), str):
        return request
    return None


def _failure(sentence: str) -> bytes:
    return _encode({"ok": False, "error": sentence})


def _encode(message: Mapping[str, Any]) -> bytes:
    """Return a message as a line of ASCII; addresses and paths become text."""
    try:
        return json.dumps(message, default=str).encode() + b"\n"
    except (TypeError, ValueError, RecursionError):
        log.exception("a control message cannot be written as JSON")
        return b'{"ok": false, "error": "conman has no readable answer; look at its log"}\n'

"""The command line's end of the control socket. Synchronous and small: it decides start time."""

from __future__ import annotations

import errno
import grp
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from conman_core.errors import ConmanError, NotRunning
from conman_core.paths import GROUP, Paths

TIMEOUT = 5.0  #: seconds for the daemon to answer
_LARGEST = 1 << 22  #: bytes of an answer

NOT_RUNNING = (
    "conman is not running; start it with: sudo systemctl start conman "
    "(or in this terminal: sudo conman run)"
)
_DENIED = "this user may not talk to conman; put sudo before the command, or join its group: "
_FOUND = f"sudo groupadd --system {GROUP} && sudo systemctl restart conman, then "
_JOIN = f"sudo usermod -aG {GROUP} $USER, then log in anew"
_BUSY = "conman is busy with other requests; try again in a moment"
_ENDED = "conman ended the connection before it answered; look at its log: journalctl -u conman"
_UNREADABLE = "conman's answer cannot be read; is it of another version? Then restart it"


class Denied(ConmanError):
    """The socket is there, but not for this user."""


class Channel:
    """A connection to the daemon. Raises ConmanError with a sentence for the user, always."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._unread = bytearray()
        try:
            self._socket.settimeout(TIMEOUT)
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise _connect_error(error, path) from None

    def ask(self, command: str, arguments: dict[str, Any], timeout: float) -> dict[str, Any]:
        """Send a command and return its result. The time limit is for both, in seconds."""
        line = json.dumps({**arguments, "command": command}).encode() + b"\n"
        deadline = time.monotonic() + timeout
        try:
            self._socket.settimeout(timeout)
            with suppress(BrokenPipeError):  # refused, but the reason may be there to be read
                self._socket.sendall(line)
            answer = self.receive(deadline)
        except TimeoutError:
            raise ConmanError(
                f"conman did not answer within {timeout:g} s; "
                "look at its log: journalctl -u conman -n 50"
            ) from None
        except OSError:
            raise ConmanError(_ENDED) from None
        if answer is None:
            raise ConmanError(_ENDED)
        result = answer.get("result")
        if answer.get("ok") is True and isinstance(result, dict):
            return result
        raise ConmanError(str(answer.get("error", _UNREADABLE)))

    def receive(self, deadline: float | None = None) -> dict[str, Any] | None:
        """Return the next message, None at the end of the connection.

        `deadline` is of the monotonic clock. Raises TimeoutError when it has passed.
        """
        searched = 0
        while (end := self._unread.find(b"\n", searched)) < 0:
            searched = len(self._unread)
            if searched > _LARGEST:
                raise ConmanError(_UNREADABLE)
            if deadline is None:
                self._socket.settimeout(None)
            elif (left := deadline - time.monotonic()) > 0:
                self._socket.settimeout(left)
            else:
                raise TimeoutError
            try:
                data = self._socket.recv(1 << 16)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self._unread += data
        line = bytes(self._unread[:end])
        del self._unread[: end + 1]
        return _decode(line)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Channel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def request(
    paths: Paths, command: str, *, timeout: float = TIMEOUT, **arguments: Any
) -> dict[str, Any]:
    """Ask the daemon once and return its result.

    Raises NotRunning, or ConmanError with the daemon's sentence or what went wrong on the way.
    """
    with Channel(paths.socket) as channel:
        return channel.ask(command, arguments, timeout)


def watch(paths: Paths, *, timeout: float = TIMEOUT) -> Iterator[dict[str, Any]]:
    """Yield the full status, then each event as it happens, until the daemon ends.

    `timeout` is for the status, in seconds. Raises as `request` does.
    """
    with Channel(paths.socket) as channel:
        yield channel.ask("watch", {}, timeout)
        while (message := channel.receive()) is not None:
            if isinstance(event := message.get("event"), dict):
                yield event


def _decode(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line.decode())
    except (ValueError, RecursionError):
        raise ConmanError(_UNREADABLE) from None
    if not isinstance(message, dict):
        raise ConmanError(_UNREADABLE)
    return message


def _connect_error(error: OSError, path: Path) -> ConmanError:
    if isinstance(error, PermissionError):
        return Denied(_DENIED + ("" if _group_exists() else _FOUND) + _JOIN)
    if isinstance(error, (BlockingIOError, TimeoutError)):
        return ConmanError(_BUSY)
    if error.errno in (errno.ENOENT, errno.ECONNREFUSED, errno.ENOTDIR):
        return NotRunning(NOT_RUNNING)
    return ConmanError(f"the control socket {path} cannot be used: {error.strerror or error}")


def _group_exists() -> bool:
    """Whether there is conman's group: the daemon lets it in if it was there when it started."""
    try:
        grp.getgrnam(GROUP)
    except KeyError:
        return False
    return True

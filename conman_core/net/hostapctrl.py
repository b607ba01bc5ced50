"""Talks with wpa_supplicant, or hostapd, on its control socket.

The protocol is one datagram for a command and one for its reply, without a number that would tell
which reply belongs to which command; whoever sent ATTACH gets `<level>text` when something happens.
From wpa_supplicant 2.10 (ctrl_iface_unix.c, ctrl_iface.c), and the reason for what is done here:

- It detaches who does not read fast enough, without a word, and makes its own socket anew. So
  events have a socket of their own, none of ours is connected to it, and after a queue that may
  have been full we attach again.
- It answers late rather than never. So after a command that got no answer in time the next one is
  sent from another address.
- While somebody is attached it waits 0.1 s before it ends. So we detach.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
from collections.abc import Callable
from pathlib import Path

from conman_core.errors import ConmanError
from conman_core.net.mailbox import Mailbox

log = logging.getLogger(__name__)

_LONGEST = 4095  #: bytes of a command that hostapd takes; wpa_supplicant takes twice that
_FIRST_PAUSE = 0.01
_LAST_PAUSE = 0.2
_ATTACH_AGAIN = 1.0  #: seconds; who was to answer may have died and been started again
_NEW_SOCKET = 0.5  #: seconds that it may take to make its socket anew
_DETACH_LIMIT = 0.2
_EVENT = re.compile(rb"(?:IFNAME=\S+ )?<[0-9]{1,2}>")
#: messages that wait in a socket before the next one is refused, unix(7)
_QUEUE = Path("/proc/sys/net/unix/max_dgram_qlen")
_SMALLEST_QUEUE = 10  #: the kernel's default


class ControlError(ConmanError):
    """wpa_supplicant is gone, does not answer, or refused a command; the text says which."""


class Control:
    """A conversation with the process that has one control socket. It ends with that process.

    Belongs to the event loop that opened it.
    """

    def __init__(
        self, path: Path, on_event: Callable[[str], None], folder: Path, program: str
    ) -> None:
        """To be had from `open`. Raises OSError."""
        self._path = path
        self._name = f"{program} on {path.name}"
        self._on_event = on_event
        self._on_gap: Callable[[], None] | None = None
        self._folder = folder
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._over = ""  #: why no command can be sent any more
        self._closed = False
        self._pidfd = -1
        self._answer: asyncio.Future[str] | None = None
        self._greeting: asyncio.Future[str] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._queue = _queue_length()
        self._commands: Mailbox | None = None
        self._events = Mailbox(folder, path.name, self._take_event, self._emptied)

    @classmethod
    async def open(
        cls,
        socket_path: Path,
        on_event: Callable[[str], None],
        local_dir: Path | None = None,
        *,
        program: str = "wpa_supplicant",
        on_gap: Callable[[], None] | None = None,
    ) -> Control:
        """Attach to the control socket, and wait for it for as long as the caller lets it.

        `on_event` gets each event's line, `on_gap` is called when some may have been lost: then
        look at STATUS. Our own sockets are made in `local_dir`, without it in the folder above that
        of the control socket (wpa_cli takes each socket in the latter for an interface).
        Raises ControlError if waiting is of no use.
        """
        folder = local_dir or socket_path.parent.parent
        try:
            control = cls(socket_path, on_event, folder, program)
        except OSError as error:
            raise ControlError(f"no socket can be made in {folder}: {error}") from error
        control._on_gap = on_gap
        try:
            await control._attach()
        except BaseException:  # also when cancelled: nothing may be left behind
            await control.close()
            raise
        return control

    async def request(self, command: str | bytes, *, limit: float = 5.0) -> str:
        """Send a command and return its reply; `limit` is in seconds. One goes at a time.

        Raises ControlError if there is no reply in time or nobody who could give one. It names the
        command, never its arguments, which may be secrets.
        """
        data = _bytes(command)
        what = _describe(data)
        if b"\0" in data or len(data) > _LONGEST:
            why = f"it holds a NUL byte, or more than {_LONGEST} bytes"
            raise ControlError(f"{what} cannot be sent: {why}")
        async with self._turn:
            if self._commands:
                self._commands.read()  # what came unasked is no answer to what is asked now
            answer: asyncio.Future[str] = self._loop.create_future()
            self._answer = answer
            try:
                async with asyncio.timeout(limit):
                    await self._send(data)
                    return await answer
            except TimeoutError:
                sentence = f"{self._name} did not answer {what} within {limit:g} s"
                raise ControlError(sentence) from None
            finally:
                self._answer = None
                if answer.done() and not answer.cancelled():
                    answer.exception()  # asked for, or asyncio complains that nobody did
                elif self._commands:  # the reply may yet come, but not to the next command
                    self._commands.close()
                    self._commands = None

    async def expect_ok(self, command: str | bytes, *, limit: float = 5.0) -> None:
        """Send a command that is to be done. Raises ControlError unless the reply is OK."""
        reply = (await self.request(command, limit=limit)).strip()
        if reply != "OK":
            said = reply if re.fullmatch("[A-Z -]{1,40}", reply) else "something else than OK"
            raise ControlError(f"{self._name} refused {_describe(_bytes(command))}: {said}")

    async def close(self) -> None:
        """Detach and remove our sockets. Never raises; a second time is fine."""
        if self._closed:
            return
        self._closed = True
        alive = not self._over
        self._end(f"the conversation with {self._name} was closed")
        try:
            if alive:
                await self._detach()
        finally:
            if self._again:
                self._again.cancel()
            self._events.close()
            if self._commands:
                self._commands.close()
                self._commands = None
            if self._pidfd >= 0:
                self._loop.remove_reader(self._pidfd)
                os.close(self._pidfd)
                self._pidfd = -1

    # -- sending

    async def _send(self, data: bytes) -> None:
        """Send a command, again if need be. Raises ControlError."""
        pause, absent_since = _FIRST_PAUSE, 0.0
        while True:
            if self._over:
                raise ControlError(self._over)
            try:
                if not self._commands:
                    self._commands = Mailbox(self._folder, self._path.name, self._take_reply)
                return self._commands.send(data, self._path)
            except BlockingIOError:
                pass  # it does not read; the caller's time ends this
            except (FileNotFoundError, ConnectionRefusedError):
                absent_since = absent_since or self._loop.time()
                if self._loop.time() - absent_since > _NEW_SOCKET:
                    raise ControlError(f"{self._name} is gone: nobody is at {self._path}") from None
            except OSError as error:
                raise ControlError(f"{self._name} cannot be reached: {error}") from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LAST_PAUSE)

    async def _attach(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            greeting = self._greeting = self._loop.create_future()
            try:
                self._events.send(b"ATTACH", self._path)
                async with asyncio.timeout(_ATTACH_AGAIN):
                    reply = await greeting
            except TimeoutError:
                continue
            except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LAST_PAUSE)
                continue
            except OSError as error:
                sentence = f"{self._name} cannot be reached at {self._path}: {error}"
                raise ControlError(sentence) from error
            if reply != "OK":
                raise ControlError(f"{self._name} lets nobody attach")
            return

    async def _detach(self) -> None:
        self._greeting = self._loop.create_future()
        with contextlib.suppress(OSError, TimeoutError):  # then it is gone, or busy: no matter
            self._events.send(b"DETACH", self._path)
            async with asyncio.timeout(_DETACH_LIMIT):
                await self._greeting

    def _attach_again(self) -> None:
        self._again = None
        try:
            self._events.send(b"ATTACH", self._path)
        except OSError:  # it does not read now, or makes its socket anew
            if not self._over:
                self._again = self._loop.call_later(_LAST_PAUSE, self._attach_again)

    # -- hearing

    def _take_reply(self, data: bytes, _: int) -> None:
        if _EVENT.match(data):
            self._deliver(data)
        elif self._answer and not self._answer.done():
            self._answer.set_result(_text(data))

    def _take_event(self, data: bytes, sender: int) -> None:
        if _EVENT.match(data):
            self._deliver(data)
        elif self._greeting and not self._greeting.done():
            self._greeting.set_result(_text(data).strip())
            self._watch(sender)

    def _deliver(self, data: bytes) -> None:
        self._loop.call_soon(self._pass_on, _text(data))

    def _pass_on(self, line: str) -> None:
        if not self._closed:
            self._on_event(line)

    def _emptied(self, count: int) -> None:
        if count <= self._queue or self._over:
            return
        log.debug("%s: %d events at once, some may be lost: attaching again", self._name, count)
        if not self._again:
            self._attach_again()
        if self._on_gap:
            self._loop.call_soon(self._on_gap)

    # -- the end

    def _watch(self, pid: int) -> None:
        """Notice at once when the process ends; 0 is one of another pid namespace."""
        if self._pidfd < 0 and pid > 0 and not self._closed:
            try:
                self._pidfd = os.pidfd_open(pid)
            except OSError:
                return  # it has ended: nobody will answer, which `_send` notices
            self._loop.add_reader(self._pidfd, self._ended)

    def _ended(self) -> None:
        self._loop.remove_reader(self._pidfd)
        self._end(f"{self._name} has ended")

    def _end(self, why: str) -> None:
        self._over = self._over or why
        if self._answer and not self._answer.done():
            self._answer.set_exception(ControlError(self._over))


def _bytes(command: str | bytes) -> bytes:
    return command if isinstance(command, bytes) else command.encode(errors="surrogateescape")


def _describe(command: bytes) -> str:
    """Return what a command is about without what it sets: `SET_NETWORK 0 psk`."""
    words = command.decode(errors="replace").split()
    return " ".join(words[: 3 if words[:1] == ["SET_NETWORK"] else 1])


def _text(data: bytes) -> str:
    return data.decode(errors="replace").removesuffix("\n")


def _queue_length() -> int:
    try:
        return int(_QUEUE.read_text())
    except (OSError, ValueError):
        return _SMALLEST_QUEUE

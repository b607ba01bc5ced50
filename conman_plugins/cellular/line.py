"""A line to a modem through qmi-proxy: hears at once what the modem tells by itself.

qmicli polls a session every 20 s, and shows what it is given on its command line to everybody; so
what must be heard, and what is secret, goes this way. The proxy is libqmi's, which the first
qmicli starts; it shares the modem among all, and ends 30 s after the last of them.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import struct
from collections.abc import Callable, Mapping

from conman_core import ConnectError, Reason
from conman_plugins.cellular.qmux import Kind, Message, QmuxError, Service, Splitter, pack

PROXY = "\0qmi-proxy"  #: an abstract socket: of this network namespace alone
_OPEN, _ALLOCATE, _RELEASE = 0xFF00, 0x0022, 0x0023  #: messages of CTL
ANSWER = 10.0  #: seconds that a modem has for an answer
_CHUNK = 4096
_UCRED = struct.Struct("=iII")  #: pid, uid, gid (unix(7))


class Refused(ConnectError):
    """The modem says no. `code` is a QMI error (qmi-errors.h)."""

    def __init__(self, code: int, answer: Message) -> None:
        super().__init__(Reason.REJECTED, f"the modem refuses: QMI error {code}")
        self.code = code
        self.answer = answer


class Line:
    """An open line to one modem; `open_line` makes it. It belongs to one event loop.

    `heard` is called with each indication, `ended` once when the line ends by itself.
    """

    def __init__(
        self, device: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.device = device
        self.heard: list[Callable[[Message], None]] = []
        self.ended: list[Callable[[], None]] = []
        self._reader, self._writer = reader, writer
        self._numbers = itertools.cycle(range(1, 256))  # CTL has a byte for it
        self._waiting: dict[tuple[int, int, int], asyncio.Future[Message]] = {}
        self._alive = True
        self._task = asyncio.create_task(self._read(), name=f"driver:line {device}")

    @property
    def alive(self) -> bool:
        """Whether it can still be used."""
        return self._alive

    async def ask(
        self,
        service: int,
        client: int,
        number: int,
        tlvs: Mapping[int, bytes] | None = None,
        limit: float = ANSWER,
    ) -> Message:
        """Ask, and return the answer. Raises Refused, and ConnectError if there is none."""
        if not self._alive:
            raise self._broken()
        transaction = next(self._numbers)
        key = service, client, transaction
        answer = self._waiting[key] = asyncio.get_running_loop().create_future()
        try:
            self._writer.write(pack(Message(service, client, transaction, number, tlvs or {})))
            async with asyncio.timeout(limit):
                found: Message = await answer
        except TimeoutError:
            raise ConnectError(
                Reason.WEDGED, f"{self.device} does not answer within {limit:g} s"
            ) from None
        except OSError:
            raise self._broken() from None
        finally:
            self._waiting.pop(key, None)
        if found.error:
            raise Refused(found.error, found)
        return found

    async def allocate(self, service: Service) -> int:
        """Become a client of a service; return its number. Raises ConnectError."""
        answer = await self.ask(Service.CTL, 0, _ALLOCATE, {0x01: bytes([service])})
        try:
            return answer.value(0x01, "BB")[1]
        except QmuxError as error:
            raise ConnectError(Reason.BROKEN, f"{self.device}: {error}") from None

    async def release(self, service: Service, client: int) -> bool:
        """Be no client any more; a session that the client has ends. Never raises.

        Returns False if the modem did not answer.
        """
        try:
            await self.ask(Service.CTL, 0, _RELEASE, {0x01: bytes([service, client])}, 3.0)
        except Refused:
            return True
        except ConnectError:
            return False
        return True

    def close(self) -> None:
        """End it, without a word to `ended`. May come twice."""
        self.ended.clear()
        self._task.cancel()
        self._end()

    def _broken(self) -> ConnectError:
        return ConnectError(Reason.LOST, f"the line to {self.device} through qmi-proxy broke")

    async def _read(self) -> None:
        splitter = Splitter()
        try:
            while data := await self._reader.read(_CHUNK):
                for message in splitter.feed(data):
                    self._take(message)
        except (OSError, QmuxError):
            return  # as if it had been closed
        finally:
            self._end()

    def _take(self, message: Message) -> None:
        if message.kind == Kind.INDICATION:
            for callback in list(self.heard):
                callback(message)
            return
        key = message.service, message.client, message.transaction
        waiting = self._waiting.get(key)
        if waiting and not waiting.done():
            waiting.set_result(message)

    def _end(self) -> None:
        if not self._alive:
            return
        self._alive = False
        self._writer.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(self._broken())
        for callback in list(self.ended):
            callback()


def _uid_behind(writer: asyncio.StreamWriter) -> int:
    """Return who listens: any user can take the name of an abstract socket."""
    peer = writer.get_extra_info("socket")
    told = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)
    return int(_UCRED.unpack(told)[1])


async def open_line(device: str, proxy: str = PROXY, limit: float = ANSWER) -> Line:
    """Open a line to a device such as /dev/cdc-wdm0. Raises ConnectError."""
    try:
        async with asyncio.timeout(limit):
            reader, writer = await asyncio.open_unix_connection(proxy)
    except (OSError, TimeoutError) as error:
        why = getattr(error, "strerror", None) or "no answer"
        raise ConnectError(
            Reason.BROKEN, f"qmi-proxy, which qmicli starts, cannot be reached: {why}"
        ) from None
    uid = _uid_behind(writer)
    if uid not in {0, os.geteuid()}:
        writer.close()
        raise ConnectError(
            Reason.DENIED,
            f"a program of user {uid} pretends to be qmi-proxy, so nothing is told to it; end it,"
            " which is shown by: ss -xlp | grep qmi-proxy",
        )
    line = Line(device, reader, writer)
    try:
        await line.ask(Service.CTL, 0, _OPEN, {0x01: device.encode()}, limit)
    except BaseException:
        line.close()
        raise
    return line

"""The page's end of the socket to the daemon: the state comes in, what people do goes out."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping

from conman_plugins.accesspoint.page import messages
from conman_plugins.accesspoint.page.messages import (
    Answer,
    FromPage,
    Look,
    Ready,
    Seen,
    Submission,
    Told,
    fault_of,
)
from conman_plugins.accesspoint.page.state import LARGEST, State, from_message

ANSWER_LIMIT = 5.0
_EVERY = 1.0  #: what says the same again is not sent more often
_MOST_IDS = 2**31


class Wire:
    """`gone` is called when the daemon has closed its end, or says what cannot be understood."""

    def __init__(
        self, link: socket.socket, gone: Callable[[], None], answer_limit: float = ANSWER_LIMIT
    ) -> None:
        self.state: State | None = None
        self._answer_limit = answer_limit
        self._link = link
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        # not from 0: an answer to the process before this one must not be taken for its own
        self._number = int.from_bytes(os.urandom(3), "big")
        self._sent: dict[type[FromPage], float] = {}
        link.setblocking(False)
        self._loop.add_reader(link, self._read)

    def _read(self) -> None:
        try:
            data = self._link.recv(LARGEST)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._end()
            return
        try:
            answer = messages.answer(data)
        except ValueError:
            self._take_state(data)
            return
        waiting = self._answers.pop(answer.id, None)
        if waiting and not waiting.done():
            waiting.set_result(answer)

    def _take_state(self, data: bytes) -> None:
        try:
            self.state = from_message(data)
        except ValueError as error:
            self.fault(error)
            self._end()

    def _end(self) -> None:
        self._loop.remove_reader(self._link)
        self._gone()

    def _send(self, message: FromPage) -> bool:
        try:
            self._link.send(messages.pack(message))
        except OSError:  # the daemon is behind, or gone
            return False
        return True

    def ready(self) -> None:
        """Tell that the page can answer."""
        self._send(Ready())

    def seen(self) -> None:
        """Tell that a person was there; not more often than needed."""
        self._send_seldom(Seen())

    def look(self) -> None:
        """Ask for a fresh list."""
        self._send_seldom(Look())

    def fault(self, error: BaseException) -> None:
        """Tell that something went wrong here that never should."""
        self._send_seldom(fault_of(error))

    def _send_seldom(self, message: FromPage) -> None:
        now, kind = self._loop.time(), type(message)
        if now - self._sent.get(kind, float("-inf")) >= _EVERY:
            self._sent[kind] = now
            self._send(message)

    async def submit(self, driver: str, values: Mapping[str, str]) -> Answer:
        """Hand in what a person entered; return what the daemon says, not ok if nothing."""
        self._number = number = (self._number + 1) % _MOST_IDS
        waiting = self._answers[number] = self._loop.create_future()
        try:
            if self._send(Submission(number, driver, values)):
                return await asyncio.wait_for(waiting, self._answer_limit)
        except TimeoutError:
            pass
        finally:
            self._answers.pop(number, None)
        return Answer(number, ok=False, sentence="error.answer")

    def told(self, number: int) -> None:
        """Tell that the page about a try has left this machine."""
        self._send(Told(number))

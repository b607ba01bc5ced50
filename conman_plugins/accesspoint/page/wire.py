"""The page's end of the socket to the daemon: the state comes in, what people do goes out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping

from conman_plugins.accesspoint.page import messages
from conman_plugins.accesspoint.page.messages import (
    LARGEST,
    Answer,
    FromPage,
    Look,
    Ready,
    Seen,
    Submission,
    Told,
)
from conman_plugins.accesspoint.page.state import State, from_message

ANSWER_LIMIT = 5.0
_SEEN_EVERY = 1.0
_MOST_IDS = 2**31


class Wire:
    """`gone` is called when the daemon has closed its end."""

    def __init__(self, link: socket.socket, gone: Callable[[], None]) -> None:
        self.state: State | None = None
        self._link = link
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._number = 0
        self._seen_at = float("-inf")
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
            self._loop.remove_reader(self._link)
            self._gone()
            return
        try:
            answer = messages.answer(data)
        except ValueError:
            self.state = from_message(data)  # one that cannot be read is a fault: then it ends
            return
        waiting = self._answers.pop(answer.id, None)
        if waiting and not waiting.done():
            waiting.set_result(answer)

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
        now = self._loop.time()
        if now - self._seen_at >= _SEEN_EVERY:
            self._seen_at = now
            self._send(Seen())

    def look(self) -> None:
        """Ask for a fresh list."""
        self._send(Look())

    async def submit(self, driver: str, values: Mapping[str, str]) -> Answer:
        """Hand in what a person entered; return what the daemon says, not ok if nothing."""
        self._number = number = (self._number + 1) % _MOST_IDS
        waiting = self._answers[number] = self._loop.create_future()
        try:
            if self._send(Submission(number, driver, values)):
                return await asyncio.wait_for(waiting, ANSWER_LIMIT)
        except TimeoutError:
            pass
        finally:
            self._answers.pop(number, None)
        return Answer(number, ok=False, sentence="error.answer")

    def told(self, number: int) -> None:
        """Tell that the page about a try has left this machine."""
        self._send(Told(number))

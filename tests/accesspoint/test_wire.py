"""The page's end of the socket: it waits for answers, but not for ever, and says little."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from conman_plugins.accesspoint.page.messages import (
    Answer,
    Fault,
    FromPage,
    Look,
    Ready,
    Seen,
    Submission,
    from_page,
    pack,
)
from conman_plugins.accesspoint.page.state import to_message
from conman_plugins.accesspoint.page.wire import Wire
from tests.accesspoint.pagekit import STATE


@dataclass
class Ends:
    """A wire, and the daemon's end of it."""

    wire: Wire
    daemon: socket.socket
    gone: list[bool] = field(default_factory=list)

    def told(self) -> list[FromPage]:
        """All that has come, in order."""
        found = []
        while True:
            try:
                found.append(from_page(self.daemon.recv(1 << 17)))
            except BlockingIOError:
                return found

    async def come(self) -> FromPage:
        """The next message."""
        loop = asyncio.get_running_loop()
        return from_page(await asyncio.wait_for(loop.sock_recv(self.daemon, 1 << 17), 5))


def wired(test: Callable[[Ends], Coroutine[Any, Any, None]], answer_limit: float = 5.0) -> None:
    """Run a test between both ends of a socket."""

    async def run() -> None:
        daemon, page = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with daemon, page:
            daemon.setblocking(False)
            gone: list[bool] = []
            wire = Wire(page, lambda: gone.append(True), answer_limit)
            await test(Ends(wire, daemon, gone))
            asyncio.get_running_loop().remove_reader(page)

    asyncio.run(run())


def test_what_is_submitted_is_answered() -> None:
    async def test(ends: Ends) -> None:
        asked = asyncio.create_task(ends.wire.submit("wifi", {"ssid": "HomeNet"}))
        came = await ends.come()
        assert isinstance(came, Submission)
        assert (came.driver, came.values) == ("wifi", {"ssid": "HomeNet"})
        ends.daemon.send(pack(Answer(came.id, ok=False, field="ssid", sentence="no")))
        assert await asked == Answer(came.id, ok=False, field="ssid", sentence="no")

    wired(test)


def test_a_daemon_that_says_nothing_is_not_waited_for_for_ever() -> None:
    async def test(ends: Ends) -> None:
        answer = await ends.wire.submit("wifi", {})
        assert (answer.ok, answer.sentence) == (False, "error.answer")
        came = await ends.come()
        assert isinstance(came, Submission)
        ends.daemon.send(pack(Answer(came.id, ok=True)))  # too late: nobody waits for it
        ends.daemon.send(to_message(STATE))
        await _until(lambda: ends.wire.state == STATE)

    wired(test, answer_limit=0.02)


def test_a_daemon_that_does_not_read_is_not_waited_for_at_all() -> None:
    async def test(ends: Ends) -> None:
        while ends.wire._send(Submission(0, "wifi", {"ssid": "x" * 1000})):
            pass
        answer = await asyncio.wait_for(ends.wire.submit("wifi", {}), 1)
        assert (answer.ok, answer.sentence) == (False, "error.answer")
        ends.wire.seen()

    wired(test)


def test_an_answer_to_the_process_before_is_not_taken_for_its_own() -> None:
    numbers = set()

    async def test(ends: Ends) -> None:
        asked = asyncio.create_task(ends.wire.submit("wifi", {}))
        came = await ends.come()
        assert isinstance(came, Submission)
        numbers.add(came.id)
        ends.daemon.send(pack(Answer(came.id + 1, ok=True)))
        ends.daemon.send(pack(Answer(came.id, ok=False)))
        assert not (await asked).ok

    for _ in range(3):
        wired(test)
    assert len(numbers) == 3


@pytest.mark.parametrize(
    ("say", "message"), [(Wire.seen, Seen()), (Wire.look, Look())], ids=["seen", "look"]
)
def test_the_same_again_is_told_once_a_second(
    say: Callable[[Wire], None], message: FromPage
) -> None:
    async def test(ends: Ends) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        loop.time = lambda: now  # type: ignore[method-assign]
        for _ in range(50):
            say(ends.wire)
        assert ends.told() == [message]
        now += 1.0
        say(ends.wire)
        assert ends.told() == [message]
        del loop.time

    wired(test)


def test_a_fault_is_told_without_its_words() -> None:
    async def test(ends: Ends) -> None:
        try:
            int("correcthorse")
        except ValueError as error:
            ends.wire.fault(error)
        (told,) = ends.told()
        assert isinstance(told, Fault)
        assert told.where.startswith("ValueError in test_wire.py, line ")
        assert "correcthorse" not in told.where

    wired(test)


@pytest.mark.parametrize("said", [b"{}", b'{"type": "state"}', b"\xff" * 70_000])
def test_what_cannot_be_understood_ends_it(said: bytes) -> None:
    async def test(ends: Ends) -> None:
        ends.daemon.send(to_message(STATE))
        ends.daemon.send(said)
        await _until(lambda: bool(ends.gone))
        assert ends.wire.state == STATE
        assert isinstance(await ends.come(), Fault)

    wired(test)


def test_it_ends_when_the_daemon_closes() -> None:
    async def test(ends: Ends) -> None:
        ends.wire.ready()
        assert ends.told() == [Ready()]
        ends.daemon.shutdown(socket.SHUT_RDWR)
        await _until(lambda: bool(ends.gone))

    wired(test)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.001)

"""When many want the page at once, whoever was served least lately comes first."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from tornado.iostream import IOStream

from conman_plugins.accesspoint.page import listener
from conman_plugins.accesspoint.page.listener import Gate
from conman_plugins.accesspoint.page.turns import Turns


def test_who_was_never_served_comes_before_who_was() -> None:
    turns = Turns()
    for _ in range(3):
        turns.take("crowd", 0.0)
    turns.take("phone", 0.0)
    waiting = ["crowd", "phone", "newcomer", "crowd"]
    assert turns.order(waiting, 0.0) == [2, 1, 0, 3]


def test_who_waits_several_times_gets_one_turn_among_the_others() -> None:
    assert Turns().order(["a", "a", "a", "b", "c"], 0.0) == [0, 3, 4, 1, 2]


def test_of_equals_the_first_comes_first() -> None:
    assert Turns().order(["c", "a", "b"], 0.0) == [0, 1, 2]


def test_what_somebody_had_is_forgotten_with_time() -> None:
    turns = Turns()
    for _ in range(8):
        turns.take("busy", 0.0)
    turns.take("quiet", 11.0)
    assert turns.order(["busy", "quiet"], 11.0) == [1, 0]
    assert turns.order(["busy", "quiet"], 12.5) == [1, 0]
    turns.take("quiet", 12.5)
    assert turns.order(["quiet", "busy"], 12.5) == [1, 0]


def test_a_crowd_of_addresses_is_not_remembered_without_end() -> None:
    turns = Turns()
    for number in range(2000):
        turns.take(str(number), 0.0)
    assert len(turns._had) < 600


class Server:
    """Takes note of who gets in."""

    max_buffer_size = read_chunk_size = 4096

    def __init__(self) -> None:
        self.came: list[str] = []

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        self.came.append(address[0])
        stream.close()


@pytest.fixture
def door() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=1000) as made:
        yield made


def crowd(stack: ExitStack, door: socket.socket, source: str, count: int) -> list[socket.socket]:
    there = door.getsockname()
    made = [socket.create_connection(there, 5, (source, 0)) for _ in range(count)]
    return [stack.enter_context(each) for each in made]


async def passes(door: socket.socket, until: int) -> list[str]:
    """Open the gate until so many have passed."""
    server = Server()
    gate = Gate(server, [door])  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        while len(server.came) < until:
            await asyncio.sleep(0)
    await asyncio.sleep(0.02)
    gate.close()
    return server.came


def test_a_newcomer_does_not_wait_for_a_crowd(door: socket.socket) -> None:
    with ExitStack() as stack:
        crowd(stack, door, "127.3.0.1", 100)
        crowd(stack, door, "127.3.0.2", 1)
        came = asyncio.run(passes(door, 101))
    assert came.index("127.3.0.2") <= 1
    assert len(came) == 101


def test_a_crowd_that_is_too_large_is_refused_the_newcomer_not(door: socket.socket) -> None:
    with ExitStack() as stack:
        many = crowd(stack, door, "127.3.0.1", 700)
        crowd(stack, door, "127.3.0.2", 1)
        came = asyncio.run(passes(door, listener.MOST_WAITING))
        reset = sum(was_reset(each) for each in many)
    assert "127.3.0.2" in came
    assert len(came) + reset == 701
    assert reset > 300


def was_reset(link: socket.socket) -> bool:
    link.settimeout(5)
    try:
        return link.recv(1) != b""
    except ConnectionResetError:
        return True


def test_closed_it_lets_nobody_in(door: socket.socket) -> None:
    async def open_and_close() -> list[str]:
        server = Server()
        Gate(server, [door]).close()  # type: ignore[arg-type]
        await asyncio.sleep(0.05)
        return server.came

    with ExitStack() as stack:
        crowd(stack, door, "127.3.0.1", 3)
        assert asyncio.run(open_and_close()) == []

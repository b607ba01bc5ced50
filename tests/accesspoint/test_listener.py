"""How many may be connected: one client as many as a browser needs, all together a house full."""

from __future__ import annotations

import contextlib
import selectors
import socket
from collections.abc import Iterator

import pytest

from conman_plugins.accesspoint.page.listener import MOST, MOST_OF_ONE
from tests.accesspoint.clients import LIMIT, Phone
from tests.accesspoint.pagekit import Site

BEGUN = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture
def stack(harmless: None) -> Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


def wait(phone: Phone, count: int, stack: contextlib.ExitStack) -> list[socket.socket]:
    """So many connections of a phone, each in the middle of a request; all are let in."""
    links = []
    for _ in range(count):
        links.append(stack.enter_context(phone.connect()))
        links[-1].sendall(BEGUN)
    return links


def closed(links: list[socket.socket], count: int) -> list[int]:
    """The places of those that are closed; waits for so many, and for no more."""
    found: list[int] = []
    with selectors.DefaultSelector() as waiting:
        for place, link in enumerate(links):
            waiting.register(link, selectors.EVENT_READ, place)
        while len(found) < count:
            ready = waiting.select(LIMIT)
            assert ready, f"only {len(found)} of {count} were closed"
            for key, _ in ready:
                with contextlib.suppress(ConnectionResetError):
                    assert links[key.data].recv(1) == b""
                waiting.unregister(key.fileobj)
                found.append(key.data)
    return sorted(found)


def answered(link: socket.socket) -> bool:
    """Whether a request that was begun is answered when it ends."""
    link.sendall(b"\r\n")
    return link.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_of_one_client_the_oldest_connections_go(site: Site, stack: contextlib.ExitStack) -> None:
    other = wait(Phone(site), 1, stack)
    links = wait(Phone(site), MOST_OF_ONE + 3, stack)
    assert closed(links, 3) == [0, 1, 2]
    assert all(answered(link) for link in links[3:])
    assert answered(other[0])


def test_a_browsers_connections_are_all_served(site: Site, stack: contextlib.ExitStack) -> None:
    links = wait(Phone(site), 6, stack)
    assert all(answered(link) for link in links)


def test_when_the_house_is_full_those_who_have_most_make_room(
    site: Site, stack: contextlib.ExitStack
) -> None:
    person = wait(Phone(site), 1, stack)
    crowd: list[socket.socket] = []
    for _ in range(MOST // MOST_OF_ONE + 1):
        crowd += wait(Phone(site), MOST_OF_ONE, stack)
    newcomer = wait(Phone(site), 1, stack)
    too_many = len(crowd) + 2 - MOST
    assert len(closed(crowd, too_many)) == too_many
    assert answered(person[0]), "the first of all, who has but one"
    assert answered(newcomer[0])

"""Slow clients, clients that leave, clients that send anything at all."""

from __future__ import annotations

import os
import re
import selectors
import socket
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conman_plugins.accesspoint.page import listener
from tests.accesspoint.clients import (
    CLOSE,
    FORM,
    HOST,
    Phone,
    form_of,
    length,
)
from tests.accesspoint.pagekit import Site


@pytest.fixture(autouse=True)
def answered_afterwards(harmless: None) -> None:
    """After every attack the same process answers a good client."""


def test_requests_sent_in_advance_are_answered_in_order_or_not_at_all(phone: Phone) -> None:
    one = b"GET /api/status HTTP/1.1\r\n" + HOST + b"\r\n"
    got = phone.send(one * 3 + b"GET / HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
    statuses = re.findall(rb"HTTP/1.1 (\d+)", got)
    assert statuses in ([b"200"] * count for count in range(1, 5))


def test_a_client_that_leaves_without_its_answer(site: Site, phone: Phone) -> None:
    body = form_of(phone)
    head = b"POST / HTTP/1.1\r\n" + HOST + FORM + length(len(body)) + b"\r\n"
    for part in (head + body, head + body[:-1], head, head[:-2], b"G", b""):
        link = phone.connect()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # RST, not FIN
        link.sendall(part)
        link.close()


def test_slow_clients_are_hung_up_on(site: Site) -> None:
    """Of all kinds at once; each has the time that its kind has, and some to be late."""
    head = b"POST / HTTP/1.1\r\n" + HOST + FORM
    kinds = {
        "says nothing": (b"", listener.IDLE),
        "half a line": (b"GET / HT", listener.IDLE),
        "headers without end": (b"GET / HTTP/1.1\r\n" + HOST, listener.IDLE),
        "half a body": (head + length(100) + b"\r\ndriver=", listener.BODY),
        "half a chunk": (head + b"Transfer-Encoding: chunked\r\n\r\n5\r\na", listener.BODY),
    }
    links = {name: Phone(site).connect() for name in kinds}
    drips = {"headers without end": b"X: y\r\n", "half a body": b"x"}
    ended: dict[str, float] = {}
    begin = time.monotonic()
    with selectors.DefaultSelector() as waiting:
        for name, link in links.items():
            link.setblocking(False)
            link.send(kinds[name][0])
            waiting.register(link, selectors.EVENT_READ, name)
        while len(ended) < len(kinds) and time.monotonic() < begin + listener.IDLE + 3:
            for key, _ in waiting.select(1.0):
                try:
                    more = os.read(key.fd, 65536)
                except ConnectionResetError:
                    more = b""
                if not more:
                    ended[key.data] = time.monotonic() - begin
                    waiting.unregister(key.fileobj)
            for name in drips.keys() - ended.keys():
                try:
                    links[name].send(drips[name])
                except OSError:  # hung up on just now
                    continue
            assert Phone(site).get().status == 200
    for link in links.values():
        link.close()
    assert {name: round(at) for name, at in ended.items()} == {
        name: pytest.approx(limit, abs=1) for name, (_, limit) in kinds.items()
    }


LINES = b"""GET_/_HTTP/1.1 POST_/_HTTP/1.1 POST_/look_HTTP/1.1 HEAD_/?a_HTTP/1.0
POST_/api/connect_HTTP/1.1 Host:_127.0.0.1 Host:_x Content-Length:_5 Transfer-Encoding:_chunked
Expect:_100-continue Content-Type:_application/json Connection:_keep-alive Content-Length:
driver=wifi&token= {} 5 0"""
lines = st.sampled_from(
    [line.replace(b"_", b" ") for line in LINES.split()] + [b"", b"\0", b"\xff"]
)
mostly_lines = st.lists(lines | st.binary(max_size=9), max_size=15).map(b"\r\n".join)
requests = mostly_lines | mostly_lines.map(lambda rest: b"POST / HTTP/1.1\r\n" + HOST + rest)


@given(requests)
@settings(max_examples=60)
@example(b"")
def test_any_bytes_are_answered_or_hung_up_on(served: Site, data: bytes) -> None:
    with Phone(served).connect() as link:
        link.sendall(data)
        link.shutdown(socket.SHUT_WR)  # nothing more comes: it need not wait
        got = b""
        try:
            while more := link.recv(65536):
                got += more
        except ConnectionResetError:
            pass
    assert b"Traceback" not in got
    assert not got or got.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))
    assert b" 500 " not in got[:20]


@given(st.binary(max_size=100), st.sampled_from(["/", "/look", "/api/connect"]))
@example(b"\0\0\0\0", "/api/connect")  # as UTF-32 looks, whose codec is out of reach there
@settings(max_examples=40)
def test_any_body_is_answered(served: Site, body: bytes, path: str) -> None:
    kind = {"Content_Type": "application/json"} if path == "/api/connect" else {}
    assert Phone(served).ask("POST", path, body, **kind).status in {200, 303, 400, 415}

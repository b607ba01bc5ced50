"""Hostile clients of the page, as a program: `python -m script.lib.bench.attacks KIND PORT CORE`.

It prints a line when it has begun, goes on until its standard input ends, and prints how often it
did what. CORE is the number of
the one processor that it keeps to. The addresses are those that somebody has on one access point:
250, all of them used.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import selectors
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from itertools import count
from urllib.parse import urlencode

from script.lib.bench.browsers import address, request, visit

NETWORK = 249  #: of the attackers' addresses
ADDRESSES = 250
HELD = 200  #: connections that are held open
AT_ONCE = 256
DRIBBLE = 0.2  #: seconds between two bytes of a header
HEAD = b"GET / HTTP/1.1\r\nX-Header: "
BODY = 10_000_000
BEGUN = {"bytes", "refused", "200"}
_READ = 1 << 16


class Attack:
    """`ended` becomes true when standard input has ended."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.done: Counter[str] = Counter()
        self._begun = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
        self._numbers = count()
        self.ended = False

    def open(self, events: int, data: object, source: int | None = None) -> socket.socket:
        """Begin to connect from the next address."""
        made = socket.socket()
        made.setblocking(False)
        number = next(self._numbers) if source is None else source
        made.bind((address(NETWORK, number % ADDRESSES), 0))
        made.connect_ex(("127.0.0.1", self.port))
        self._selector.register(made, events, data)
        self.done["connections"] += 1
        return made

    def now_read(self, wire: socket.socket) -> None:
        """Wait for what comes from a connection."""
        self._selector.modify(wire, selectors.EVENT_READ, "asked")

    def close(self, wire: socket.socket) -> None:
        """Let a connection go."""
        self._selector.unregister(wire)
        wire.close()

    def wait(self, limit: float | None = None) -> list[tuple[socket.socket, object, int]]:
        """Return what is ready."""
        if not self._begun and self.done.keys() & BEGUN:
            self._begun = True
            print("begun", flush=True)
        found = []
        for key, events in self._selector.select(limit):
            if key.data is None:
                self.ended = True
            else:
                found.append((key.fileobj, key.data, events))
        return found  # type: ignore[return-value]


def held(attack: Attack) -> None:
    """Hold connections open; half of them say nothing, the others dribble a header."""
    said: dict[socket.socket, bytes | None] = {}  #: what comes next; None: nothing ever
    due = time.monotonic()
    while not attack.ended:
        while len(said) < HELD:
            said[attack.open(selectors.EVENT_READ, "held")] = HEAD if len(said) % 2 else None
        for wire, _, _ in attack.wait(max(0.0, due - time.monotonic())):
            with contextlib.suppress(OSError):
                if wire.recv(_READ):
                    continue
            attack.done["thrown out"] += 1
            del said[wire]
            attack.close(wire)
        if time.monotonic() >= due:
            due += DRIBBLE
            for wire, data in said.items():
                if data:
                    with contextlib.suppress(OSError):  # not connected yet, or thrown out
                        said[wire] = data[wire.send(data[:1]) :] or b"x"
                        attack.done["bytes"] += 1


def bodies(attack: Attack) -> None:
    """Send bodies of 10 MB, with a length and in chunks."""
    heads = (
        f"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {BODY}\r\n\r\n".encode(),
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nExpect: 100-continue\r\n"
        b"Content-Length: 8000\r\n\r\n",
    )
    chunk = b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n"
    begun: dict[socket.socket, int] = {}
    while not attack.ended:
        while len(begun) < 6:
            begun[attack.open(selectors.EVENT_READ | selectors.EVENT_WRITE, "body")] = 0
        for wire, _, events in attack.wait(0.1):
            try:
                if begun[wire] == 0:
                    wire.send(heads[attack.done["connections"] % len(heads)])
                begun[wire] += wire.send(chunk)
                attack.done["sent"] += len(chunk)
                if events & selectors.EVENT_READ and not wire.recv(_READ):
                    raise ConnectionResetError
                if begun[wire] < BODY:
                    continue
                attack.done["whole bodies"] += 1
            except BlockingIOError:
                continue
            except OSError:
                attack.done["refused"] += 1
            del begun[wire]
            attack.close(wire)


def flood(attack: Attack) -> None:
    """Ask as often as can be, for the page and for what costs the daemon something."""
    asked = request(attack.port)
    looking, at = b"", 0.0
    open_now = 0
    while not attack.ended:
        if time.monotonic() > at:
            looking, at = _looking(attack), time.monotonic() + 5
        while open_now < AT_ONCE:
            looks = bool(looking) and attack.done["connections"] % 10 == 0
            sent, source = (looking, 0) if looks else (asked, None)
            attack.open(selectors.EVENT_WRITE, sent, source)
            open_now += 1
        for wire, state, _ in attack.wait():
            try:
                if isinstance(state, bytes):
                    wire.send(state)
                    attack.now_read(wire)
                    attack.done["requests"] += 1
                    continue
                if data := wire.recv(_READ):
                    attack.done[data[9:12].decode() if data[:5] == b"HTTP/" else "more"] += 1
                    continue
            except BlockingIOError:
                continue
            except OSError:
                attack.done["reset"] += 1
            attack.close(wire)
            open_now -= 1


def _looking(attack: Attack) -> bytes:
    """Return a good request for a fresh list."""
    try:
        page = visit(attack.port, address(NETWORK, 0), 10.0)
    except OSError:
        return b""
    token = re.search(rb'action="/look"><input type="hidden" name="token" value="([^"]+)"', page)
    if token is None:
        return b""
    body = urlencode({"token": token[1].decode()}).encode()
    head = (
        "POST /look HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


KINDS: dict[str, Callable[[Attack], None]] = {"held": held, "bodies": bodies, "flood": flood}


def main(kind: str, port: str, core: str) -> None:
    """Attack the page on a port until standard input ends."""
    os.sched_setaffinity(0, {int(core)})
    attack = Attack(int(port))
    KINDS[kind](attack)
    print(json.dumps(attack.done))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What somebody tries who runs code in the page's process, after it has given everything up.

Each attack does something that the page never needs; it fails if it raises. What came of all is
handed in the one way that there is: as what a person entered.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from conman_plugins.accesspoint.page.messages import Ready, Seen, Submission, pack

FACTS = "CONMAN_TEST_FACTS"  #: variable with what the attacker knows of the machine, as JSON
MOST = 30  #: outcomes in one message
LIBC = ctypes.CDLL(None, use_errno=True)
facts: dict[str, Any] = {}
listening: list[socket.socket] = []

Attack = Callable[[], object]
ATTACKS: dict[str, Attack] = {}


def attack(function: Attack) -> Attack:
    ATTACKS[function.__name__] = function
    return function


def call(function: Any, *arguments: Any) -> int:
    """Call a function of C; raise what it says."""
    result = int(function(*arguments))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def serve(link: socket.socket, key: bytes, sockets: Sequence[socket.socket]) -> None:
    """Begin as the page does; then try everything."""
    facts.update(json.loads(os.environ[FACTS]))
    listening.extend(sockets)
    link.send(pack(Ready()))
    outcomes = {name: outcome(each) for name, each in ATTACKS.items()}
    names = list(outcomes)
    for start in range(0, len(names), MOST):
        some = {name: outcomes[name] for name in names[start : start + MOST]}
        link.send(pack(Submission(start, "attacks", some)))
    hang(link, key, sockets)


def outcome(each: Attack) -> str:
    """What came of an attack: `done` and what was gained, or why not."""
    try:
        return f"done: {each()!r}"[:1000]
    except Exception as error:  # noqa: BLE001 - whatever stops it
        return f"{type(error).__name__}: {error}"[:1000]


def hang(link: socket.socket, key: bytes, sockets: Sequence[socket.socket]) -> None:
    if not facts:
        link.send(pack(Ready()))
    while True:
        signal.pause()


def heedless(link: socket.socket, key: bytes, sockets: Sequence[socket.socket]) -> None:
    """Live on whatever the daemon does."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    hang(link, key, sockets)


def noisy(link: socket.socket, key: bytes, sockets: Sequence[socket.socket]) -> None:
    """Print as much as a pipe holds."""
    link.send(pack(Ready()))
    for stream in (1, 2):
        with suppress(OSError):
            os.write(stream, b"x\n" * 32768)
    link.send(pack(Seen()))
    hang(link, key, sockets)

"""What is started in place of the page: broken, or in evil hands. Little is imported: many start.

Each has the socket to the daemon, the key, and the sockets that listen, as `serving.serve` has.
"""

from __future__ import annotations

import json
import signal
import site
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NoReturn

Sockets = Sequence[socket.socket]
WORDS = "correcthorsebattery7"


def say(link: socket.socket, kind: str, **more: Any) -> None:
    """Send a message to the daemon."""
    link.send(json.dumps({"type": kind, **more}).encode())


def begin(link: socket.socket) -> None:
    """Be ready; what is unread at the end would take its own words away."""
    link.recv(1 << 17)
    say(link, "ready")


def hang() -> NoReturn:
    while True:
        signal.pause()


def behaves(link: socket.socket, key: bytes, listening: Sockets) -> None:
    """Do what the page does, but for the page."""
    begin(link)
    while link.recv(1 << 17):
        pass


def dies(link: socket.socket, key: bytes, listening: Sockets) -> None:
    begin(link)


def dies_at_once(link: socket.socket, key: bytes, listening: Sockets) -> None:
    sys.exit(3)


def never_begins(link: socket.socket, key: bytes, listening: Sockets) -> None:
    hang()


def does_not_heed_signals(link: socket.socket, key: bytes, listening: Sockets) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    begin(link)
    hang()


def talks_rubbish(link: socket.socket, key: bytes, listening: Sockets) -> None:
    begin(link)
    say(link, "reboot")
    hang()


def talks_too_long(link: socket.socket, key: bytes, listening: Sockets) -> None:
    begin(link)
    say(link, "look" + " " * 70_000)
    hang()


def says_nothing(link: socket.socket, key: bytes, listening: Sockets) -> None:
    """An empty message looks like the end."""
    begin(link)
    link.send(b"")
    hang()


def closes_its_end(link: socket.socket, key: bytes, listening: Sockets) -> None:
    begin(link)
    link.close()
    hang()


def never_reads(link: socket.socket, key: bytes, listening: Sockets) -> None:
    say(link, "ready")
    hang()


def floods(link: socket.socket, key: bytes, listening: Sockets) -> None:
    """As fast as it can, and as much as a message may hold."""
    begin(link)
    big = {f"{number}": "x" * 1000 for number in range(30)}
    while True:
        say(link, "look")
        say(link, "seen")
        say(link, "told", id=1)
        say(link, "submission", id=1, driver="wifi", values=big)


def submits_and_submits(link: socket.socket, key: bytes, listening: Sockets) -> None:
    """More than people may, but not so much that it is ended for that."""
    begin(link)
    for number in range(40):
        say(link, "submission", id=number, driver="wifi", values={"ssid": f"net {number}"})
    say(link, "look")
    hang()


def sends_descriptors(link: socket.socket, key: bytes, listening: Sockets) -> None:
    begin(link)
    for _ in range(30):
        socket.send_fds(link, [b'{"type":"seen"}'], [each.fileno() for each in listening])
    hang()


def breaks_its_sockets(link: socket.socket, key: bytes, listening: Sockets) -> None:
    for each in listening:
        each.shutdown(socket.SHUT_RDWR)
    dies(link, key, listening)


def spoils_its_sockets(link: socket.socket, key: bytes, listening: Sockets) -> None:
    """They still listen, but segments would have one byte each."""
    for each in listening:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        each.listen(0)
    talks_rubbish(link, key, listening)


def has_a_fault(link: socket.socket, key: bytes, listening: Sockets) -> None:
    """The real page, but making one fails."""
    site.main()
    from conman_plugins.accesspoint.page import serving, view

    def render(*_: object, **__: object) -> NoReturn:
        raise ValueError(WORDS)

    view.View.render = render  # type: ignore[method-assign]
    serving.prepare()
    serving.serve(link, key, listening)


def main(arguments: list[str]) -> None:
    """Play a part: its name, then what the page's process is started with."""
    part, link, *_ = arguments
    end = socket.socket(fileno=int(link))
    with suppress(ConnectionError):
        key, descriptors, *_ = socket.recv_fds(end, 32, 8)
        globals()[part](end, key, [socket.socket(fileno=each) for each in descriptors])


if __name__ == "__main__":
    main(sys.argv[1:])

"""Small browsers, each from an address of its own on the loopback; many at once in one thread."""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass, field

LIMIT = 60.0  #: seconds for an answer
_READ = 1 << 18


def address(network: int, number: int) -> str:
    """Return a loopback address; networks from 1 to 250 have 62,500 each."""
    return f"127.{network}.{1 + number // 250}.{1 + number % 250}"


def request(port: int) -> bytes:
    """Return what a phone asks for the page with."""
    lines = (
        "GET / HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15",
        "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "Accept-Language: en-GB,en;q=0.9",
        "Connection: close",
    )
    return "\r\n".join((*lines, "", "")).encode()


def visit(port: int, source: str, limit: float = LIMIT) -> bytes:
    """Load the page once; return all that came. Raises OSError."""
    with socket.create_connection(("127.0.0.1", port), limit, (source, 0)) as wire:
        wire.sendall(request(port))
        return b"".join(iter(lambda: wire.recv(_READ), b""))


@dataclass(slots=True)
class _Browser:
    source: str
    left: int  #: pages still to be read
    answer: bytearray = field(default_factory=bytearray)


class Crowd:
    """`clients` browsers at once; each reads the page `pages` times, one after the other."""

    def __init__(self, port: int, *, clients: int, pages: int, network: int, first: int) -> None:
        self._port = port
        self._request = request(port)
        self._browsers = [_Browser(address(network, first + n), pages) for n in range(clients)]
        self._selector = selectors.DefaultSelector()

    def read_all(self) -> float:
        """Read all pages; return the seconds that it took. Raises AssertionError, OSError."""
        began = time.monotonic()
        try:
            for browser in self._browsers:
                self._ask(browser)
            while self._selector.get_map():
                ready = self._selector.select(LIMIT)
                assert ready, f"no answer within {LIMIT:g} s"
                for key, _ in ready:
                    self._read(key.fileobj, key.data)  # type: ignore[arg-type]
            return time.monotonic() - began
        finally:
            for key in list(self._selector.get_map().values()):
                key.fileobj.close()  # type: ignore[union-attr]
            self._selector.close()

    def _ask(self, browser: _Browser) -> None:
        wire = socket.create_connection(("127.0.0.1", self._port), LIMIT, (browser.source, 0))
        wire.send(self._request)
        self._selector.register(wire, selectors.EVENT_READ, browser)

    def _read(self, wire: socket.socket, browser: _Browser) -> None:
        if data := wire.recv(_READ):
            browser.answer += data
            return
        self._selector.unregister(wire)
        wire.close()
        answer = bytes(browser.answer)
        assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]
        assert answer.endswith(b"</html>"), answer[-200:]
        browser.answer.clear()
        browser.left -= 1
        if browser.left:
            self._ask(browser)

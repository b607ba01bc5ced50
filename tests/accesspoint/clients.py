"""Phones, well meant or not: each has an address of its own in 127.0.0.0/8, and sends any bytes."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import logging
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

from tests.accesspoint.pagekit import Site

LIMIT = 20.0  #: seconds to wait for anything, on a machine that is busy otherwise
HOST = b"Host: 127.0.0.1\r\n"
CLOSE = b"Connection: close\r\n"
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
JSON = {"Content-Type": "application/json"}
SECRET = "correcthorsebattery7"  #: looks the same however it is quoted
ENTERED = {"f.ssid": "HomeNet", "f.key": SECRET}
WISH = {"driver": "wifi", "values": {"ssid": "HomeNet", "key": SECRET}}
_addresses = (
    f"127.0.{high}.{low}" for high, low in itertools.product(range(1, 250), range(1, 250))
)


@dataclass
class Answer:
    """What came back; header names are in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def whole(self) -> bytes:
        """All of it: where nothing secret may be."""
        return repr(self.headers).encode() + self.body


@dataclass
class Sheet:
    """A form of the page: where it goes to, and what its fields hold."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Sheets(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Sheet] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.found.append(Sheet(given.get("action") or ""))
        elif tag == "input" and self.found and given.get("name"):
            self.found[-1].fields.setdefault(str(given["name"]), given.get("value") or "")


def sheets(page: bytes) -> list[Sheet]:
    """The forms of a page."""
    parser = _Sheets()
    parser.feed(page.decode())
    return parser.found


class Phone:
    """One client, with an address that no other has."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.address = next(_addresses)

    def connect(self) -> socket.socket:
        """A connection to the page."""
        here, there = (self.address, 0), ("127.0.0.1", self.site.door.port)
        return socket.create_connection(there, LIMIT, source_address=here)

    def ask(
        self, method: str, path: str, body: bytes | str | None = None, **headers: str
    ) -> Answer:
        """Send one request as browsers do; `_` in the name of a header stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        link = http.client.HTTPConnection(
            "127.0.0.1", self.site.door.port, timeout=LIMIT, source_address=(self.address, 0)
        )
        with contextlib.closing(link):
            link.request(method, path, body, {"Connection": "close"} | named)
            return _answer(link.getresponse())

    def get(self, path: str = "/", **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def sheet(self, driver: str = "wifi") -> dict[str, str]:
        """The fields of a driver's form as the page shows them, with the token."""
        found = sheets(self.get().body)
        return next(each.fields for each in found if each.fields.get("driver") == driver)

    def submit(self, fields: Mapping[str, str], path: str = "/", **headers: str) -> Answer:
        """Send a form."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, urlencode(fields), **kind, **headers)

    def token(self) -> str:
        """A token of the interface for apps."""
        return str(self.get("/api/status").json["token"])

    def connect_to(self, values: Mapping[str, Any], driver: str = "wifi", **headers: str) -> Answer:
        """Have something tried, as an app does."""
        wish = {"token": self.token(), "driver": driver, "values": values}
        return self.ask("POST", "/api/connect", json.dumps(wish), **JSON, **headers)

    def send(self, data: bytes, limit: float = LIMIT) -> bytes:
        """Send any bytes; return all that comes until the other side closes."""
        with self.connect() as link:
            link.settimeout(limit)
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                link.sendall(data)
            return rest(link)

    def request(self, line: bytes, headers: bytes = b"", body: bytes = b"") -> Answer | None:
        """Send a request written by hand; None if it is not answered."""
        data = line + b" HTTP/1.1\r\n" + HOST + b"Connection: close\r\n" + headers + b"\r\n" + body
        return first(self.send(data))


def rest(link: socket.socket) -> bytes:
    """All that comes from a connection until its end."""
    got = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while data := link.recv(65536):
            got += data
    return bytes(got)


def first(data: bytes) -> Answer | None:
    """The first answer in what came."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return None
    line, *lines = head.decode("latin1").split("\r\n")
    headers = {}
    for each in lines:
        name, _, value = each.partition(": ")
        headers[name.lower()] = value
    return Answer(int(line.split()[1]), headers, body)


def _answer(response: http.client.HTTPResponse) -> Answer:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, response.read())


def form_of(phone: Phone) -> bytes:
    """The page's form, filled in, as a browser sends it."""
    return urlencode(phone.sheet() | ENTERED).encode()


def length(number: int | str) -> bytes:
    return f"Content-Length: {number}\r\n".encode("latin1")


def refused(answer: Answer | None) -> bool:
    """Whether a request was taken for none."""
    return answer is None or answer.status == 400


@contextlib.contextmanager
def unharmed(site: Site) -> Iterator[list[str]]:
    """Check that after whatever is done a good client is answered, by the very same process.

    Gives what the daemon logs meanwhile, which must not be about a fault.
    """
    pid, lines = site.pid, _Lines()
    site.door._context.log.addHandler(lines)
    try:
        yield lines.found
    finally:
        site.door._context.log.removeHandler(lines)
    answer = Phone(site).get()
    assert answer.status == 200
    assert b"</html>" in answer.body
    assert site.pid == pid, f"the page was started again: {lines.found}"
    assert not [line for line in lines.found if "fault" in line]


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.found.append(record.getMessage())

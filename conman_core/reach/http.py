"""One small GET over one link, and whether the internet or a login page answered it.

A client of its own, because the usual ones cannot be bound to a device and take too much memory.
Only http:// makes sense here: a login page cannot answer in the place of an https:// one.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Address, ip_address
from urllib.parse import urljoin

from conman_core.model import IPAddress
from conman_core.reach.dns import encode_name
from conman_core.reach.icmp import Report
from conman_core.reach.judge import Ask, Method, Outcome
from conman_core.reach.path import Path
from conman_core.reach.sockets import bound, explain

_URL = re.compile(r"http://(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::(\d{1,5}))?(/[!-~]*)?", re.A | re.I)
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: .*)?\r?", re.DOTALL)
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
_LARGEST_HEAD, _MOST_HEADERS, _LARGEST_BODY = 8192, 64, 1024
_MOST_BYTES = 16_384
_LONGEST_QUOTE = 300
_NETWORK_AUTHENTICATION_REQUIRED = 511  # RFC 6585 section 6

#: what the well-known pages say in full: GNOME and Debian, Firefox, Windows new and old, Apple
WORDS = frozenset(
    {
        b"NetworkManager is online",
        b"success",
        b"Microsoft Connect Test",
        b"Microsoft NCSI",
        b"<HTML><HEAD><TITLE>Success</TITLE></HEAD><BODY>Success</BODY></HTML>",
    }
)
_ONLINE_HEADERS = ("x-networkmanager-status", "x-connman-status")


@dataclass(frozen=True, slots=True)
class Url:
    """A page to ask for. `address` is set where the host is written as one."""

    text: str
    host: str
    port: int
    target: str
    address: IPAddress | None = None

    @property
    def request(self) -> bytes:
        """The whole request."""
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        if self.port != 80:
            host += f":{self.port}"
        return (
            f"GET {self.target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: conman\r\n"
            "Accept: */*\r\nCache-Control: no-cache\r\nConnection: close\r\n\r\n"
        ).encode("ascii")


@dataclass(frozen=True, slots=True)
class Response:
    """What a server said; `status` 0 if it does not speak HTTP. `whole`: the body is complete."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False


def parse_url(text: str) -> Url:
    """Return the parts of a URL. Raises ValueError with a sentence for whoever wrote it."""
    if text.lower().startswith("https://"):
        raise ValueError(f"{text}: must begin with http://, since https:// hides a login page")
    match = _URL.fullmatch(text)
    if not match or not 0 < int(match[2] or 80) < 65536:
        raise ValueError(f"{text}: must look like http://host/page or http://host:port/page")
    host = match[1].strip("[]").lower()
    address: IPAddress | None = None
    if match[1].startswith("[") or re.fullmatch(r"[0-9.]+", host):
        address = ip_address(host)  # its ValueError is a sentence
    else:
        encode_name(host)
    return Url(text, host, int(match[2] or 80), match[3] or "/", address)


def parse_response(data: bytes, *, ended: bool) -> Response | None:
    """Return the response in all that has come so far, None if more is needed. Never raises.

    A body is taken for whole once it is longer than any that is looked for.
    """
    start = b"HTTP/1."
    if not data.startswith(start) and (ended or not start.startswith(data)):
        return Response()
    end = _END_OF_HEAD.search(data)
    if end is None or end.start() > _LARGEST_HEAD:
        return Response() if ended or len(data) > _LARGEST_HEAD else None
    first, *lines = data[: end.start()].split(b"\n")
    status = _STATUS.fullmatch(first)
    if not status or len(lines) > _MOST_HEADERS:
        return Response()
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    return _with_body(int(status[1]), headers, data[end.end() :], ended=ended)


def _with_body(
    status: int, headers: Mapping[str, str], data: bytes, *, ended: bool
) -> Response | None:
    if status != 200:
        return Response(status, headers, whole=True)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body, whole = _unchunk(data)
    else:
        stated = headers.get("content-length", "")
        length = int(stated) if re.fullmatch("[0-9]{1,15}", stated) else None
        body = data[:length]
        whole = ended if length is None else len(body) == length
    if whole or ended or len(body) > _LARGEST_BODY:
        return Response(status, headers, body, whole or len(body) > _LARGEST_BODY)
    return None


def _unchunk(data: bytes) -> tuple[bytes, bool]:
    """Return the body that has come so far and whether it is whole (RFC 9112 section 7.1)."""
    body = b""
    while True:
        size, line_end, rest = data.partition(b"\r\n")
        match = re.match(rb"[0-9A-Fa-f]{1,8}", size)
        if not line_end or not match:
            return body, False
        length = int(match[0], 16)
        if length == 0:
            return body, True
        body += rest[:length]
        data = rest[length + 2 :]


def classify(url: Url, response: Response) -> Ask:
    """Return what a response says about the path."""
    status, body = response.status, response.body.strip()
    location = response.headers.get("location", "")
    note, outcome, login_page = f"status {status}", Outcome.REFUSED, ""
    if status == 0:
        note = "no HTTP"
    elif status == 204:
        outcome = Outcome.ANSWERED
    elif status == _NETWORK_AUTHENTICATION_REQUIRED:
        outcome = Outcome.PORTAL
    elif 300 <= status < 400 and location:
        login_page = _login_page(url, location)
        if re.match(rf"https://{re.escape(url.host)}([:/?#]|$)", login_page, re.I):
            # a page that moved, most likely: a login page has no certificate for that name
            note, login_page = "moved to https, choose another check-url", ""
        else:
            note, outcome = f"leads to {login_page}", Outcome.PORTAL
    elif status == 200:
        outcome, note = _classify_body(response, body)
    return Ask(Method.PAGE, url.text, outcome, note=note, login_page=login_page)


def _classify_body(response: Response, body: bytes) -> tuple[Outcome, str]:
    if any(response.headers.get(name, "").lower() == "online" for name in _ONLINE_HEADERS):
        return Outcome.ANSWERED, "status 200"
    if response.whole and (body in WORDS or not body):
        return Outcome.ANSWERED, "status 200"
    if not response.whole and any(word.startswith(body) for word in WORDS):
        return Outcome.REFUSED, "cut off"
    return Outcome.PORTAL, "an unknown page"


def _login_page(url: Url, location: str) -> str:
    """Return an absolute address that is safe to print."""
    clean = "".join(letter for letter in location if "!" <= letter <= "~")[:_LONGEST_QUOTE]
    try:
        return urljoin(url.text, clean)
    except ValueError:
        return clean


async def fetch(path: Path, url: Url, addresses: tuple[IPAddress, ...], report: Report) -> None:
    """Ask for a page at the first of the addresses that can be connected; report what came.

    Has no time limit of its own: the caller must cancel. Raises nothing.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    for address in addresses:
        try:
            response = await _get(path, url, address)
        except OSError as error:
            refused = isinstance(error, (ConnectionRefusedError, ConnectionResetError))
            outcome = Outcome.REFUSED if refused else Outcome.FAILED
            note = f"{address}: {explain(error)}"
            report(Ask(Method.PAGE, url.text, outcome, note=note, by=str(address)))
            continue
        report(replace(classify(url, response), rtt=loop.time() - started, by=str(address)))
        return


async def _get(path: Path, url: Url, address: IPAddress) -> Response:
    loop = asyncio.get_running_loop()
    sock = bound(path, socket.SOCK_STREAM)
    try:
        await loop.sock_connect(sock, (str(address), url.port))
        await loop.sock_sendall(sock, url.request)
        data = b""
        while True:
            received = await loop.sock_recv(sock, 4096)
            data += received
            ended = not received or len(data) > _MOST_BYTES
            if response := parse_response(data, ended=ended):
                return response
    finally:
        sock.close()

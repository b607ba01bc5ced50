"""The answers to requests, with what every one of them says to browsers."""

from __future__ import annotations

import fcntl
import json
import struct
import termios
from collections.abc import Mapping
from http import HTTPStatus

from tornado.http1connection import HTTP1Connection
from tornado.httputil import HTTPHeaders, HTTPServerRequest, ResponseStartLine

from conman_plugins.accesspoint.page.view import Page

JSON = "application/json"
_HTML, _TEXT = "text/html; charset=utf-8", "text/plain; charset=utf-8"
_ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_POLICY = (
    "default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def page(request: HTTPServerRequest, page: Page) -> None:
    policy = _POLICY.format(style=page.style_hash, script=page.script_hash)
    _respond(request, 200, _HTML, page.body, {"Content-Security-Policy": policy})


def as_json(request: HTTPServerRequest, status: int, value: object) -> None:
    _respond(request, status, JSON, json.dumps(value).encode(), {})


def as_text(
    request: HTTPServerRequest, status: int, headers: Mapping[str, str] | None = None
) -> None:
    phrase = HTTPStatus(status).phrase
    _respond(request, status, _TEXT, f"{status} {phrase}\n".encode(), headers or {})


def _respond(
    request: HTTPServerRequest, status: int, kind: str, body: bytes, headers: Mapping[str, str]
) -> None:
    connection = request.connection
    if connection is None:
        return
    every = {"Content-Type": kind, "Content-Length": str(len(body)), **_ALWAYS, **headers}
    line = ResponseStartLine("HTTP/1.1", status, HTTPStatus(status).phrase)
    chunk = b"" if request.method == "HEAD" else body
    connection.write_headers(line, HTTPHeaders(every), chunk)
    connection.finish()


def give_up(request: HTTPServerRequest) -> None:
    """Close the connection of a request."""
    if isinstance(request.connection, HTTP1Connection):
        request.connection.close()


def unsent(descriptor: int) -> int:
    """Return the bytes that the other side has not acknowledged (SIOCOUTQ, tcp(7))."""
    answer = fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0" * 4)
    return int(struct.unpack("i", answer)[0])

"""Requests that no browser sends are refused; no answer is made of what was asked."""

from __future__ import annotations

import pytest

from tests.accesspoint.clients import (
    CLOSE,
    HOST,
    Phone,
    first,
)
from tests.accesspoint.pagekit import Site


@pytest.fixture(autouse=True)
def answered_afterwards(harmless: None) -> None:
    """After every attack the same process answers a good client."""


LONG = b"de," * 2000


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", 302),
        (b"GET / HTTP/1.1\r\n" + CLOSE + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + HOST + CLOSE + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n" + CLOSE + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: 127.0.0.1/evil\r\n" + CLOSE + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: evil@127.0.0.1\r\n" + CLOSE + b"\r\n", None),
        (b"GET http://127.0.0.1/ HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 404),
        (b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 404),
        (b"POST http://127.0.0.1/api/connect HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 404),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", 403),
        (b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (b"TRACE / HTTP/1.1\r\n" + HOST + b"Max-Forwards: 0\r\n\r\n", 405),
        (b"BREW / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (b"get / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Upgrade: websocket\r\n" + CLOSE + b"\r\n", 200),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n" + HOST + b"\r\n", 400),
        (b"GET /\r\n\r\n", 400),
        (b"\r\n\r\n\r\n\r\n", 400),
        (b"\0\0\0\0\r\n\r\n", 400),
        (b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b": empty\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"no colon\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"Space : x\r\n\r\n", 400),
        (b"GET /?" + b"a&" * 2000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET /?%ff%00%zz HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 200),
        (
            b"GET / HTTP/1.1\r\n"
            + HOST
            + b"Accept-Language: "
            + b"de," * 2000
            + b"\r\n"
            + CLOSE
            + b"\r\n",
            200,
        ),
        (
            b"GET / HTTP/1.1\r\n" + HOST + b"Cookie: " + b"a=b;" * 1500 + b"\r\n" + CLOSE + b"\r\n",
            200,
        ),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X-Forwarded-For: 10.0.0.9\r\n" + CLOSE + b"\r\n", 200),
    ],
)
def test_requests_out_of_shape(site: Site, phone: Phone, data: bytes, status: int | None) -> None:
    answer = first(phone.send(data))
    if status is not None:
        assert answer is not None
        assert answer.status == status
    assert not site.submissions


@pytest.mark.parametrize(
    "path",
    [
        "/../../../etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/page/languages/en.json",
        "/style.css",
        "/script.js",
        "/%00",
        "/.git/config",
        "/static/../server.py",
        "/;/",
        "/index.html",
    ],
)
def test_no_path_leads_to_a_file(phone: Phone, path: str) -> None:
    answer = phone.get(path)
    assert answer.status == 404
    assert answer.body == b"404 Not Found\n"


@pytest.mark.parametrize("rest", ["X-Evil: 1", "Set-Cookie: evil=1", "\r\n<script>evil</script>"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "%0d%0a", "\u560a", "\x85"])
def test_no_answer_has_a_header_of_the_asker(phone: Phone, end: str, rest: str) -> None:
    evil = f"{end}{rest}".encode("latin1", "replace").decode("latin1")
    for data in (
        f"GET /{evil} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n",
        f"GET /{evil} HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: evil.example{evil}\r\nConnection: close\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: evil.example\r\nReferer: {evil}\r\nConnection: close\r\n\r\n",
    ):
        got = phone.send(data.encode("latin1"))
        assert (
            b"evil" not in got.lower().replace(b"http://evil.example", b"")
            or b"\r\n\r\n" not in got
        )
        assert b"x-evil" not in got.lower()
        assert b"set-cookie" not in got.lower()
        assert b"<script>evil" not in got

"""Bodies and headers that are too large, or out of shape, are refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conman_plugins.accesspoint.page import listener
from tests.accesspoint.clients import (
    FORM,
    HOST,
    WISH,
    Phone,
    first,
    form_of,
    length,
    refused,
)
from tests.accesspoint.pagekit import Site


@pytest.fixture(autouse=True)
def answered_afterwards(harmless: None) -> None:
    """After every attack the same process answers a good client."""


def test_a_body_of_eight_kilobytes_is_the_largest(site: Site, phone: Phone) -> None:
    body = form_of(phone)
    most = body + b"&x=" + b"y" * (listener.LARGEST_BODY - len(body) - 3)
    answer = phone.request(b"POST /", FORM + length(len(most)), most)
    assert answer
    assert answer.status == 200
    assert site.submissions
    site.submissions.clear()
    answer = phone.request(b"POST /", FORM + length(len(most) + 1), most + b"y")
    assert answer is None or answer.status == 400
    assert not site.submissions


def test_ten_megabytes_are_not_even_read(site: Site, phone: Phone) -> None:
    body = form_of(phone) + b"&x=" + b"y" * 10_000_000
    assert refused(phone.request(b"POST /", FORM + length(len(body)), body))
    chunks = b"".join(b"1000\r\n" + b"y" * 4096 + b"\r\n" for _ in range(2500)) + b"0\r\n\r\n"
    assert refused(phone.request(b"POST /", FORM + b"Transfer-Encoding: chunked\r\n", chunks))
    assert not site.submissions
    assert _resident(site.pid) < 60 << 20


def _resident(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) << 10


def test_a_chunked_form_is_a_form(site: Site, phone: Phone) -> None:
    body = form_of(phone)
    chunks = b"".join(b"%x\r\n%c\r\n" % (1, byte) for byte in body) + b"0\r\n\r\n"
    answer = phone.request(b"POST /", FORM + b"Transfer-Encoding: chunked\r\n", chunks)
    assert answer
    assert answer.status == 200
    assert site.submissions


@pytest.mark.parametrize(
    "chunks",
    [
        b"zz\r\nab\r\n0\r\n\r\n",
        b"-1\r\n\r\n0\r\n\r\n",
        b"2\r\nabc\r\n0\r\n\r\n",
        b"2 \r\nab\r\n0\r\n\r\n",
        b"0x2\r\nab\r\n0\r\n\r\n",
        b"2;" + b"x" * 200 + b"\r\nab\r\n0\r\n\r\n",
        b"ffffffffffffffffffffffff\r\n",
        b"2001\r\n" + b"y" * 8193 + b"\r\n0\r\n\r\n",
        b"0\r\nX-Trailer: 1\r\n\r\n",
    ],
)
def test_chunks_out_of_shape_arerefused(site: Site, phone: Phone, chunks: bytes) -> None:
    assert refused(phone.request(b"POST /", FORM + b"Transfer-Encoding: chunked\r\n", chunks))
    assert not site.submissions


@pytest.mark.parametrize(
    "headers",
    [
        length(5) + b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\n" + length(5),
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Transfer-Encoding: identity, chunked\r\n",
        b"Transfer-Encoding: xchunked\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding:\x0bchunked\r\n",
        length(5) + length(6),
        length("5, 6"),
        length("+5"),
        length("-5"),
        length("5_0"),
        length("0x5"),
        length(""),
        length("9" * 100),
        length("\xb2"),
    ],
)
def test_no_second_request_is_smuggled_in_a_first_one(
    site: Site, phone: Phone, headers: bytes
) -> None:
    hidden = form_of(phone)
    second = b"POST / HTTP/1.1\r\n" + HOST + FORM + length(len(hidden)) + b"\r\n" + hidden
    answer = phone.send(b"POST /nothing HTTP/1.1\r\n" + HOST + headers + b"\r\n0\r\n\r\n" + second)
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 404 ")) or not answer
    assert not site.submissions


def test_a_length_that_is_too_short_leaves_no_second_request(site: Site, phone: Phone) -> None:
    body = form_of(phone)
    answer = phone.request(b"POST /", FORM + length(10), body)
    assert answer
    assert answer.status == 303  # ten bytes name no driver; the rest is not a request
    assert not site.submissions


BODIES = {
    "nothing": b"",
    "no ascii": "driver=wifi&f.ssid=Käse".encode(),
    "no utf-8": b"driver=wifi&f.ssid=%ff%fe",
    "half a percent": b"driver=wifi&f.ssid=%&f.key=%4&token=%zz",
    "zero bytes": b"driver=wifi\0&f.ssid=\0",
    "percent zero": b"driver=wifi%00",
    "a thousand fields": b"&".join(b"f%d=1" % number for number in range(1000)),
    "only signs": b"&&&===&=&;;;",
    "json": json.dumps(WISH).encode(),
    "deep": b"[" * 8000,
    "prefixes": b"f.=x&f.f.ssid=y&.typed=z&driver=wifi",
    "twice": b"driver=wifi&driver=wwan&token=a&token=b",
}


@pytest.mark.parametrize("path", ["/", "/look", "/nothing"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_bodies_out_of_shape(site: Site, phone: Phone, path: str, body: bytes) -> None:
    answer = phone.ask("POST", path, body)
    assert answer.status in {200, 303, 400, 404}
    assert not site.submissions


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=x",
        'multipart/form-data; boundary="' + "x" * 300,
        "application/x-www-form-urlencoded; charset=utf-7",
        "application/x-www-form-urlencoded, multipart/form-data",
        "\x00",
        "text/html; charset=\ud800".encode("latin1", "replace").decode(),
    ],
)
def test_kinds_of_bodies_that_no_page_of_ours_sends(site: Site, phone: Phone, kind: str) -> None:
    parts = b'--x\r\nContent-Disposition: form-data; name="driver"\r\n\r\nwifi\r\n--x--\r\n'
    for body in (parts, parts * 50, b"--x--", b"--x\r\n"):
        headers = b"Content-Type: " + kind.encode("latin1") + b"\r\n" + length(len(body))
        answer = phone.request(b"POST /", headers, body)
        assert answer is None or answer.status in {303, 400}
    assert not site.submissions


@pytest.mark.parametrize(
    "headers",
    [
        b"X: " + b"y" * 8192 + b"\r\n",
        b"X: y\r\n" * 3000,
        b"X" * 9000 + b": y\r\n",
        b"".join(b"X%d: y\r\n" % number for number in range(5000)),
        b"X: a\r\n b\r\n" * 900,
        b"Cookie: " + b"a" * 100_000 + b"\r\n",
    ],
)
def test_headers_over_eight_kilobytes_arerefused(phone: Phone, headers: bytes) -> None:
    assert refused(phone.request(b"GET /", headers))
    assert refused(first(phone.send(b"GET /" + headers)))

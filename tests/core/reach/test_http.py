"""What a server's answer says: the internet, a login page, or nothing to go by."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conman_core.reach.http import Response, classify, parse_response, parse_url
from conman_core.reach.judge import Outcome

URL = parse_url("http://check.example/page")
OK, REFUSED, PORTAL = Outcome.ANSWERED, Outcome.REFUSED, Outcome.PORTAL


def say(status, *headers, body=b""):
    head = "\r\n".join([f"HTTP/1.1 {status}", *headers])
    return head.encode("latin-1") + b"\r\n\r\n" + body


def read(data):
    response = parse_response(data, ended=True)
    assert response is not None
    return classify(URL, response)


TABLE = [
    (say("204 No Content"), OK),
    (say("204"), OK),
    (say("200 OK", "Content-Length: 0"), OK),
    (say("200 OK"), OK),
    (say("200 OK", body=b"NetworkManager is online\n"), OK),
    (say("200 OK", "Content-Length: 8", body=b"success\n"), OK),
    (say("200 OK", "content-length: 22", body=b"Microsoft Connect Test"), OK),
    (say("200 OK", "X-NetworkManager-Status: online", body=b"<html>"), OK),
    (say("200 OK", "Transfer-Encoding: chunked", body=b"7\r\nsuccess\r\n0\r\n\r\n"), OK),
    (
        say("200 OK", "Transfer-Encoding: chunked", body=b"3;x=y\r\nsuc\r\n4\r\ncess\r\n0\r\n\r\n"),
        OK,
    ),
    (b"HTTP/1.0 200 OK\nServer: x\n\nsuccess", OK),
    (say("200 OK", body=b"<html>Welcome to the hotel</html>"), PORTAL),
    (say("200 OK", body=b"success is not all"), PORTAL),
    (say("200 OK", "Content-Length: 999999", body=b"<html>" + b"x" * 2000), PORTAL),
    (say("302 Found", "Location: http://hotel.example/"), PORTAL),
    (say("307 Temporary Redirect", "LOCATION:https://hotel.example/"), PORTAL),
    (say("511 Network Authentication Required", body=b"<html>"), PORTAL),
    (say("302 Found"), REFUSED),
    (say("301 Moved", "Location: https://check.example/page"), REFUSED),
    (say("404 Not Found", body=b"nothing"), REFUSED),
    (say("503 Service Unavailable"), REFUSED),
    (say("100 Continue"), REFUSED),
    (say("200 OK", "Content-Length: 24", body=b"NetworkManager"), REFUSED),
    (say("200 OK", "Content-Length: 24"), REFUSED),
    (b"HTTP/1.1 200 OK\r\nContent-Le", REFUSED),
    (b"SSH-2.0-OpenSSH_9.2\r\n", REFUSED),
    (b"", REFUSED),
    (b"HTTP/2.0 204 No Content\r\n\r\n", REFUSED),
    (say("204", *["X: y"] * 65), REFUSED),
    (say("204", "X: " + "y" * 9000), REFUSED),
]


@pytest.mark.parametrize(("data", "outcome"), TABLE)
def test_an_answer_is_classified(data, outcome):
    assert read(data).outcome is outcome


@pytest.mark.parametrize(("data", "outcome"), TABLE)
def test_it_does_not_matter_in_which_pieces_an_answer_comes(data, outcome):
    pieces = (parse_response(data[:end], ended=False) for end in range(len(data)))
    first = next((response for response in pieces if response is not None), None)
    if first is not None:
        assert classify(URL, first).outcome is outcome


def test_an_answer_that_keeps_the_connection_open_is_not_waited_for():
    assert parse_response(say("204 No Content"), ended=False)
    assert parse_response(say("200 OK", "Content-Length: 7", body=b"success"), ended=False)
    assert parse_response(say("200 OK", body=b"success"), ended=False) is None


def test_a_server_that_never_ends_its_head_is_cut_off():
    assert parse_response(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 2000, ended=False) == Response()


def test_the_login_page_is_named_in_full():
    assert read(say("302 Found", "Location: /login?next=1")).login_page == (
        "http://check.example/login?next=1"
    )


def test_a_login_page_cannot_write_on_the_terminal_or_fill_the_log():
    ask = read(say("302 Found", "Location: http://x/\x1b[31m " + "y" * 5000))
    assert ask.login_page.isprintable()
    assert len(ask.login_page) <= 320


@given(st.binary(max_size=400), st.booleans())
@example(b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", True)
@example(b"HTTP/1.1 302 \r\nLocation: http://[\r\n\r\n", True)
@example(b"HTTP/1.1 302 \r\nLocation: //[]:99999999/\r\n\r\n", True)
@example(b"HTTP/1.1 200 \r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", True)
@example("HTTP/1.1 200 \r\nContent-Length: ²\r\n\r\n".encode("latin-1"), True)
def test_garbage_never_raises(data, ended):
    for garbage in (data, b"HTTP/1.1 200 OK\r\n" + data, b"HTTP/1.1 302 F\r\nLocation:" + data):
        response = parse_response(garbage, ended=ended)
        if response is not None:
            classify(URL, response)


@pytest.mark.parametrize(
    ("text", "host", "port", "target"),
    [
        ("http://a.example", "a.example", 80, "/"),
        ("http://a.example:8080/x?y=z", "a.example", 8080, "/x?y=z"),
        ("http://192.0.2.1/x", "192.0.2.1", 80, "/x"),
        ("HTTP://[2001:DB8::1]:81/", "2001:db8::1", 81, "/"),
    ],
)
def test_a_url_is_taken_apart(text, host, port, target):
    url = parse_url(text)
    assert (url.host, url.port, url.target) == (host, port, target)


def test_the_request_names_host_and_port_as_the_server_expects():
    assert b"\r\nHost: a.example\r\n" in parse_url("http://a.example/x").request
    assert b"\r\nHost: [2001:db8::1]:81\r\n" in parse_url("http://[2001:db8::1]:81/").request


@pytest.mark.parametrize(
    "text",
    [
        "https://a.example/",
        "ftp://a.example/",
        "a.example",
        "http://",
        "http://a b/",
        "http://a.example:0/",
        "http://a.example:99999/",
        "http://a..b/",
        "http://1.2.3/",
        "http://[1::2::3]/",
        "http://user:word@a.example/",
        "http://a.example/\r\nX: y",
    ],
)
def test_what_is_not_a_plain_http_url_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match=r"\w+ \w+"):
        parse_url(text)


def test_https_is_refused_with_the_reason():
    with pytest.raises(ValueError, match="https:// hides a login page"):
        parse_url("https://a.example/")


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_refused(text):
    for candidate in (text, "http://" + text):
        try:
            assert b"\r\n\r\n" in parse_url(candidate).request
        except ValueError as error:
            assert str(error)  # noqa: PT017 - either way is right

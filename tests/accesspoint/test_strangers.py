"""Who is not at our own page, on this phone, now, changes nothing."""

from __future__ import annotations

import json
import time

import pytest

from conman_plugins.accesspoint import pages
from conman_plugins.accesspoint.page.shield import TOKEN_LIFE, Tokens
from tests.accesspoint.clients import (
    ENTERED,
    JSON,
    SECRET,
    WISH,
    Phone,
)
from tests.accesspoint.pagekit import Site


@pytest.fixture(autouse=True)
def answered_afterwards(harmless: None) -> None:
    """After every attack the same process answers a good client."""


def bad_tokens(site: Site, phone: Phone, form: str, other: str) -> dict[str, str]:
    """Tokens that are not for this phone and form now."""
    now, ours = time.monotonic(), Tokens(pages._key)
    good = ours.make(phone.address, form, now)
    return {
        "none": "",
        "rubbish": "x" * 50,
        "one dot": ".",
        "no time": "zz." + good.partition(".")[2],
        "another time": f"{int(now) + 1:x}." + good.partition(".")[2],
        "cut": good[:-1],
        "of another phone": ours.make(Phone(site).address, form, now),
        "of another form": ours.make(phone.address, other, now),
        "too old": ours.make(phone.address, form, now - TOKEN_LIFE - 5),
        "from the future": ours.make(phone.address, form, now + 60),
        "forged": Tokens(bytes(32)).make(phone.address, form, now),
        "not text": "\udcff\ud800",
        "lines": f"{int(now):x}\n{phone.address}\n{form}.x",
    }


def test_a_form_without_its_own_token_is_shown_again(site: Site, phone: Phone) -> None:
    for why, token in bad_tokens(site, phone, "wifi", "api").items():
        fields = {"driver": "wifi", "token": token.encode("utf-8", "replace"), **ENTERED}
        answer = phone.submit(fields)  # type: ignore[arg-type]
        assert "open for too long" in answer.body.decode(), why
        assert SECRET.encode() not in answer.whole
    assert not site.submissions


def test_an_app_without_its_own_token_isrefused(site: Site, phone: Phone) -> None:
    for why, token in bad_tokens(site, phone, "api", "wifi").items():
        body = json.dumps({"token": token, **WISH})
        answer = phone.ask("POST", "/api/connect", body, **JSON)
        assert answer.status == 403, why
        assert SECRET.encode() not in answer.whole
    assert not site.submissions


def test_no_search_without_its_own_token(site: Site, phone: Phone) -> None:
    before = site.looks
    for token in bad_tokens(site, phone, "look", "wifi").values():
        assert phone.submit({"token": token.encode("utf-8", "replace")}, "/look").status == 303  # type: ignore[dict-item]
    assert phone.connect_to(WISH["values"]).status == 202  # type: ignore[arg-type]
    assert site.looks == before


FOREIGN = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "https://127.0.0.1"},
    {"Origin": "http://127.0.0.1.evil.example"},
    {"Origin": "http://evil.example/127.0.0.1"},
    {"Origin": "file://"},
    {"Origin": ""},
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Origin": "http://127.0.0.1", "Sec_Fetch_Site": "cross-site"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_a_foreign_page_changes_nothing_even_with_a_token(
    site: Site, phone: Phone, headers: dict[str, str]
) -> None:
    before = site.looks
    assert phone.submit(phone.sheet() | ENTERED, **headers).status == 403
    assert phone.submit(phone.sheet(), "/look", **headers).status == 403
    answer = phone.connect_to(WISH["values"], **headers)  # type: ignore[arg-type]
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert not site.submissions
    assert site.looks == before


@pytest.mark.parametrize("path", ["/", "/api/connect", "/api/status", "*"])
def test_no_foreign_script_is_allowed_to_ask(phone: Phone, path: str) -> None:
    answer = phone.ask(
        "OPTIONS",
        path,
        Origin="http://evil.example",
        Access_Control_Request_Method="POST",
        Access_Control_Request_Headers="content-type",
        Access_Control_Request_Private_Network="true",
    )
    assert answer.status == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost", "127.0.0.2", "[::1]"]
)
@pytest.mark.parametrize("path", ["/", "/look", "/api/status", "/api/networks", "/api/connect"])
def test_a_name_that_was_bent_to_this_device_gets_nothing(
    site: Site, phone: Phone, host: str, path: str
) -> None:
    read = phone.get(path, Host=host)
    assert (read.status, read.headers["location"]) == (302, "http://127.0.0.1/")
    assert b"token" not in read.body
    sent = json.dumps({"token": phone.token(), **WISH})
    assert phone.ask("POST", path, sent, Host=host, **JSON).status == 403
    assert not site.submissions


@pytest.mark.parametrize("host", ["127.0.0.1:80", "127.0.0.1:8080", "127.0.0.1."])
def test_our_address_with_a_port_is_ours(phone: Phone, host: str) -> None:
    assert phone.get("/", Host=host).status == 200

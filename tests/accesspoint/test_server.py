"""What the page answers, and what every one of its answers says to browsers."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from conman_core import BadValue, Form, FormField
from conman_plugins.accesspoint import pages
from conman_plugins.accesspoint.page.often import SUBMITS, Often
from conman_plugins.accesspoint.page.shield import TOKEN_LIFE, Tokens
from tests.accesspoint.clients import JSON, LIMIT, SECRET, Phone, sheets
from tests.accesspoint.clients import Answer as Got
from tests.accesspoint.pagekit import STATE, WIFI, Site, attempt, serving

ENTERED = {"f.ssid": "HomeNet", "f.key": SECRET}


def filled(phone: Phone, **more: str) -> dict[str, str]:
    return phone.sheet() | ENTERED | more


# -- every answer

ANSWERS: dict[str, Callable[[Phone], Got]] = {
    "the page": Phone.get,
    "the page, heads only": lambda phone: phone.ask("HEAD", "/"),
    "a redirection": lambda phone: phone.get("/", Host="captive.apple.com"),
    "not found": lambda phone: phone.get("/nothing"),
    "not allowed": lambda phone: phone.ask("DELETE", "/"),
    "a foreign host": lambda phone: phone.ask("POST", "/", "", Host="evil.example"),
    "a foreign origin": lambda phone: phone.ask("POST", "/", "", Origin="http://evil.example"),
    "what is no form": lambda phone: phone.ask("POST", "/look", b"\xff"),
    "a form without a token": lambda phone: phone.submit({"driver": "wifi"}),
    "a form of nobody": lambda phone: phone.submit({"driver": "nobody"}),
    "the status": lambda phone: phone.get("/api/status"),
    "the networks": lambda phone: phone.get("/api/networks"),
    "a wish of another kind": lambda phone: phone.ask("POST", "/api/connect", ""),
    "no wish": lambda phone: phone.ask("POST", "/api/connect", "", **JSON),
    "a search": lambda phone: phone.submit({}, "/look"),
}


@pytest.mark.parametrize("ask", ANSWERS.values(), ids=ANSWERS.keys())
def test_every_answer_is_safe_with_browsers(phone: Phone, ask: Callable[[Phone], Got]) -> None:
    headers = ask(phone).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert not [name for name in headers if name.startswith("access-control-")]
    assert not headers.keys() & {"set-cookie", "server", "etag", "last-modified"}


@pytest.mark.parametrize("state", [STATE, replace(STATE, attempt=attempt("trying", None))])
def test_only_the_pages_own_style_and_script_may_act(
    site: Site, phone: Phone, state: object
) -> None:
    site.show(state)  # type: ignore[arg-type]
    answer = phone.get()
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    for tag, directive in (("style", "style-src"), ("script", "script-src")):
        (inline,) = re.findall(rf"<{tag}>(.*?)</{tag}>".encode(), answer.body, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inline).digest()).decode()
        assert policy[directive] == f"'sha256-{digest}'"
    assert policy["form-action"] == policy["connect-src"] == "'self'"
    assert policy["base-uri"] == "'none'"
    assert not re.search(rb"<[^>]+\s(on[a-z]+|style|src)=", answer.body)
    assert {b"/"} >= set(re.findall(rb'href="([^"]*)"', answer.body))


def test_a_head_is_the_page_without_its_body(phone: Phone) -> None:
    whole, head = phone.get(), phone.ask("HEAD", "/")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["content-length"] == str(len(whole.body))


@pytest.mark.parametrize("path", ["/", "/?r", "/?r=1&x=%2e%2e"])
def test_the_page_is_at_the_root_alone(phone: Phone, path: str) -> None:
    assert b"</html>" in phone.get(path).body


def test_a_refused_connection_is_closed_as_the_answer_says(phone: Phone) -> None:
    asked = b"GET / HTTP/1.1\r\nHost: captive.apple.com\r\n\r\n"
    before = time.monotonic()
    assert b"Connection: close" in phone.send(asked)
    assert time.monotonic() - before < 3.0  # idle ones are closed after 8 s


# -- the form


def test_what_is_entered_reaches_the_daemon_whole(site: Site, phone: Phone) -> None:
    entered = {
        "f.ssid": "",
        "f.ssid.typed": 'Käse & "Brot" <b>+%',
        "f.key": "a+b %41=&;",
        "f.hidden": "yes",
    }
    assert phone.submit(phone.sheet() | entered).status == 200
    (submission,) = site.submissions
    assert submission.values == {
        "ssid": 'Käse & "Brot" <b>+%',
        "key": "a+b %41=&;",
        "hidden": "yes",
    }


def test_the_daemons_verdict_stands_beside_the_field_and_the_key_is_gone(
    site: Site, phone: Phone
) -> None:
    site.verdict = lambda _: BadValue("key", "what the driver says")
    answer = phone.submit(filled(phone, **{"f.hidden": "yes"}))
    assert answer.status == 200
    assert b"what the driver says" in answer.body
    assert SECRET.encode() not in answer.whole
    fields = sheets(answer.body)[0].fields
    assert fields["f.key"] == ""
    assert re.search(rb"value=\"HomeNet\"[^>]* checked", answer.body)


def test_after_connect_the_page_says_what_is_tried_without_its_secrets(
    site: Site, phone: Phone
) -> None:
    pin = Form("sim", (FormField("pin", "PIN", "secret"), FormField("apn", "APN")))
    site.show(replace(STATE, forms=(WIFI, pin)))
    sent = phone.sheet("sim") | {"f.pin": "73501846", "f.apn": "internet"}
    answer = phone.submit(sent)
    assert site.submissions[0].values == {"pin": "73501846", "apn": "internet"}
    assert b"sim" in answer.body
    assert b"73501846" not in answer.whole


def test_a_form_that_is_no_more_leads_back_to_the_page(site: Site, phone: Phone) -> None:
    answer = phone.submit(phone.sheet() | {"driver": "wwan"})
    assert (answer.status, answer.headers["location"]) == (303, "/")
    assert not site.submissions


def test_while_something_is_tried_the_page_says_wait(site: Site, phone: Phone) -> None:
    sent = filled(phone)
    site.show(replace(STATE, attempt=attempt("trying", None)))
    answer = phone.submit(sent)
    assert "still being tried" in answer.body.decode()
    assert SECRET.encode() not in answer.whole
    assert not site.submissions


def test_two_who_press_connect_at_once_are_not_both_tried(site: Site, phone: Phone) -> None:
    other = Phone(site)
    # the daemon takes its time
    site.door.answer = lambda *_: None  # type: ignore[method-assign]
    try:
        with phone.connect() as slow:
            body = "&".join(f"{name}={value}" for name, value in filled(phone).items()).encode()
            size = str(len(body)).encode()
            head = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + size
            slow.sendall(head + b"\r\n\r\n" + body)
            _until(lambda: len(site.submissions) == 1)
            assert "still being tried" in other.submit(filled(other)).body.decode()
    finally:
        del site.door.answer
        site.door.answer(site.submissions[0].id, ValueError("never mind"))
    assert len(site.submissions) == 1


def test_a_page_of_before_holds_after_an_older_clock(site: Site, phone: Phone) -> None:
    old = Tokens(pages._key).make(phone.address, "wifi", time.monotonic() - TOKEN_LIFE + 5)
    assert phone.submit({"driver": "wifi", "token": old, **ENTERED}).status == 200
    assert site.submissions


def test_a_person_is_seen_but_not_what_the_page_does_by_itself(site: Site, phone: Phone) -> None:
    phone.get()
    _until(lambda: site.seen > 0)
    before = site.seen
    time.sleep(1.1)  # one in a second is told: after that it would be
    phone.get("/?r")
    phone.get("/api/status")
    phone.get("/generate_204", Host="connectivitycheck.gstatic.com")
    _barrier(site)
    assert site.seen == before + 1  # that was the barrier's own


def test_a_search_is_asked_for_once_and_not_while_one_goes_on(site: Site, phone: Phone) -> None:
    site.show(replace(STATE, leaves=False))
    token = next(each for each in sheets(phone.get().body) if each.action == "/look").fields
    before = site.looks
    for _ in range(5):
        assert phone.submit(token, "/look").headers["location"] == "/"
    _until(lambda: site.looks == before + 1)
    site.show(replace(STATE, leaves=False, looking=True))
    time.sleep(1.1)
    assert phone.submit(token, "/look").status == 303
    _barrier(site)
    assert site.looks == before + 1


def _barrier(site: Site) -> None:
    """Return when the daemon has read all that the page told it until now."""
    assert Phone(site).connect_to({"ssid": "HomeNet"}).status == 202


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


# -- limits


def test_a_flood_is_refused_and_others_are_not(site: Site, phone: Phone) -> None:
    statuses = [phone.get("/nothing").status for _ in range(80)]
    assert statuses[:40] == [404] * 40
    assert statuses.count(429) > 5
    assert Phone(site).get().status == 200


def test_only_so_many_tries_a_minute(tmp_path: Path) -> None:
    with serving(tmp_path) as site:
        site.door._submits = Often(1000, 1.0)  # the daemon counts them as well
        phone = Phone(site)
        answers = [phone.submit(filled(phone)) for _ in range(SUBMITS)]
        assert len(site.submissions) == SUBMITS
        assert {answer.status for answer in answers} == {200}
        last = Phone(site)
        assert "That was too often" in last.submit(filled(last)).body.decode()
        answer = last.connect_to({"ssid": "HomeNet", "key": SECRET})
        assert (answer.status, answer.json["field"]) == (422, None)
        assert "too often" in answer.json["error"]
        assert len(site.submissions) == SUBMITS
        assert SECRET.encode() not in b"".join(each.whole for each in answers)

"""The interface for apps does what the README says, and refuses the rest with a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from conman_core import BadValue
from conman_plugins.accesspoint.page.languages import text
from tests.accesspoint.clients import JSON, SECRET, Phone
from tests.accesspoint.pagekit import CELLULAR, STATE, WIFI, Site, attempt

ENTERED = {"ssid": "HomeNet", "key": SECRET}


def test_status_before_anything_was_tried(phone: Phone) -> None:
    said = phone.get("/api/status").json
    assert said.pop("token")
    assert said.pop("list")
    assert said == {
        "device": "ContinuumBridge",
        "phase": "waiting",
        "attempt": None,
        "leaves": True,
        "looking": False,
        "mark": "0",
    }


def test_status_tells_what_came_of_a_try_in_the_language_asked_for(
    site: Site, phone: Phone
) -> None:
    site.show(replace(STATE, attempt=attempt(sentence="4-way handshake failed"), looking=True))
    said = phone.get("/api/status", Accept_Language="de").json
    assert said["phase"] == "failed"
    assert said["looking"] is True
    assert said["attempt"] == {
        "number": 1,
        "driver": "wifi",
        "title": "HomeNet",
        "phase": "failed",
        "reason": "WRONG_KEY",
        "message": text("de", "result.WRONG_KEY", title="HomeNet"),
        "detail": "4-way handshake failed",
    }
    english = phone.get("/api/status").json["attempt"]["message"]
    assert english == "Wrong key for HomeNet."


@pytest.mark.parametrize("phase", ["trying", "online", "limited", "portal"])
def test_each_phase_has_a_sentence(site: Site, phone: Phone, phase: str) -> None:
    site.show(replace(STATE, attempt=attempt(phase, None)))
    said = phone.get("/api/status").json
    assert said["phase"] == phase
    assert "HomeNet" in said["attempt"]["message"]


def test_a_reason_without_a_text_has_a_sentence_all_the_same(site: Site, phone: Phone) -> None:
    site.show(replace(STATE, attempt=attempt(reason="OF_A_STRANGER")))
    said = phone.get("/api/status").json["attempt"]
    assert (said["reason"], said["message"]) == ("OF_A_STRANGER", "HomeNet did not work.")


def test_networks_are_those_of_all_forms(site: Site, phone: Phone) -> None:
    site.show(replace(STATE, forms=(WIFI, CELLULAR)))
    forms = phone.get("/api/networks").json["forms"]
    assert [form["driver"] for form in forms] == ["wifi", "wwan"]
    ssid, key, hidden = forms[0]["fields"]
    assert ssid["choices"][1] == {"value": "Café Größe", "strength": 60, "protected": True}
    assert (ssid["kind"], ssid["label"], ssid["required"]) == ("text", "Network", True)
    assert (key["name"], key["kind"], key["choices"]) == ("key", "secret", [])
    assert (hidden["name"], hidden["kind"]) == ("hidden", "switch")


def test_an_app_from_first_look_to_the_result(site: Site, phone: Phone) -> None:
    site.after = lambda submission: site.door.show(
        replace(STATE, attempt=attempt("trying", None, title=submission.values["ssid"]))
    )
    network = phone.get("/api/networks").json["forms"][0]["fields"][0]["choices"][0]["value"]
    answer = phone.connect_to({"ssid": network, "key": SECRET})
    assert (answer.status, answer.json) == (202, {"accepted": True, "leaves": True})
    (submission,) = site.submissions
    assert submission.driver == "wifi"
    assert submission.values == {"ssid": "HomeNet", "key": SECRET, "hidden": "no"}
    assert phone.get("/api/status").json["phase"] == "trying"
    site.show(replace(STATE, attempt=attempt()))
    said = phone.get("/api/status")
    assert said.json["attempt"]["message"] == "Wrong key for HomeNet."
    assert SECRET.encode() not in said.whole


def test_where_the_access_point_stays_an_app_is_told_so(site: Site, phone: Phone) -> None:
    site.show(replace(STATE, leaves=False))
    assert phone.connect_to(ENTERED).json == {"accepted": True, "leaves": False}


def test_what_the_daemon_finds_wrong_is_told_with_its_field(site: Site, phone: Phone) -> None:
    site.verdict = lambda _: BadValue("key", "a sentence of the driver")
    answer = phone.connect_to(ENTERED)
    assert answer.status == 422
    assert answer.json == {"accepted": False, "field": "key", "error": "a sentence of the driver"}
    site.verdict = lambda _: ValueError("about nothing in particular")
    assert phone.connect_to(ENTERED).json["field"] is None


def test_while_something_is_tried_all_else_waits(site: Site, phone: Phone) -> None:
    site.show(replace(STATE, attempt=attempt("trying", None)))
    answer = phone.connect_to(ENTERED)
    assert answer.status == 422
    assert "still being tried" in answer.json["error"]
    assert not site.submissions


@pytest.mark.parametrize(
    ("values", "field", "error"),
    [
        ({"key": SECRET}, "ssid", "This is needed."),
        ({"ssid": "a\nb", "key": SECRET}, "ssid", "a character"),
        ({"ssid": "HomeNet", "key": SECRET + "\0"}, "key", "a character"),
        ({"ssid": "HomeNet", "key": SECRET * 99}, "key", "too long"),
        ({"ssid": "HomeNet", "key": SECRET + "\ud800"}, "key", "a character"),
    ],
)
def test_what_no_driver_would_take_is_refused_with_its_field(
    site: Site, phone: Phone, values: dict[str, str], field: str, error: str
) -> None:
    answer = phone.connect_to(values)
    assert answer.status == 422
    assert answer.json["accepted"] is False
    assert answer.json["field"] == field
    assert error in answer.json["error"]
    assert SECRET.encode() not in answer.whole
    assert not site.submissions


def _wish(**changed: Any) -> bytes:
    whole = {"token": "none", "driver": SECRET, "values": {"key": SECRET}} | changed
    return json.dumps(whole).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b'{"token": "' + SECRET.encode(),
        b"[" * 8000,
        b'{"a":' * 1600,
        b"\xff\xfe{}",
        b"null",
        b'["token", "driver", "values"]',
        b"{}",
        b"NaN",
        b"1" * 8000,
        _wish(token=None),
        _wish(driver=["wifi"]),
        _wish(values=SECRET),
        _wish(values={"key": 12345678}),
        _wish(values={"key": {"key": SECRET}}),
        _wish(values={str(number): "" for number in range(33)}),
    ],
)
def test_what_is_no_wish_is_refused_without_repeating_it(
    site: Site, phone: Phone, body: bytes
) -> None:
    answer = phone.ask("POST", "/api/connect", body, **JSON)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.json["error"]
    assert SECRET.encode() not in answer.whole
    assert not site.submissions


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "text/json"],
)
def test_only_json_is_taken_as_no_foreign_form_can_send_it(
    site: Site, phone: Phone, kind: str
) -> None:
    wish = _wish(token=phone.token(), driver="wifi", values=ENTERED)
    answer = phone.ask("POST", "/api/connect", wish, Content_Type=kind)
    assert answer.status in {400, 415}
    assert not site.submissions


def test_a_charset_does_no_harm(site: Site, phone: Phone) -> None:
    wish = _wish(token=phone.token(), driver="wifi", values=ENTERED)
    kind = "Application/JSON; charset=utf-8"
    assert phone.ask("POST", "/api/connect", wish, Content_Type=kind).status == 202
    assert site.submissions


def test_an_unknown_driver_is_not_found(site: Site, phone: Phone) -> None:
    answer = phone.connect_to(ENTERED, driver="nobody")
    assert (answer.status, answer.json) == (404, {"error": "there is no such form"})
    assert phone.connect_to(ENTERED, driver="\ud800").status == 404
    assert not site.submissions


def test_fields_that_no_form_has_are_left_out(site: Site, phone: Phone) -> None:
    assert phone.connect_to({**ENTERED, "device": "sda"}).status == 202
    assert site.submissions[0].values.keys() == {"ssid", "key", "hidden"}


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/connect", "/api/status/", "/api/keys"])
def test_there_is_nothing_else_to_read(phone: Phone, path: str) -> None:
    assert phone.get(path).status == 404


@pytest.mark.parametrize("path", ["/api/status", "/api/networks", "/api/other"])
def test_there_is_nothing_else_to_change(phone: Phone, path: str) -> None:
    assert phone.ask("POST", path, b"{}", **JSON).status == 404

"""What a person typed becomes the values of a driver's form."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import Choice, Form, FormField
from conman_plugins.accesspoint.page.form import checked, entered, pairs, shown
from tests.accesspoint.pagekit import WIFI

KINDS = Form(
    "acme",
    (
        FormField("name", "Name"),
        FormField("mode", "Mode", "choice", (Choice("fast"), Choice("slow"))),
        FormField("on", "On", "switch"),
        FormField("pin", "PIN", "secret", required=False),
    ),
)
GOOD = {"name": "x", "mode": "fast", "on": "yes", "pin": ""}


def test_a_network_of_the_list_wins_over_what_was_typed() -> None:
    sent = {"f.ssid": "HomeNet", "f.ssid.typed": "Other"}
    assert entered(sent, WIFI)["ssid"] == "HomeNet"
    assert entered({"f.ssid": "", "f.ssid.typed": "Other"}, WIFI)["ssid"] == "Other"
    assert entered({"f.ssid.typed": "Other"}, WIFI)["ssid"] == "Other"


def test_a_field_cannot_be_taken_for_the_pages_own() -> None:
    form = Form("acme", (FormField("token", "Token"),))
    assert entered({"token": "the page's", "f.token": "mine"}, form) == {"token": "mine"}


def test_good_values_pass() -> None:
    assert checked(GOOD, KINDS) == (GOOD, None)


@pytest.mark.parametrize(
    ("wrong", "field", "key"),
    [
        ({"name": ""}, "name", "error.missing"),
        ({"mode": "medium"}, "mode", "error.choice"),
        ({"mode": ""}, "mode", "error.missing"),
        ({"name": "x" * 1025}, "name", "error.long"),
        ({"name": "a\nb"}, "name", "error.control"),
        ({"pin": "1\x002"}, "pin", "error.control"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(wrong: dict[str, str], field: str, key: str) -> None:
    problem = checked(GOOD | wrong, KINDS)[1]
    assert problem is not None
    assert (problem.field, problem.sentence) == (field, key)


def test_an_offered_name_may_be_as_odd_as_it_is() -> None:
    form = Form("wifi", (FormField("ssid", "Network", choices=(Choice("a\nb"),)),))
    assert checked({"ssid": "a\nb"}, form)[1] is None


def test_a_switch_is_yes_or_no() -> None:
    assert checked(GOOD | {"on": "on"}, KINDS)[0]["on"] == "yes"
    assert checked(GOOD | {"on": "perhaps"}, KINDS)[0]["on"] == "no"


def test_secrets_are_not_filled_in_again() -> None:
    assert shown({"ssid": "HomeNet", "key": "secret", "hidden": "no"}, WIFI) == {
        "ssid": "HomeNet",
        "hidden": "no",
    }


@given(st.dictionaries(st.text(max_size=20), st.text(max_size=20), max_size=20))
def test_any_form_survives_the_way(fields: dict[str, str]) -> None:
    try:
        body = urlencode(fields).encode()
    except UnicodeEncodeError:
        return
    assert pairs(body) == fields


@given(st.binary(max_size=300))
def test_any_body_is_read_or_refused(body: bytes) -> None:
    try:
        found = pairs(body)
    except ValueError:
        return
    checked(entered(found, WIFI), WIFI)

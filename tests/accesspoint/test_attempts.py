"""What a try is called, what is kept of it, and what people are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import Form, FormField, Outcome, Reason, Verdict
from conman_plugins.accesspoint import attempts
from tests.accesspoint.kit import ENTERED, NO_INTERNET, WIFI, WORKS, WRONG_KEY, Core

TRY = attempts.describe(1, "wifi", ENTERED, (WIFI,))


def test_a_try_is_named_by_the_first_field_and_has_no_secret() -> None:
    assert (TRY.number, TRY.driver, TRY.title, TRY.phase) == (1, "wifi", "HomeNet", "trying")
    assert TRY.values == {"ssid": "HomeNet"}
    assert "top-secret-key" not in repr(TRY)


def test_what_no_form_asks_for_is_not_kept() -> None:
    """Nobody can say whether it is a secret."""
    made = attempts.describe(1, "wifi", {**ENTERED, "psk": "another-secret"}, (WIFI,))
    assert "another-secret" not in repr(made)
    made = attempts.describe(1, "acme", {"pin": "1234"}, (WIFI,))
    assert (made.title, made.values) == ("acme", {})


def test_a_form_whose_first_field_is_a_secret_names_nothing() -> None:
    form = Form("wwan", (FormField("pin", "PIN", "secret"), FormField("apn", "APN")))
    made = attempts.describe(1, "wwan", {"pin": "1234", "apn": "internet"}, (form,))
    assert (made.title, made.values) == ("wwan", {"apn": "internet"})


@given(st.text(max_size=300))
def test_a_title_is_one_short_line_whatever_the_network_is_called(name: str) -> None:
    title = attempts.describe(1, "wifi", {"ssid": name}, (WIFI,)).title
    assert title.isprintable()
    assert 0 < len(title) <= 64


@pytest.mark.parametrize(
    ("outcome", "phase", "reason", "said"),
    [
        (WORKS, "online", None, "HomeNet works"),
        (WRONG_KEY, "failed", "WRONG_KEY", "HomeNet does not work: wrong key for HomeNet"),
        (
            NO_INTERNET,
            "limited",
            None,
            "HomeNet is joined, but the internet is not reached: nothing answers",
        ),
        (
            Outcome(Verdict.PORTAL, None, "a login page answers"),
            "portal",
            None,
            "HomeNet is joined, but wants a login: a login page answers",
        ),
        (
            Outcome(Verdict.LIMITED, Reason.NO_ADDRESS, "the router answers"),
            "limited",
            "NO_ADDRESS",
            "HomeNet is joined, but the internet is not reached: the router answers",
        ),
    ],
    ids=["works", "wrong key", "no internet", "portal", "limited"],
)
def test_each_outcome_is_kept_and_told(
    tmp_path: Path, outcome: Outcome, phase: str, reason: Any, said: str
) -> None:
    ended = attempts.concluded(TRY, outcome)
    assert (ended.phase, ended.reason, ended.sentence) == (phase, reason, outcome.sentence)
    core: Any = Core(tmp_path)
    attempts.tell(core, TRY)
    attempts.tell(core, ended)
    assert [sentence for sentence, _ in core.said] == [
        "HomeNet is tried: a person entered it",
        said,
    ]
    assert core.said[1][1] == {
        **{"event": "attempt", "driver": "wifi", "title": "HomeNet"},
        **{"state": phase, "reason": reason},
    }

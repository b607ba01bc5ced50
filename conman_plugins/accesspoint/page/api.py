"""The JSON interface for apps: what the page shows, as data. Described in the README."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from conman_plugins.accesspoint.page.languages import choose, sentence, text
from conman_plugins.accesspoint.page.state import MOST_FIELDS, Problem, State
from conman_plugins.accesspoint.page.view import list_mark, mark

FORM = "api"  #: what tokens of this interface are for


class Wish(NamedTuple):
    """What an app wants to be tried."""

    token: str
    driver: str
    values: Mapping[str, str]


def status(state: State, languages: str, token: str) -> dict[str, Any]:
    """Return how things are, and a token for `/api/connect`."""
    attempt = state.attempt
    shown = None
    if attempt is not None:
        shown = {
            "number": attempt.number,
            "driver": attempt.driver,
            "title": attempt.title,
            "phase": attempt.phase,
            "reason": attempt.reason,
            "message": _message(state, choose(languages)),
            "detail": attempt.sentence,
        }
    return {
        "device": state.device,
        "phase": attempt.phase if attempt else "waiting",
        "attempt": shown,
        "leaves": state.leaves,
        "looking": state.looking,
        "mark": mark(state),
        "list": list_mark(state),
        "token": token,
    }


def _message(state: State, language: str) -> str:
    attempt = state.attempt
    if attempt is None:
        return ""
    places = {"title": attempt.title, "device": state.device}
    if attempt.phase == "trying":
        return text(language, "trying.title", **places)
    key = f"result.{attempt.reason if attempt.phase == 'failed' else attempt.phase}"
    said = text(language, key, **places)
    return text(language, "result.other", **places) if said == key else said


def networks(state: State) -> dict[str, Any]:
    """Return what can be chosen and entered, for each driver."""
    return {
        "forms": [
            {
                "driver": form.driver,
                "fields": [
                    {
                        "name": field.name,
                        "label": field.label,
                        "kind": field.kind,
                        "required": field.required,
                        "choices": [
                            {
                                "value": choice.value,
                                "strength": choice.strength,
                                "protected": choice.protected,
                            }
                            for choice in field.choices
                        ],
                    }
                    for field in form.fields
                ],
            }
            for form in state.forms
        ]
    }


def wish(body: bytes) -> Wish:
    """Read what an app sent. Raises ValueError with a sentence, without what it sent."""
    try:
        raw = json.loads(body.decode())  # or it guesses UTF-16 and looks for codecs
    except (ValueError, RecursionError):
        raise ValueError("that is no JSON") from None
    if not isinstance(raw, dict):
        raise ValueError("send an object with token, driver and values")
    token, driver, values = raw.get("token"), raw.get("driver"), raw.get("values")
    if not isinstance(token, str) or not isinstance(driver, str) or not isinstance(values, dict):
        raise ValueError("send an object with token, driver and values")
    if len(values) > MOST_FIELDS or not all(isinstance(v, str) for v in values.values()):
        raise ValueError("values are texts, by the names of the fields")
    return Wish(token, driver, values)


def problem(found: Problem | None, languages: str) -> dict[str, Any]:
    """Return why something was not taken."""
    key = found.sentence if found else "error.answer"
    return {
        "accepted": False,
        "field": found.field if found else None,
        "error": sentence(choose(languages), key)[0],
    }

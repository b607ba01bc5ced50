"""What a person typed, from the body of a request to the values of a driver's form. Pure.

In the HTML form the fields of a driver have a prefix, so that none of them can be taken for the
page's own `token` and `driver`. Where something is chosen from a list, it can be typed as well.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from urllib.parse import parse_qsl

from conman_core.model import Form, FormField
from conman_plugins.accesspoint.page.state import LONGEST, Problem, State

PREFIX = "f."
TYPED = ".typed"  #: after the name of a field with choices: what was typed in their place
_MOST_PAIRS = 100
_ON = frozenset({"yes", "on", "true", "1"})


def pairs(body: bytes) -> dict[str, str]:
    """Return the fields of an urlencoded body. Raises ValueError."""
    found = parse_qsl(
        body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_PAIRS
    )
    return dict(found)


def entered(sent: Mapping[str, str], form: Form) -> dict[str, str]:
    """Return the values of a form's fields from what the page sent."""
    values = {}
    for field in form.fields:
        value = sent.get(PREFIX + field.name, "")
        if field.choices and field.kind == "text" and not value:
            value = sent.get(PREFIX + field.name + TYPED, "")
        values[field.name] = value
    return values


def form_of(state: State, driver: str) -> Form | None:
    """Return a driver's form."""
    return next((form for form in state.forms if form.driver == driver), None)


def checked(values: Mapping[str, str], form: Form) -> tuple[dict[str, str], Problem | None]:
    """Return values as a driver takes them, and the first thing that is wrong."""
    clean = {}
    problem = None
    for field in form.fields:
        value = values.get(field.name, "")
        if field.kind == "switch":
            value = "yes" if value in _ON else "no"
        clean[field.name] = value
        wrong = _wrong(field, value)
        if wrong and problem is None:
            problem = Problem(form.driver, field.name, wrong)
    return clean, problem


def _wrong(field: FormField, value: str) -> str:
    """Return the key of a sentence about a value; empty if nothing is wrong."""
    offered = {choice.value for choice in field.choices}
    if not value:
        return "error.missing" if field.required else ""
    if value in offered:
        return ""
    if field.kind == "choice":
        return "error.choice"
    if len(value) > LONGEST:
        return "error.long"
    if any(unicodedata.category(c) in {"Cc", "Cs"} for c in value):
        return "error.control"
    return ""


def shown(values: Mapping[str, str], form: Form | None) -> dict[str, str]:
    """Return what may be filled in again: never a secret."""
    fields = form.fields if form else ()
    secret = {field.name for field in fields if field.kind == "secret"}
    return {name: value for name, value in values.items() if name not in secret}

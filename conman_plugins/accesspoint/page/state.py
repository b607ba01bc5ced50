"""What the page shows: known to both of its ends, the daemon's and that of its own process.

It crosses the socket between them as JSON. What comes from the other side is checked whole.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from conman_core.model import Choice, Form, FormField

KINDS = frozenset({"text", "secret", "choice", "switch"})
PHASES = frozenset({"trying", "online", "failed", "limited", "portal"})
MOST_FORMS = 16
MOST_FIELDS = 32
MOST_CHOICES = 256
LONGEST = 1024  #: characters of any text
LARGEST = 1 << 16  #: bytes of a message


@dataclass(frozen=True, slots=True)
class Attempt:
    """The latest try, kept for the phone that comes back. `values` has no secrets."""

    number: int
    driver: str
    title: str  #: what was set up: the network's name
    values: Mapping[str, str]
    phase: str  #: trying, online, failed, limited (joined, no internet) or portal
    reason: str | None  #: name of a conman_core.Reason
    sentence: str  #: the driver's own, in English


@dataclass(frozen=True, slots=True)
class State:
    """All that the page is made of."""

    device: str  #: the access point's name
    address: str  #: what redirects point to
    portal: str  #: what names are answered with; empty if that is the address
    forms: tuple[Form, ...]
    leaves: bool  #: the access point goes away while a network is tried
    attempt: Attempt | None
    looking: bool  #: a search for networks is under way


@dataclass(frozen=True, slots=True)
class Problem:
    """Why what was entered could not be taken. `field` is None if it is not about one."""

    driver: str
    field: str | None
    sentence: str


def fitting(state: State) -> State:
    """Return as much of a state as the page takes: forms that it could not show are left out.

    Of long lists the beginning stays: drivers put first what matters most.
    """
    most = MOST_CHOICES
    fits = _shortened(state, most)
    while len(to_message(fits)) > LARGEST and most:
        most //= 2
        fits = _shortened(fits, most)
    return fits


def _shortened(state: State, most: int) -> State:
    attempt = state.attempt
    if attempt:
        attempt = replace(attempt, sentence=attempt.sentence[:LONGEST])
    forms = tuple(
        replace(form, fields=tuple(_with_fewer(field, most) for field in form.fields))
        for form in state.forms
    )
    return replace(state, attempt=attempt, forms=tuple(filter(_showable, forms))[:MOST_FORMS])


def _with_fewer(field: FormField, most: int) -> FormField:
    return replace(field, choices=field.choices[:most])


def _showable(form: Form) -> bool:
    try:
        _form(json.loads(json.dumps(asdict(form))))
    except (ValueError, TypeError):
        return False
    return True


def to_message(state: State) -> bytes:
    """Return a state as JSON."""
    return json.dumps({"type": "state", **asdict(state)}, separators=(",", ":")).encode()


def from_message(data: bytes) -> State:
    """Return the state that a message holds. Raises ValueError."""
    try:
        message = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise ValueError("no JSON") from None
    if not isinstance(message, dict) or message.pop("type", None) != "state":
        raise ValueError("no state")
    return _state(message)


def _state(raw: dict[str, Any]) -> State:
    _names(raw, State)
    attempt = raw["attempt"]
    return State(
        device=_text(raw["device"]),
        address=_text(raw["address"]),
        portal=_text(raw["portal"]),
        forms=tuple(_form(form) for form in _list(raw["forms"], MOST_FORMS)),
        leaves=_flag(raw["leaves"]),
        attempt=None if attempt is None else _attempt(attempt),
        looking=_flag(raw["looking"]),
    )


def _attempt(raw: Any) -> Attempt:
    _names(raw, Attempt)
    values = raw["values"]
    if not isinstance(values, dict) or len(values) > MOST_FIELDS:
        raise ValueError("values")
    phase = _text(raw["phase"])
    if phase not in PHASES:
        raise ValueError("phase")
    return Attempt(
        number=_number(raw["number"]),
        driver=_text(raw["driver"]),
        title=_text(raw["title"]),
        values={_text(name): _text(value) for name, value in values.items()},
        phase=phase,
        reason=None if raw["reason"] is None else _text(raw["reason"]),
        sentence=_text(raw["sentence"]),
    )


def _form(raw: Any) -> Form:
    _names(raw, Form)
    return Form(
        _text(raw["driver"]), tuple(_field(each) for each in _list(raw["fields"], MOST_FIELDS))
    )


def _field(raw: Any) -> FormField:
    _names(raw, FormField)
    kind = _text(raw["kind"])
    return FormField(
        name=_text(raw["name"]),
        label=_text(raw["label"]),
        kind=kind if kind in KINDS else "text",
        choices=tuple(_choice(each) for each in _list(raw["choices"], MOST_CHOICES)),
        required=_flag(raw["required"]),
    )


def _choice(raw: Any) -> Choice:
    _names(raw, Choice)
    strength, frequency = raw["strength"], raw["frequency"]
    return Choice(
        value=_text(raw["value"]),
        strength=None if strength is None else min(_number(strength), 100),
        protected=_flag(raw["protected"]),
        frequency=None if frequency is None else _number(frequency),
    )


def _names(raw: Any, kind: type[Any]) -> None:
    wanted = {field.name for field in fields(kind)}
    if not isinstance(raw, dict) or raw.keys() != wanted:
        raise ValueError(f"no {kind.__name__}")


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ValueError("no text, or too long")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("neither true nor false")
    return value


def _number(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise ValueError("no number")
    return value


def _list(value: Any, most: int) -> list[Any]:
    if not isinstance(value, list) or len(value) > most:
        raise ValueError("no list, or too long")
    return value

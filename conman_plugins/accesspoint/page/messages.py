"""What the page and the daemon tell each other beside the state: small JSON objects, checked whole.

The page is not trusted: it may be in anybody's hands. So its messages are few, small and typed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conman_plugins.accesspoint.page.state import LARGEST, LONGEST, MOST_FIELDS

_MOST = 2**31


@dataclass(frozen=True, slots=True)
class Submission:
    """What a person entered."""

    id: int
    driver: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """The page that says that it is being tried has left the machine."""

    id: int


@dataclass(frozen=True, slots=True)
class Look:
    """A person wants a fresh list."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A person was there."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The page can answer."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The page has a fault: of which kind, and where in its source; never what it was about."""

    where: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether values can be tried; if not, what is wrong and in which field."""

    id: int
    ok: bool
    field: str | None = None
    sentence: str = ""


FromPage = Submission | Told | Look | Seen | Ready | Fault

_PLAIN: Mapping[str, type[Look] | type[Seen] | type[Ready]]
_PLAIN = {"look": Look, "seen": Seen, "ready": Ready}


def pack(message: FromPage | Answer) -> bytes:
    """Return a message as bytes."""
    kind = type(message).__name__.lower()
    fields = {name: getattr(message, name) for name in type(message).__slots__}
    return json.dumps({"type": kind, **fields}, separators=(",", ":")).encode()


def fault_of(error: BaseException) -> Fault:
    """Return where an error comes from. Its text stays here: it may hold what a person typed."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    file = Path(place.tb_frame.f_code.co_filename).name if place else "nowhere"
    return Fault(f"{type(error).__name__} in {file}, line {place.tb_lineno if place else 0}")


def from_page(data: bytes) -> FromPage:
    """Read what came from the page. Raises ValueError."""
    raw = _object(data)
    kind = raw.pop("type", None)
    if kind == "submission" and raw.keys() == {"id", "driver", "values"}:
        return Submission(_id(raw["id"]), _text(raw["driver"]), _values(raw["values"]))
    if kind == "told" and raw.keys() == {"id"}:
        return Told(_id(raw["id"]))
    if kind == "fault" and raw.keys() == {"where"}:
        return Fault(_text(raw["where"]))
    if isinstance(kind, str) and kind in _PLAIN and not raw:
        return _PLAIN[kind]()
    raise ValueError("no message of the page")


def answer(data: bytes) -> Answer:
    """Read the daemon's answer. Raises ValueError."""
    raw = _object(data)
    if raw.pop("type", None) != "answer" or raw.keys() != {"id", "ok", "field", "sentence"}:
        raise ValueError("no answer")
    field = raw["field"]
    return Answer(
        _id(raw["id"]),
        raw["ok"] is True,
        None if field is None else _text(field),
        _text(raw["sentence"]),
    )


def _object(data: bytes) -> dict[str, Any]:
    if len(data) > LARGEST:
        raise ValueError("too long")
    try:
        raw = json.loads(data.decode())
    except (ValueError, RecursionError):
        raise ValueError("no JSON") from None
    if not isinstance(raw, dict):
        raise ValueError("no object")
    return raw


def _id(value: Any) -> int:
    if type(value) is not int or not 0 <= value < _MOST:
        raise ValueError("no id")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > LONGEST:
        raise ValueError("no text, or too long")
    return value


def _values(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > MOST_FIELDS:
        raise ValueError("no values, or too many")
    return {_text(name): _text(each) for name, each in value.items()}

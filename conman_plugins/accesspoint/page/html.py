"""Pieces of HTML. All text from outside goes through `escaped`."""

from __future__ import annotations

import html
import unicodedata

_LONGEST = 256
#: they would change how what follows them is shown, or where it stands
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def escaped(text: str) -> str:
    """Return a text for an element or a quoted attribute; what cannot be shown becomes U+FFFD."""
    clean = "".join(
        "\ufffd" if c in _DIRECTIONS or unicodedata.category(c) in {"Cc", "Cs", "Cn"} else c
        for c in text[:_LONGEST]
    )
    return html.escape(clean, quote=True)


def value(text: str) -> str:
    """Return a text for the value of a field, which has to come back as it was."""
    return html.escape(text, quote=True)


def name(text: str) -> str:
    """Return somebody's name for something, kept apart from the text round it."""
    return f"<bdi>{escaped(text)}</bdi>"


def attributes(**pairs: str | bool | None) -> str:
    """Return attributes; `_` stands for `-`, True for one without a value, None for none."""
    parts = []
    for key, given in pairs.items():
        word = key.rstrip("_").replace("_", "-")
        if given is True:
            parts.append(f" {word}")
        elif given not in (None, False):
            parts.append(f' {word}="{value(str(given))}"')
    return "".join(parts)

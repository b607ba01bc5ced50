"""The page's texts in the languages that there are: one JSON file each, `languages/*.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "languages"
FIRST = "en"
_LONGEST_HEADER = 256

Texts = Mapping[str, str]


@cache
def catalogues() -> Mapping[str, Texts]:
    """Return all texts by language code; read once, as later no file can be."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(FOLDER.glob("*.json"))
    }


@cache
def _best(header: str) -> str:
    known = catalogues()
    wishes = []
    for place, part in enumerate(header.split(",")):
        tag, _, weight = part.partition(";")
        language = tag.strip().lower().partition("-")[0]
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if language in known and 0 < quality <= 1:
            wishes.append((-quality, place, language))
    return min(wishes)[2] if wishes else FIRST


def choose(header: str) -> str:
    """Return the code of the language that an Accept-Language header prefers (RFC 9110, 12.5.4)."""
    if _best.cache_info().currsize > 200:  # whatever clients send
        _best.cache_clear()
    return _best(header[:_LONGEST_HEADER])


def text(language: str, key: str, **places: str) -> str:
    """Return a text with its places filled in; a key that no language has comes back itself.

    So what a driver says, in English, can be a key: who translates it adds it to the file.
    """
    found = catalogues()[language].get(key) or catalogues()[FIRST].get(key) or key
    for name, value in places.items():
        found = found.replace(f"{{{name}}}", value)
    return found

"""The page's texts in the languages that there are: one JSON file each, `languages/*.json`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "languages"
FIRST = "en"
_LONGEST_HEADER = 256
_PLACE = re.compile(r"\{([a-z]+)\}")

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
    """Return a text with its places filled in; a key that no language has comes back itself."""
    found = catalogues()[language].get(key) or catalogues()[FIRST].get(key) or key
    return _PLACE.sub(lambda place: places.get(place[1], place[0]), found)


def has(key: str) -> bool:
    """Tell whether there is a text of this key."""
    return key in catalogues()[FIRST]


def sentence(language: str, said: str) -> tuple[str, str]:
    """Return what a driver said, and the language that it is in then.

    Drivers speak English. Their sentences can be keys of the files, with places for what differs:
    `the key has {size} characters`. What is in no file stays as it is.
    """
    if has(said):
        return text(language, said), language
    for key, pattern in _patterns():
        if match := pattern.fullmatch(said):
            return text(language, key, **match.groupdict()), language
    return said, FIRST


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return the keys that are sentences with places, each with what it looks like filled in."""
    found = []
    for key in catalogues()[FIRST]:
        if _PLACE.search(key):
            parts = _PLACE.split(key)
            parts[::2] = map(re.escape, parts[::2])
            parts[1::2] = [f"(?P<{name}>.+)" for name in parts[1::2]]
            found.append((key, re.compile("".join(parts))))
    return tuple(found)

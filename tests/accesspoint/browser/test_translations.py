"""A translation is one file, and it is complete."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conman_core import Reason
from conman_plugins.accesspoint.page.languages import FOLDER, sentence, text
from conman_plugins.wifi.entered import entered
from conman_plugins.wifi.scan import Cell

PLACE = re.compile(r"\{[a-z]+\}")
FILES = sorted(FOLDER.glob("*.json"))
ENGLISH = json.loads((FOLDER / "en.json").read_text(encoding="utf-8"))
SOURCES = "\n".join(path.read_text() for path in FOLDER.parent.glob("*.py"))
#: keys that are put together: what they begin with, and what is asked of the rest
MADE_UP = re.compile(r"(result|form|none|hint)\.(?P<rest>[\w.]+)")


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_a_translation_is_complete(path: Path) -> None:
    texts = json.loads(path.read_text(encoding="utf-8"))
    assert list(texts) == list(ENGLISH), "all keys, in the same order"
    for key, words in texts.items():
        assert words.strip() == words, key
        assert words, key
        assert set(PLACE.findall(words)) == set(PLACE.findall(ENGLISH[key])), key


def test_each_text_that_is_not_english_differs() -> None:
    """Words that are the same in both languages are counted here, so that none is forgotten."""
    german = json.loads((FOLDER / "de.json").read_text(encoding="utf-8"))
    assert {key for key in german if german[key] == ENGLISH[key]} == {"APN", "PIN"}


def test_each_text_is_used() -> None:
    plain = [key for key in ENGLISH if " " not in key and not MADE_UP.fullmatch(key)]
    labels = {"Network", "Key", "APN", "User", "Password", "PIN"}
    unused = [key for key in plain if f'"{key}"' not in SOURCES and key not in labels]
    assert unused == []


def test_each_reason_with_a_text_exists_and_has_advice() -> None:
    results = {key.split(".")[1] for key in ENGLISH if key.startswith("result.")}
    plain = {"online", "limited", "portal", "other"}
    assert results - plain <= {reason.name for reason in Reason}
    assert {f"result.{each}.do" for each in results - {"online"}} <= set(ENGLISH)


BAD_VALUES = [
    {"ssid": ""},
    {"ssid": "x" * 33},
    {"ssid": "HomeNet", "key": "short"},
    {"ssid": "HomeNet", "key": "schlüssel"},
    {"ssid": "Locked"},
]


@pytest.mark.parametrize(
    "values", BAD_VALUES, ids=["unnamed", "long", "short", "umlaut", "keyless"]
)
def test_what_the_wifi_driver_finds_wrong_is_said_in_the_readers_language(
    values: dict[str, str],
) -> None:
    cell = Cell("02:00:00:00:00:01", b"Locked", 2412, -50, frozenset({"psk"}))
    with pytest.raises(ValueError, match=r"\w") as caught:
        entered(values, {"Locked": cell})
    words, language = sentence("de", str(caught.value))
    assert language == "de", f"not translated: {caught.value}"
    assert not PLACE.search(words)


def test_what_nobody_has_translated_stays_english() -> None:
    assert sentence("de", "the frobnicator is loose") == ("the frobnicator is loose", "en")


def test_what_fills_a_place_is_no_place_itself() -> None:
    assert text("en", "trying.title", title="{device}", device="x") == "{device} is being tried"

"""The language is the one that the browser asks for, whatever else it asks for."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_plugins.accesspoint.page import languages
from conman_plugins.accesspoint.page.languages import FIRST, catalogues, choose, sentence, text


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("DE-at", "de"),
        ("fr, de;q=0.5", "de"),
        ("en;q=0.4, de;q=0.5", "de"),
        ("de;q=0.5, en", "en"),
        ("de;q=0, en;q=0", "en"),
        ("de, en", "de"),
        ("*", "en"),
        ("fr-CH", "en"),
        ("de;q=nan, de;q=inf, de;q=-1, de;q=2", "en"),
        ("de;q=rubbish", "en"),
        ("de;level=1", "en"),
        (";;;,,,;q=", "en"),
        ("fr," * 1000 + "de", "en"),  # too far away to be read
    ],
)
def test_the_best_that_there_is(header: str, language: str) -> None:
    assert choose(header) == language


@given(st.text(max_size=60) | st.text("de,;q=01. -*", max_size=60))
def test_any_header_has_a_language(header: str) -> None:
    assert choose(header) in catalogues()


def test_headers_without_number_take_no_memory() -> None:
    for number in range(1000):
        choose(f"x{number}")
    assert languages._best.cache_info().currsize <= 201


def test_what_fills_a_place_is_text() -> None:
    assert "{device}" in text("en", "trying.title", title="{device}", device="ours")
    assert text("en", "title", device="\\1{0}%s").count("\\1{0}%s") == 1


def test_a_key_of_nobody_comes_back() -> None:
    assert text("de", "no such key") == "no such key"


@given(st.text(max_size=300))
def test_any_sentence_of_a_driver_is_said(said: str) -> None:
    for language in catalogues():
        spoken, its = sentence(language, said)
        assert its in {language, FIRST}
        assert isinstance(spoken, str)


def test_the_longest_sentence_takes_no_long_time() -> None:
    began = time.process_time()
    for start in ("the key has ", "the name is 1 bytes long, and a network's name has at most "):
        sentence("de", (start * 100)[:1024])
    assert time.process_time() - began < 0.5

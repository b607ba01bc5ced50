"""The page speaks the language of its reader, all of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from conman_plugins.accesspoint.page.languages import FOLDER
from tests.accesspoint.browser.phone import Phone
from tests.accesspoint.browser.scenes import SCENES, STRANGER, WRONG_KEY, tried
from tests.accesspoint.pagekit import STATE, Site

pytestmark = pytest.mark.browser

#: every text that a person or a screen reader meets, but for names and what drivers say in English
TEXTS = """
const found = [document.title];
const walk = document.createTreeWalker(document.body, 5,  // elements and texts
    node => ['SCRIPT', 'BDI', 'OPTION'].includes(node.tagName) || node.lang
        ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);
for (let node = walk.currentNode; node; node = walk.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) { found.push(node.data); continue; }
    for (const name of ['aria-label', 'placeholder', 'title', 'alt']) {
        if (node.hasAttribute(name)) { found.push(node.getAttribute(name)); }
    }
}
return found.map(text => text.trim()).filter(text => text);
"""

#: what a driver says that is in no file: English, and marked so where the page is not
STRANGERS = {field.label for field in STRANGER.fields}


def known(path: Path) -> re.Pattern[str]:
    """Return a pattern that each text of a language fits, with anything in its places."""
    texts = json.loads(path.read_text(encoding="utf-8"))
    patterns = [re.sub(r"\\\{[a-z]+\\\}", ".+", re.escape(text)) for text in texts.values()]
    return re.compile("|".join([*patterns, f"{re.escape(texts['detail'])} .+"]))


@pytest.mark.parametrize("language", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_no_text_of_any_scene_is_in_another_language(
    phone: Phone, site: Site, language: str
) -> None:
    phone.speak(language)
    pattern = known(FOLDER / f"{language}.json")
    for name, bring_about in SCENES.items():
        site.verdict = lambda _: None
        bring_about(phone, site)
        assert phone.run("return document.documentElement.lang") == language, name
        texts = phone.run(TEXTS)
        assert len(texts) >= 3, name
        strange = {text for text in texts if not pattern.fullmatch(text)}
        if name in {"several-forms", "field-error", "trying", "wrong-key"}:
            phone.picture(f"{name}-phone-{language}")
        assert strange <= ({*STRANGERS, "lora"} if language == "en" else {"lora"}), name


@pytest.mark.parametrize(
    ("wish", "spoken"),
    [
        ("de-AT,de,en", "de"),
        ("en-US,en,de", "en"),
        ("fr-FR,fr,de", "de"),
        ("ja-JP", "en"),
    ],
)
def test_the_phone_says_which_language(phone: Phone, wish: str, spoken: str) -> None:
    phone.speak(wish)
    phone.open()
    assert phone.run("return document.documentElement.lang") == spoken
    wanted = {"de": "ContinuumBridge mit dem Internet verbinden", "en": "Connect ContinuumBridge"}
    assert phone.text.startswith(wanted[spoken])
    assert phone.driver.title == phone.text.splitlines()[0]


def test_what_only_a_driver_says_is_marked_as_english(phone: Phone, site: Site) -> None:
    phone.speak("de")
    site.show_now(replace(STATE, attempt=tried(WRONG_KEY)))
    phone.open()
    assert "Falscher Schlüssel für HomeNet." in phone.text
    assert phone.one("[lang=en]").text == WRONG_KEY.sentence


def test_the_buttons_of_the_script_speak_it_too(phone: Phone) -> None:
    phone.speak("de")
    phone.open()
    phone.press("Zeigen")
    phone.press("Verbergen")
    assert phone.field("Schlüssel").get_attribute("type") == "password"

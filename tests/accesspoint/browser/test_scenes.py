"""All that the page can look like: right for everybody, and kept as pictures to be looked at."""

from __future__ import annotations

import struct

import pytest

from tests.accesspoint.browser.phone import Phone
from tests.accesspoint.browser.scenes import SCENES
from tests.accesspoint.pagekit import Site

pytestmark = pytest.mark.browser

SMALL, LARGE = 320, 1000
#: what is wider than the window, or sticks out of what it lies in
TOO_WIDE = """
return [...document.querySelectorAll('body *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth || e.scrollWidth > e.clientWidth + 1)
    .filter(e => getComputedStyle(e).display !== 'inline' && e.clientWidth)
    .map(e => e.outerHTML.slice(0, 100))
"""


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_is_right_in_light_and_dark_on_small_and_large(
    phone: Phone, site: Site, name: str
) -> None:
    SCENES[name](phone, site)
    assert phone.complaints() == []
    assert phone.run("return document.documentElement.scrollWidth") == SMALL
    assert phone.run(TOO_WIDE) == []
    looks(phone, f"{name}-phone", SMALL)
    phone.dark()
    assert phone.complaints("color-contrast") == []
    looks(phone, f"{name}-phone-dark", SMALL)
    phone.width(LARGE)
    assert phone.run(TOO_WIDE) == []
    looks(phone, f"{name}-desktop-dark", LARGE)
    phone.dark(False)
    looks(phone, f"{name}-desktop", LARGE)
    assert phone.grumbles() == []


def looks(phone: Phone, name: str, width: int) -> None:
    """Keep a picture, whose width says that all of the page is on it (PNG, 11.2.2)."""
    head = phone.picture(name).read_bytes()
    assert struct.unpack(">I", head[16:20])[0] in {width, width * 3 // 2}
    assert len(head) > 3000, "an empty picture"


def test_axe_would_find_something(phone: Phone) -> None:
    phone.open()
    phone.run("document.querySelector('label[for=wifi-key]').remove()")
    phone.run("document.querySelector('.soft').style.color = '#ccc'")
    found = {each.partition(":")[0] for each in phone.complaints()}
    assert found == {"label", "color-contrast"}


def test_what_is_too_wide_would_be_found(phone: Phone) -> None:
    phone.open()
    phone.run("document.querySelector('.go').style.width = '400px'")
    assert phone.run("return document.documentElement.scrollWidth") > SMALL
    assert phone.run(TOO_WIDE)

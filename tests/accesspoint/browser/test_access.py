"""Everybody can use the page: by keyboard, with big fingers, however long the names are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from selenium.webdriver.common.keys import Keys

from tests.accesspoint.browser.phone import Phone
from tests.accesspoint.browser.scenes import TOO_SHORT, networks
from tests.accesspoint.browser.test_scenes import TOO_WIDE
from tests.accesspoint.pagekit import CELLULAR, STATE, WIFI, Site

pytestmark = pytest.mark.browser

OUTLINE = """
const style = getComputedStyle(arguments[0]);
return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
"""


def test_axe_would_find_something(phone: Phone) -> None:
    phone.open()
    phone.run("document.querySelector('label[for=wifi-key]').remove()")
    phone.run("document.querySelector('.soft').style.color = '#ccc'")
    found = {each.partition(":")[0] for each in phone.complaints()}
    assert found == {"label", "color-contrast"}


def test_long_names_do_not_widen_the_page(phone: Phone, site: Site) -> None:
    names = ("W" * 32, "🦀" * 8, "the quick brown fox jumps over a")
    field = replace(
        WIFI.fields[0],
        choices=tuple(replace(WIFI.fields[0].choices[0], value=name) for name in names),
    )
    form = replace(WIFI, fields=(field, *WIFI.fields[1:]))
    site.show_now(replace(STATE, device="C" * 32, forms=(form,)))
    phone.open()
    assert phone.run("return document.documentElement.scrollWidth") == 320
    assert phone.run(TOO_WIDE) == []


def test_the_key_is_near_however_many_networks_there_are(phone: Phone, site: Site) -> None:
    site.show_now(replace(STATE, forms=(networks(100),)))
    phone.open()
    lines = phone.all(".list input")
    assert len(lines) == 100
    assert phone.field("Key").rect["y"] < 900
    phone.all(".list bdi")[99].click()
    assert phone.chosen().startswith("Neighbour 099")


def test_fingers_hit_what_they_aim_at(phone: Phone) -> None:
    phone.open()
    targets = phone.all(".list label,button,.tick,input[type=text],input[type=password]")
    assert len(targets) >= 9
    small = [each.get_attribute("outerHTML") for each in targets if each.rect["height"] < 44]
    assert small == []


def test_by_keyboard_alone(phone: Phone, site: Site) -> None:
    site.after = site.begins
    phone.width(1000)
    phone.open()
    phone.keys(Keys.TAB)
    assert phone.focus.accessible_name.startswith("HomeNet")
    phone.keys(Keys.ARROW_DOWN)
    assert phone.chosen().startswith("Café Größe")
    phone.keys(Keys.ARROW_UP)
    way = ["HomeNet"]
    for _ in range(6):
        assert phone.run(OUTLINE, phone.focus), f"no sign that {way[-1]} has the focus"
        phone.keys(Keys.TAB)
        way.append(phone.focus.accessible_name.split(" (")[0])
    assert way == [
        "HomeNet",
        "Name, as the router shows it",
        "Search again",
        "Key",
        "Show",
        "The network hides its name",
        "Connect",
    ]
    assert phone.chosen().startswith("HomeNet"), "passing by changes nothing"
    phone.back(2)
    phone.keys(Keys.SPACE)
    assert phone.field("Key").get_attribute("type") == "text"
    phone.back(1)
    phone.keys("a-secret-key", Keys.ENTER)
    phone.reads("HomeNet is being tried")
    assert site.submissions[0].values == {"ssid": "HomeNet", "key": "a-secret-key", "hidden": "no"}


def test_the_keyboard_is_where_something_is_wrong(phone: Phone, site: Site) -> None:
    site.verdict = lambda _: TOO_SHORT
    phone.open()
    phone.keys(Keys.TAB, Keys.SPACE, Keys.TAB, Keys.TAB, Keys.TAB, "12345", Keys.ENTER)
    phone.reads("The key has 5 characters")
    assert phone.focus.accessible_name.startswith("Key")
    site.verdict = lambda _: None
    phone.keys("a-secret-key", Keys.ENTER)
    phone.reads("HomeNet is being tried")


def test_sections_open_by_keyboard(phone: Phone, site: Site) -> None:
    site.show_now(replace(STATE, forms=(CELLULAR, WIFI)))
    phone.open()
    phone.all("summary")[1].send_keys(Keys.ENTER)
    assert phone.all("details")[1].get_attribute("open")
    phone.keys(Keys.TAB)
    assert phone.focus.accessible_name.startswith("HomeNet")

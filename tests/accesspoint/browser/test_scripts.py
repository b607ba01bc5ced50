"""The page works without scripts; with them it brings news, and takes nothing away for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from conman_core import Choice, Form
from tests.accesspoint.browser.phone import HURRY, Phone
from tests.accesspoint.browser.scenes import WORKS, WRONG_KEY, tried
from tests.accesspoint.pagekit import STATE, WIFI, Site

pytestmark = pytest.mark.browser

ASKED = (
    "return performance.getEntriesByType('resource').filter(e => e.name.endsWith('/api/status'))"
)
NEW = Form("wifi", (replace(WIFI.fields[0], choices=(Choice("Just on", 80),)), *WIFI.fields[1:]))


@pytest.fixture
def impatient(phone: Phone) -> Phone:
    """A phone whose clock runs fast."""
    phone.before_pages(HURRY)
    return phone


def asked_twice_more(phone: Phone) -> Callable[[], bool]:
    """Tell when the script has asked for news, and had time to act on the answer."""
    before = len(phone.run(ASKED))
    return lambda: len(phone.run(ASKED)) >= before + 2


def test_without_scripts_all_works_and_the_result_comes_by_itself(phone: Phone, site: Site) -> None:
    site.after = site.begins
    site.show_now(replace(STATE, leaves=False))
    phone.scripts(False)
    phone.open()
    assert "Show" not in [each.text for each in phone.all("button")], "a button that does nothing"
    phone.choose("HomeNet")
    phone.enter("Key", "a-secret-key")
    phone.press("Connect")
    phone.reads("HomeNet is being tried")
    assert site.submissions[0].values == {"ssid": "HomeNet", "key": "a-secret-key", "hidden": "no"}
    site.ends(WRONG_KEY)
    phone.reads("Wrong key for HomeNet.")
    assert phone.chosen().startswith("HomeNet ")
    assert phone.value("Key") == ""


def test_without_scripts_a_name_can_be_typed_and_the_list_searched_again(
    phone: Phone, site: Site
) -> None:
    site.after = site.begins
    phone.scripts(False)
    phone.open()
    phone.press("Search again")
    phone.press("Show the list")
    phone.enter("Name, as the router shows it", "Cellar")
    phone.press("Connect")
    phone.reads("Cellar is being tried")
    site.ends(WORKS)
    phone.press("See what came of it")
    phone.reads("Cellar works.")


def test_the_script_asks_every_three_seconds(impatient: Phone) -> None:
    impatient.open()
    assert impatient.run("return window.waits") == [3000]


def test_a_new_list_appears_by_itself(impatient: Phone, site: Site) -> None:
    impatient.open()
    site.show_now(replace(STATE, forms=(NEW,)))
    impatient.reads("Just on")


def test_a_result_appears_by_itself(impatient: Phone, site: Site) -> None:
    site.show_now(replace(STATE, attempt=tried(None)))
    impatient.open()
    site.show_now(replace(STATE, attempt=tried(WRONG_KEY)))
    impatient.reads("Wrong key for HomeNet.")


def test_nothing_is_asked_twice_for_nothing(impatient: Phone) -> None:
    impatient.open()
    impatient.run("window.same = true")
    impatient.until(asked_twice_more(impatient))
    assert impatient.run("return window.same"), "the page was loaded again without news"


def test_a_new_list_waits_for_who_is_typing(impatient: Phone, site: Site) -> None:
    impatient.open()
    impatient.choose("HomeNet")
    impatient.enter("Key", "half-a-k")
    site.show_now(replace(STATE, forms=(NEW,)))
    impatient.until(asked_twice_more(impatient))
    assert impatient.value("Key") == "half-a-k"
    assert impatient.chosen().startswith("HomeNet")


def test_who_is_typing_is_told_of_others_and_loses_nothing(impatient: Phone, site: Site) -> None:
    impatient.open()
    impatient.choose("HomeNet")
    impatient.enter("Key", "half-a-k")
    site.show_now(replace(STATE, attempt=tried(None, ssid="Guests")))
    impatient.reads("Guests is being tried")
    site.show_now(replace(STATE, attempt=tried(WRONG_KEY, ssid="Guests")))
    impatient.reads("Wrong key for Guests.")
    assert len(impatient.all("[role=alert]")) == 1
    assert impatient.value("Key") == "half-a-k"
    assert impatient.chosen().startswith("HomeNet")


def test_when_the_access_point_is_back_the_page_goes_on(impatient: Phone, site: Site) -> None:
    site.after = site.begins
    impatient.open()
    impatient.choose("HomeNet")
    impatient.press("Connect")
    impatient.reads("HomeNet is being tried")
    impatient.offline(True)
    impatient.until(asked_twice_more(impatient))
    assert "HomeNet is being tried" in impatient.text
    site.ends(WRONG_KEY)
    impatient.offline(False)
    impatient.reads("Wrong key for HomeNet.")

"""A person gets the device online through the page, or reads why not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conman_core import BadValue, Outcome
from tests.accesspoint.browser.phone import HURRY, Phone
from tests.accesspoint.browser.scenes import (
    NO_ADDRESS,
    NO_INTERNET,
    NOT_FOUND,
    ODD,
    PORTAL,
    STRANGER,
    TOO_SHORT,
    WORKS,
    WRONG_KEY,
    networks,
    tried,
)
from tests.accesspoint.pagekit import CELLULAR, STATE, WIFI, Site

pytestmark = pytest.mark.browser


def test_a_person_brings_the_device_online(phone: Phone, site: Site) -> None:
    site.after = site.begins
    site.show_now(replace(STATE, leaves=False))
    phone.before_pages(HURRY)
    phone.open()
    around = [each.accessible_name for each in phone.all(".list input")]
    assert around == [
        "HomeNet needs a key signal 4 of 4",
        "Café Größe needs a key signal 3 of 4",
        "Guests open signal 2 of 4",
        "Far away needs a key signal 1 of 4",
    ]
    phone.choose("HomeNet")
    phone.enter("Key", "a-secret-key")
    assert phone.field("Key").get_attribute("type") == "password"
    phone.press("Show")
    assert phone.field("Key").get_attribute("type") == "text"
    assert phone.value("Key") == "a-secret-key"
    phone.press("Hide")
    assert phone.field("Key").get_attribute("type") == "password"
    assert "Stay on this page after you press Connect" in phone.text
    phone.press("Connect")
    phone.reads("HomeNet is being tried\nThis takes up to a minute. Stay on this page.")
    assert [each.values for each in site.submissions] == [
        {"ssid": "HomeNet", "key": "a-secret-key", "hidden": "no"}
    ]
    site.ends(WORKS)
    phone.reads("ContinuumBridge is online\nHomeNet works.")
    assert not phone.all("form"), "there is nothing left to enter"


def test_with_one_radio_a_person_is_told_that_the_network_goes_away(
    phone: Phone, site: Site
) -> None:
    site.after = site.begins
    phone.open()
    assert "the network “ContinuumBridge” goes away for up to a minute" in phone.text
    phone.choose("Guests")
    phone.press("Connect")
    phone.reads("Guests is being tried")
    assert "If it stays away, the device is online." in phone.text
    assert "join “ContinuumBridge” again and read here why" in phone.text
    site.ends(WRONG_KEY)
    phone.press("See what came of it")
    phone.reads("Wrong key for Guests.")


@pytest.mark.parametrize(
    ("outcome", "said", "advice"),
    [
        (WRONG_KEY, "Wrong key for HomeNet.", "capital and small letters differ"),
        (NOT_FOUND, "HomeNet was not found.", "switched on and near"),
        (NO_ADDRESS, "Joined HomeNet, but the router gave no address.", "Start the router again"),
        (NO_INTERNET, "Joined HomeNet, but there is no internet there.", "the router itself"),
        (PORTAL, "Joined HomeNet, but it wants a login page", "without a login page"),
        (ODD, "HomeNet did not work.", "choose another network"),
    ],
    ids=["wrong key", "not found", "no address", "no internet", "portal", "something else"],
)
def test_who_comes_back_reads_the_truth(
    phone: Phone, site: Site, outcome: Outcome, said: str, advice: str
) -> None:
    site.show_now(replace(STATE, attempt=tried(outcome, hidden="yes")))
    phone.open()
    told = phone.one("[role=alert]").text
    assert said in told
    assert advice in told
    assert outcome.sentence in told
    assert phone.chosen().startswith("HomeNet ")
    assert phone.field("The network hides its name").is_selected()
    assert phone.value("Key") == ""
    assert "a-secret-key" not in phone.driver.page_source


def test_an_error_stands_beside_its_field(phone: Phone, site: Site) -> None:
    site.verdict = lambda _: TOO_SHORT
    phone.open()
    phone.choose("Café Größe")
    phone.enter("Key", "12345")
    phone.press("Connect")
    phone.reads("The key has 5 characters, and a WiFi key has 8 to 63")
    key = phone.field("Key")
    assert phone.focus == key
    assert key.get_attribute("aria-invalid") == "true"
    error = phone.one(f"#{key.get_attribute('aria-describedby')}")
    assert error.rect["y"] - (key.rect["y"] + key.rect["height"]) < 20, "it is right below"
    assert phone.chosen().startswith("Café Größe")
    assert phone.value("Key") == ""
    assert "12345" not in phone.driver.page_source


def test_who_chooses_nothing_is_led_to_the_list(phone: Phone, site: Site) -> None:
    phone.open()
    phone.press("Connect")
    phone.reads("This is needed.")
    assert phone.focus.accessible_name.startswith("HomeNet")
    assert not site.submissions


def test_a_network_that_is_not_in_the_list_is_typed(phone: Phone, site: Site) -> None:
    site.after = site.begins
    phone.open()
    phone.enter("Name, as the router shows it", "Cellar")
    assert phone.chosen() == "Another network", "typing a name chooses it"
    phone.field("The network hides its name").click()
    phone.enter("Key", "a-secret-key")
    phone.press("Connect")
    phone.reads("Cellar is being tried")
    assert site.submissions[0].values == {"ssid": "Cellar", "key": "a-secret-key", "hidden": "yes"}
    site.ends(NOT_FOUND)
    phone.open()
    phone.reads("Cellar was not found.")
    assert "If the network hides its name, tick that below." in phone.text
    assert phone.chosen() == "Another network"
    assert phone.value("Name, as the router shows it") == "Cellar"
    assert phone.field("The network hides its name").is_selected()


def test_an_error_of_a_typed_name_leads_to_where_it_was_typed(phone: Phone, site: Site) -> None:
    site.verdict = lambda _: BadValue("ssid", "no such name")
    phone.open()
    phone.enter("Name, as the router shows it", "Cellar")
    phone.press("Connect")
    phone.reads("no such name")
    assert phone.focus.accessible_name == "Name, as the router shows it"
    assert phone.value("Name, as the router shows it") == "Cellar"


def test_what_is_about_no_field_stands_on_top(phone: Phone, site: Site) -> None:
    site.verdict = lambda _: ValueError("error.busy")
    phone.open()
    phone.choose("HomeNet")
    phone.press("Connect")
    phone.reads("still being tried")
    alert = phone.one("[role=alert]")
    assert alert.rect["y"] + alert.rect["height"] < phone.one("form").rect["y"]
    assert phone.chosen().startswith("HomeNet")


def searches_until_the_device_does(phone: Phone, site: Site) -> None:
    """Press the button; the device searches once for whoever presses within a second."""
    before = site.looks

    def pressed() -> bool:
        phone.open()
        phone.press("Search again")
        return site.looks > before

    phone.until(pressed)


def test_searching_takes_the_network_away_and_says_so(phone: Phone, site: Site) -> None:
    searches_until_the_device_does(phone, site)
    phone.reads("goes away for some seconds meanwhile")
    phone.press("Show the list")
    phone.reads("Choose a network")


def test_with_two_radios_searching_keeps_the_page(phone: Phone, site: Site) -> None:
    site.show_now(replace(STATE, leaves=False))
    searches_until_the_device_does(phone, site)
    phone.reads("Choose a network")


def test_there_is_nothing_to_search_where_nothing_is_listed(phone: Phone, site: Site) -> None:
    for form, searches in ((CELLULAR, False), (STRANGER, True), (networks(0), True)):
        site.show_now(replace(STATE, forms=(form,)))
        phone.open()
        buttons = [each.text for each in phone.all("button")]
        assert buttons.count("Search again") == searches, form.driver
    assert "No network is in sight." in phone.text


def test_a_strangers_driver_has_its_form_too(phone: Phone, site: Site) -> None:
    site.after = site.begins
    site.show_now(replace(STATE, forms=(WIFI, CELLULAR, STRANGER)))
    phone.open()
    sections = phone.all("details")
    assert [each.find_element("tag name", "summary").text for each in sections] == [
        "WiFi",
        "Cellular",
        "lora",
    ]
    assert [each.get_attribute("open") for each in sections] == ["true", None, None]
    sections[2].find_element("tag name", "summary").click()
    phone.field("Region").send_keys("US915")
    phone.enter("Join code", "a-secret-code")
    phone.field("Relay for others").click()
    sections[2].find_element("css selector", ".go").click()
    phone.reads("US915 is being tried")
    assert [(each.driver, each.values) for each in site.submissions] == [
        ("lora", {"region": "US915", "code": "a-secret-code", "note": "", "relay": "yes"})
    ]
    site.ends(ODD)
    phone.open()
    phone.reads("US915 did not work.")
    assert [each.get_attribute("open") for each in phone.all("details")] == [None, None, "true"]
    assert phone.value("Region") == "US915"
    assert phone.value("Join code") == ""

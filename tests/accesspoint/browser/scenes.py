"""Everything that the page can look like; each scene brings one about on a phone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from conman_core import BadValue, Choice, Form, FormField, Outcome, Reason, Verdict
from conman_plugins.accesspoint import attempts
from conman_plugins.accesspoint.page.state import Attempt
from tests.accesspoint.browser.phone import Phone
from tests.accesspoint.pagekit import CELLULAR, STATE, WIFI, Site

Scene = Callable[[Phone, Site], None]

ENTERED = {"ssid": "HomeNet", "key": "a-secret-key", "hidden": "no"}
TOO_SHORT = BadValue(
    "key",
    "the key has 5 characters, and a WiFi key has 8 to 63 (or 64 hex digits);"
    " look it up on the router",
)
#: a driver of somebody who is not known here
STRANGER = Form(
    "lora",
    (
        FormField("region", "Region", "choice", (Choice("EU868"), Choice("US915"))),
        FormField("code", "Join code", "secret"),
        FormField("note", "Note", required=False),
        FormField("relay", "Relay for others", "switch", required=False),
    ),
)
WORKS = Outcome(Verdict.ONLINE, None, "1.1.1.1 answers")
WRONG_KEY = Outcome(None, Reason.WRONG_KEY, "wrong key for HomeNet: it refused the key once")
NOT_FOUND = Outcome(None, Reason.NOT_FOUND, "HomeNet is not in sight")
NO_ADDRESS = Outcome(None, Reason.NO_ADDRESS, "no answer of a DHCP server within 20 s")
NO_INTERNET = Outcome(Verdict.OFFLINE, None, "nothing answers")
PORTAL = Outcome(Verdict.PORTAL, None, "a login page answers in place of the internet")
ODD = Outcome(None, Reason.BROKEN, "the driver ended in the middle of it")


def networks(count: int) -> Form:
    """The form of the WiFi driver where so many networks are in sight, with the longest names."""
    around = tuple(
        Choice(f"Neighbour {number:03} of the long floor"[:32], 100 - number % 100, number % 5 > 0)
        for number in range(count)
    )
    return Form("wifi", (FormField("ssid", "Network", choices=around), *WIFI.fields[1:]))


def tried(outcome: Outcome | None, **entered: str) -> Attempt:
    """What is kept of a try of what was entered; None: it goes on."""
    begun = attempts.describe(1, "wifi", ENTERED | entered, (WIFI,))
    return attempts.concluded(begun, outcome) if outcome else begun


def state(**changes: Any) -> Scene:
    """The page as it is opened in a state."""

    def bring_about(phone: Phone, site: Site) -> None:
        site.show_now(replace(STATE, **changes))
        phone.open()

    return bring_about


def _field_error(phone: Phone, site: Site) -> None:
    site.verdict = lambda _: TOO_SHORT
    state()(phone, site)
    phone.run("document.querySelector('input[type=radio]').checked = true")
    phone.run("document.querySelector('.go').click()")
    phone.until(lambda: phone.all(".err"))


def _busy(phone: Phone, site: Site) -> None:
    site.verdict = lambda _: ValueError("error.busy")
    state()(phone, site)
    phone.run("document.querySelector('input[type=radio]').checked = true")
    phone.run("document.querySelector('.go').click()")
    phone.until(lambda: phone.all(".bad"))


def _searching(phone: Phone, site: Site) -> None:
    state()(phone, site)
    phone.run("document.querySelector('button[form=look]').click()")
    phone.until(lambda: phone.all("a.button"))


SCENES: dict[str, Scene] = {
    "start": state(),
    "start-with-two-radios": state(leaves=False),
    "nothing-in-sight": state(forms=(networks(0),)),
    "many-networks": state(forms=(networks(25),)),
    "several-forms": state(forms=(WIFI, CELLULAR, STRANGER)),
    "cellular-alone": state(forms=(CELLULAR,)),
    "list-is-being-searched": state(leaves=False, looking=True),
    "searching": _searching,
    "field-error": _field_error,
    "busy": _busy,
    "trying": state(attempt=tried(None)),
    "trying-with-two-radios": state(attempt=tried(None), leaves=False),
    "wrong-key": state(attempt=tried(WRONG_KEY)),
    "not-found": state(attempt=tried(NOT_FOUND, ssid="Cellar", hidden="yes")),
    "no-address": state(attempt=tried(NO_ADDRESS)),
    "no-internet": state(attempt=tried(NO_INTERNET)),
    "portal": state(attempt=tried(PORTAL)),
    "another-reason": state(attempt=tried(ODD)),
    "online": state(attempt=tried(WORKS)),
}

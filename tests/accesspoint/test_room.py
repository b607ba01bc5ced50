"""Where the access point is while a network is tried on the same radio."""

from __future__ import annotations

from dataclasses import replace

import pytest

from conman_core import Choice, Form, FormField
from conman_plugins.accesspoint.plan import Plan
from conman_plugins.accesspoint.room import make_room
from tests.accesspoint.kit import ALONE, TOGETHER, submission

NETWORKS = (
    Choice("Near", 90, True, 2437),
    Choice("Fast", 80, True, 5180),
    Choice("Thirteen", 70, True, 2472),
    Choice("Unknown", 60, True, None),
    Choice("Twice", 50, True, None),
    Choice("Twice", 40, True, 2412),
)
FORMS = (
    Form("wwan", (FormField("ssid", "not this", choices=(Choice("Near", frequency=2412),)),)),
    Form("wifi", (FormField("ssid", "Network", choices=NETWORKS), FormField("key", "Key"))),
)


def room(plan: Plan | None, name: str, *, leaves: bool = False) -> tuple[bool, int | None]:
    return make_room(plan, FORMS, submission(ssid=name, key="Fast"), leaves=leaves)


@pytest.mark.parametrize("leaves", [True, False])
def test_a_radio_of_its_own_stays_and_the_only_one_goes(leaves: bool) -> None:
    assert room(ALONE, "Near", leaves=leaves) == (leaves, None)
    assert room(None, "Near", leaves=leaves) == (leaves, None)


def test_one_that_works_on_two_channels_stays_where_it_is() -> None:
    assert room(replace(TOGETHER, one_channel=False), "Fast") == (False, None)


@pytest.mark.parametrize(("name", "frequency"), [("Near", 2437), ("Twice", 2412)])
def test_on_one_channel_it_moves_to_the_networks(name: str, frequency: int) -> None:
    assert room(TOGETHER, name) == (False, frequency)


@pytest.mark.parametrize("name", ["Fast", "Thirteen", "Unknown", "typed by hand", ""])
def test_it_goes_if_it_cannot_be_where_the_network_is(name: str) -> None:
    assert room(TOGETHER, name) == (True, None)

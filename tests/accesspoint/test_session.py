"""One time of asking: what is opened, what the page shows at each moment, and what is tried."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from conman_core import BadValue, Choice, ConnectError, Form, FormField, Outcome, Reason
from conman_core.errors import ConmanError, DriverBug
from conman_core.plugin import Loan, OnAir
from conman_plugins.accesspoint.plan import OWN
from tests.accesspoint.kit import (
    EMPTY,
    ENTERED,
    NO_INTERNET,
    TOGETHER,
    WIFI,
    WORKS,
    WRONG_KEY,
    submission,
)
from tests.accesspoint.sessionkit import Stage, story
from tests.core.machine import until

BOTH = (Loan("wlan1", "wifi:wlan1"), Loan("wlan0", "wifi:wlan0"))
FIVE = Form("wifi", (FormField("ssid", "Network", choices=(Choice("HomeNet", 90, True, 5180),)),))


async def nothing_more(stage: Stage) -> None:
    await stage.on_air()


# -- it opens


def test_a_person_finds_it_and_is_told_what_there_is() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        assert stage.core.shown == OnAir("Box", "wlan0", "10.0.0.1", 0, 600.0)
        assert stage.state.device == "Box"
        assert stage.state.forms == (WIFI,)
        assert stage.state.portal == "192.0.2.1"
        assert (stage.state.leaves, stage.state.looking, stage.state.attempt) == (True, False, None)

    ended = story(tale, texts={"ssid": "Box", "timeout": "10m"})
    assert ended.core.happened == ["borrow wlan0", "open", "close", "give back wlan0"]
    assert ended.core.given_up == []


def test_the_only_radio_looks_around_before_it_serves() -> None:
    """As an access point alone it hears no more, and there would be nothing to choose from."""
    ended = story(nothing_more, core={"offered": (EMPTY,)})
    assert ended.core.happened[:3] == ["look", "borrow wlan0", "open"]


def test_what_is_known_already_costs_no_look() -> None:
    assert "look" not in story(nothing_more).core.happened


@pytest.mark.parametrize("more", [{"plan": TOGETHER}, {"core": {"radios": BOTH}}])
def test_one_that_can_look_later_opens_at_once(more: dict[str, object]) -> None:
    more = {**more, "core": {"offered": (EMPTY,), **more.get("core", {})}}  # type: ignore[dict-item]
    assert "look" not in story(nothing_more, **more).core.happened


def test_beside_the_client_it_has_an_interface_of_its_own_and_shares_the_radio() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        assert stage.core.lent == {"wlan0": True}
        assert (stage.core.shown or OnAir("", "", "")).interface == OWN
        assert not stage.state.leaves

    story(tale, plan=TOGETHER)


def test_of_two_radios_the_first_that_can_is_used() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        assert stage.core.lent == {"wlan0": False}
        assert not stage.state.leaves, "the other one tries what is entered"

    trouble = ConnectError(Reason.NO_DEVICE, "wlan1 cannot be an access point")
    story(tale, core={"radios": BOTH}, plans={"wlan1": trouble})
    story(tale, core={"radios": BOTH, "busy": {"wlan1"}})
    busy = (replace(BOTH[0], sentence="NetworkManager has wlan1"), BOTH[1])
    story(tale, core={"radios": busy})


def test_the_radio_that_the_user_named_is_used() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        assert stage.core.lent == {"wlan0": False}

    story(tale, core={"radios": BOTH}, texts={"interface": "wlan0"})


@pytest.mark.parametrize(
    ("core", "texts", "sentence"),
    [
        ({"radios": ()}, {}, "there is no WiFi radio for an access point; see: conman probe"),
        (
            {"radios": BOTH},
            {"interface": "wlan7"},
            "wlan7 is no radio that can be had; there are: wlan1, wlan0",
        ),
        ({"busy": {"wlan0"}}, {}, "driver wifi does not let go of wlan0"),
        (
            {"radios": (replace(BOTH[0], sentence="NetworkManager has wlan1"), BOTH[1]),
             "busy": {"wlan0"}},
            {},
            "NetworkManager has wlan1; driver wifi does not let go of wlan0",
        ),
    ],
    ids=["none", "not the named one", "not lent", "each for its reason"],
)  # fmt: skip
def test_where_it_cannot_open_it_says_why_and_leaves_everything(
    core: dict[str, object], texts: dict[str, str], sentence: str
) -> None:
    async def tale(stage: Stage) -> None:
        await until(stage.task.done)
        assert stage.clean()

    assert story(tale, core=core, texts=texts).core.given_up == [sentence]


# -- what a person enters


def test_what_the_driver_refuses_is_answered_and_nothing_is_tried() -> None:
    problem = BadValue("key", "a key has 8 to 63 characters")

    async def tale(stage: Stage) -> None:
        await stage.on_air()
        await stage.submit(7)
        assert stage.part.answers == [(7, problem)]
        await asyncio.sleep(10)
        assert stage.state.attempt is None

    assert "try HomeNet" not in story(tale, core={"refuses": problem}).core.happened


@pytest.mark.parametrize("error", [DriverBug("driver wifi hangs"), ConmanError("no such driver")])
def test_a_driver_that_cannot_even_check_is_answered_in_its_words(error: ConmanError) -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        await stage.submit()
        ((_, said),) = stage.part.answers
        assert type(said) is ValueError
        assert str(said) == str(error)
        stage.core.refuses = None
        stage.part.answers.clear()
        await stage.submit(2)
        assert stage.part.answers == [(2, None)], "the next one is tried"

    story(tale, core={"refuses": error})


def test_the_page_tells_what_comes_before_it_goes_and_the_truth_when_it_is_back() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        part = stage.part
        part.joined()
        await stage.submit(3)
        assert part.answers == [(3, None)]
        shown = part.states[-1].attempt
        assert shown
        assert (shown.phase, shown.title, part.states[-1].leaves) == ("trying", "HomeNet", True)
        await until(lambda: part not in stage.up)
        assert "try HomeNet" in stage.core.happened
        await stage.on_air()
        result = stage.state.attempt
        assert result
        assert (result.phase, result.reason) == ("failed", "WRONG_KEY")
        assert result.values == {"ssid": "HomeNet"}, "filled in, but for the key"
        assert ENTERED["key"] not in repr(stage.state)
        await until(lambda: stage.core.attended == 2, 1)

    ended = story(tale)
    assert ended.core.happened == [
        *("borrow wlan0", "open", "close", "try HomeNet"),
        *("borrow wlan0", "open", "close", "give back wlan0"),
    ]
    assert [event["state"] for _, event in ended.core.said] == ["trying", "failed"]


def test_what_works_is_told_and_the_core_ends_it() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        await stage.submit()
        await until(lambda: stage.session.attempt.phase == "online")
        await asyncio.sleep(30)
        assert not stage.up, "it does not take the radio from the link that works"

    ended = story(tale, core={"outcomes": [WORKS]})
    assert [sentence for sentence, _ in ended.core.said][-1] == "HomeNet works"


def test_a_network_without_internet_is_told_and_the_page_comes_back() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        await stage.submit()
        await until(lambda: not stage.up)
        await stage.on_air()
        assert stage.state.attempt
        assert stage.state.attempt.phase == "limited"
        assert stage.core.lent == {"wlan0": False}

    story(tale, core={"outcomes": [NO_INTERNET]})


@pytest.mark.parametrize(
    "error", [ConmanError("the disk is full"), ValueError("no"), BadValue("key", "no")]
)
def test_a_try_that_cannot_be_made_is_a_failure_like_others(error: Exception) -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        await stage.submit()
        await until(lambda: stage.session.attempt.phase == "failed")
        await stage.on_air()
        assert stage.state.attempt
        assert stage.state.attempt.sentence == str(error)

    story(tale, core={"outcomes": [error]})


def test_a_second_person_is_told_to_wait_at_once() -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        part = stage.part
        part.guests.submitted(submission(1))
        part.guests.submitted(submission(2, ssid="Other", key="another-key"))
        (answer,) = part.answers
        assert answer[0] == 2
        assert str(answer[1]) == "error.busy"
        await until(lambda: len(part.answers) == 2)
        assert part.answers[1] == (1, None)

    assert "try Other" not in story(tale).core.happened


def test_tries_are_numbered() -> None:
    async def tale(stage: Stage) -> None:
        for number in (1, 2, 3):
            await stage.on_air()
            await stage.submit(number)
            await until(lambda: stage.session.attempt.phase == "failed")
            assert stage.session.attempt.number == number

    story(tale, core={"outcomes": [WRONG_KEY]})


# -- where the access point is meanwhile


@pytest.mark.parametrize("outcome", [WRONG_KEY, NO_INTERNET])
def test_a_second_radio_keeps_it_on_the_air(outcome: Outcome) -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        part = stage.part
        await stage.submit()
        await until(lambda: stage.session.attempt.phase != "trying")
        await until(lambda: part.states[-1].attempt == stage.session.attempt)
        assert stage.part is part
        await until(lambda: stage.core.lent == {"wlan1": False})

    ended = story(tale, core={"radios": BOTH, "outcomes": [outcome]})
    assert ended.core.happened.count("open") == 1


@pytest.mark.parametrize(
    ("form", "moves", "happened"),
    [
        (WIFI, True, ["move to 2437", "try HomeNet"]),
        (WIFI, False, ["move to 2437", "close", "try HomeNet"]),
        (FIVE, True, ["close", "try HomeNet"]),
    ],
    ids=["it goes along", "the radio refuses", "another band"],
)
def test_on_one_channel_it_goes_to_the_networks_or_away(
    form: Form, moves: bool, happened: list[str]
) -> None:
    async def tale(stage: Stage) -> None:
        await stage.on_air()
        part = stage.part
        await stage.submit()
        assert part.states[-1].leaves is (form is FIVE)
        await until(lambda: stage.session.attempt.phase == "failed")
        await stage.on_air()
        await until(lambda: stage.core.lent == {"wlan0": True})
        assert not stage.state.leaves

    ended = story(tale, plan=TOGETHER, core={"offered": (form,)}, moves=moves)
    assert ended.core.happened[2 : 2 + len(happened)] == happened

"""What drivers ask for is shown, and what a person entered reaches the right one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conman_core.errors import BadValue, ConmanError, ConnectError, DriverBug
from conman_core.forms import LONGEST_VALUE, Forms
from conman_core.model import FormField, Reason


class Guard:
    """A driver that is called without a thread."""

    def __init__(self, name: str, answer: Any) -> None:
        self.name = name
        self.answer = answer
        self.got: list[Any] = []

    async def call(self, method: str, *args: Any) -> Any:
        self.got.append((method, *args))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Drivers:
    def __init__(self, *guards: Guard) -> None:
        self.guards = {guard.name: guard for guard in guards}


def forms(*guards: Guard, lent: str = "") -> Forms:
    return Forms(Drivers(*guards), lambda driver: driver == lent)  # type: ignore[arg-type]


KEY = FormField("key", "Key", "secret")


def test_each_driver_with_fields_has_a_form() -> None:
    made = forms(Guard("wifi", (KEY,)), Guard("ethernet", ()))
    (form,) = asyncio.run(made.forms({}))["forms"]
    assert form["driver"] == "wifi"
    assert form["fields"][0]["name"] == "key"
    assert form["fields"][0]["kind"] == "secret"


def test_a_driver_that_fails_costs_only_its_own_form() -> None:
    made = forms(Guard("acme", DriverBug("it fell over")), Guard("wifi", (KEY,)))
    assert [form["driver"] for form in asyncio.run(made.forms({}))["forms"]] == ["wifi"]


def test_values_reach_the_driver_that_is_named() -> None:
    wifi, other = Guard("wifi", None), Guard("other", None)
    asyncio.run(forms(wifi, other).apply({"driver": "wifi", "values": {"key": "x"}}))
    assert wifi.got == [("apply", {"key": "x"})]
    assert other.got == []


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("a key has 8 to 63 characters"), "a key has 8 to 63 characters"),
        (ConnectError(Reason.WRONG_KEY, "wrong key for Home"), "wrong key for Home"),
    ],
)
def test_what_the_driver_says_against_it_is_told(error: Exception, text: str) -> None:
    with pytest.raises(ConmanError, match=text):
        asyncio.run(forms(Guard("wifi", error)).apply({"driver": "wifi", "values": {}}))


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"driver": "none", "values": {}},
        {"driver": "wifi"},
        {"driver": "wifi", "values": []},
        {"driver": "wifi", "values": {"key": 7}},
        {"driver": "wifi", "values": {"key": "s" * (LONGEST_VALUE + 1)}},
    ],
)
def test_anything_else_is_refused_without_saying_a_value(request_: dict[str, Any]) -> None:
    wifi = Guard("wifi", None)
    with pytest.raises(ConmanError) as caught:
        asyncio.run(forms(wifi).apply(request_))
    assert wifi.got == []
    assert "sss" not in str(caught.value)


@pytest.mark.parametrize("error", [DriverBug("it hangs"), ConnectError(Reason.BUSY, "busy")])
def test_all_drivers_look_around_whatever_one_does(error: Exception) -> None:
    one, two = Guard("acme", error), Guard("wifi", None)
    asyncio.run(forms(one, two).look())
    assert one.got == two.got == [("look",)]


def test_drivers_look_around_all_at_once() -> None:
    began: list[str] = []
    both = asyncio.Event()

    class Slow(Guard):
        async def call(self, method: str, *args: Any) -> Any:
            began.append(self.name)
            if len(began) == 2:
                both.set()
            await asyncio.wait_for(both.wait(), 5)

    asyncio.run(forms(Slow("one", None), Slow("two", None)).look())
    assert sorted(began) == ["one", "two"]


def test_values_are_checked_without_being_tried() -> None:
    wifi = Guard("wifi", None)
    asyncio.run(forms(wifi).validate("wifi", {"key": "x"}))
    assert wifi.got == [("validate", {"key": "x"})]


def test_what_a_person_may_correct_keeps_its_field() -> None:
    problem = BadValue("key", "a key has 8 to 63 characters")
    for ask in ("validate", "try_out"):
        with pytest.raises(BadValue) as caught:
            asyncio.run(getattr(forms(Guard("wifi", problem)), ask)("wifi", {"key": "x"}))
        assert caught.value is problem


@pytest.mark.parametrize("ask", ["validate", "try_out"])
def test_a_driver_that_is_not_in_use_is_told_with_those_that_are(ask: str) -> None:
    made = forms(Guard("wifi", None), Guard("wwan", None))
    with pytest.raises(ConmanError, match="no such driver; in use: wifi, wwan"):
        asyncio.run(getattr(made, ask)("acme", {}))
    with pytest.raises(ConmanError, match="in use: none"):
        asyncio.run(getattr(forms(), ask)("acme", {}))


def test_a_radio_that_is_an_access_point_takes_nothing_from_the_command_line() -> None:
    wifi, wwan = Guard("wifi", None), Guard("wwan", None)
    made = forms(wifi, wwan, lent="wifi")
    with pytest.raises(ConmanError, match="the radio is an access point now"):
        asyncio.run(made.apply({"driver": "wifi", "values": {}}))
    asyncio.run(made.apply({"driver": "wwan", "values": {}}))
    assert (wifi.got, wwan.got) == ([], [("apply", {})])

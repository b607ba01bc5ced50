"""Whatever drivers offer, the page gets a state that it takes, in one message."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conman_core import Choice, Form, FormField
from conman_plugins.accesspoint.page.state import (
    LARGEST,
    LONGEST,
    MOST_CHOICES,
    MOST_FIELDS,
    MOST_FORMS,
    State,
    fitting,
    from_message,
    to_message,
)
from tests.accesspoint.pagekit import CELLULAR, STATE, WIFI, attempt


def arrives(state: State) -> State:
    """What the page gets of a state."""
    message = to_message(fitting(state))
    assert len(message) <= LARGEST
    return from_message(message)


def test_an_everyday_state_arrives_whole() -> None:
    state = replace(STATE, forms=(WIFI, CELLULAR), attempt=attempt())
    assert arrives(state) == state


@pytest.mark.parametrize("count", [100, MOST_CHOICES, MOST_CHOICES + 1, 20_000])
@pytest.mark.parametrize("name", ["Net {}", "\N{GRINNING FACE}" * 8 + "{}", "\0" * 32 + "{}"])
def test_of_a_long_list_the_beginning_arrives(count: int, name: str) -> None:
    offered = tuple(Choice(name.format(number), 100, True, 2412) for number in range(count))
    field = FormField("ssid", "Network", choices=offered)
    got = arrives(replace(STATE, forms=(Form("wifi", (field, *WIFI.fields[1:])),)))
    (form,) = got.forms
    choices = form.fields[0].choices
    assert choices == offered[: len(choices)]
    assert len(choices) >= min(count, 64)
    assert form.fields[1:] == WIFI.fields[1:]


STRANGE = {
    "a signal below nothing": FormField("a", "A", choices=(Choice("x", strength=-1),)),
    "a signal in fractions": FormField("a", "A", choices=(Choice("x", strength=0.5),)),  # type: ignore[arg-type]
    "a number as a value": FormField("a", "A", choices=(Choice(7),)),  # type: ignore[arg-type]
    "an endless value": FormField("a", "A", choices=(Choice("x" * (LONGEST + 1)),)),
    "an endless label": FormField("a", "A" * (LONGEST + 1)),
    "no label": FormField("a", None),  # type: ignore[arg-type]
    "perhaps required": FormField("a", "A", required=1),  # type: ignore[arg-type]
    "bytes": FormField("a", b"A"),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("field", STRANGE.values(), ids=STRANGE.keys())
def test_a_form_that_cannot_be_shown_is_left_out_alone(field: FormField) -> None:
    state = replace(STATE, forms=(Form("acme", (field,)), WIFI))
    assert [form.driver for form in arrives(state).forms] == ["wifi"]


def test_too_many_forms_and_fields_are_left_out() -> None:
    forms = tuple(replace(WIFI, driver=f"driver{number}") for number in range(MOST_FORMS + 5))
    assert arrives(replace(STATE, forms=forms)).forms == forms[:MOST_FORMS]
    large = Form("acme", tuple(FormField(str(n), "x") for n in range(MOST_FIELDS + 1)))
    assert arrives(replace(STATE, forms=(large, WIFI))).forms == (WIFI,)


def test_a_kind_of_field_that_is_not_known_is_a_text() -> None:
    form = Form("acme", (FormField("colour", "Colour", kind="wheel"),))
    assert arrives(replace(STATE, forms=(form,))).forms[0].fields[0].kind == "text"


def test_a_long_story_of_a_driver_is_cut() -> None:
    got = arrives(replace(STATE, attempt=attempt(sentence="x" * 5000)))
    assert got.attempt
    assert got.attempt.sentence == "x" * LONGEST


names = st.text(max_size=60) | st.just("\0" * 900)
offers = st.builds(Choice, names, st.integers(-2, 200) | st.none(), st.booleans(), st.none())
fields = st.builds(
    FormField,
    names,
    names,
    st.sampled_from(["text", "choice", "odd"]),
    st.lists(offers, max_size=3).map(lambda few: tuple(few) * 25),
    st.booleans(),
)
forms = st.builds(Form, st.text(max_size=9), st.lists(fields, max_size=2).map(tuple))


@given(st.lists(forms, max_size=3).map(tuple))
@settings(max_examples=15)
def test_any_forms_arrive_as_far_as_they_fit(drawn: tuple[Form, ...]) -> None:
    arrives(replace(STATE, forms=drawn))

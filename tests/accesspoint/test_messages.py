"""Both ends of the socket read only what they know."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import Choice, Form, FormField
from conman_plugins.accesspoint.page.messages import (
    Answer,
    Fault,
    FromPage,
    Look,
    Ready,
    Seen,
    Submission,
    Told,
    answer,
    fault_of,
    from_page,
    pack,
)
from conman_plugins.accesspoint.page.state import Attempt, State, from_message, to_message
from tests.accesspoint.pagekit import CELLULAR, STATE, WIFI, attempt

texts = st.text(max_size=40)
choices = st.builds(
    Choice,
    texts,
    st.none() | st.integers(0, 100),
    st.booleans(),
    st.none() | st.integers(0, 99999),
)
fields = st.builds(
    FormField,
    texts,
    texts,
    st.sampled_from(["text", "secret", "choice", "switch"]),
    st.lists(choices, max_size=4).map(tuple),
    st.booleans(),
)
forms = st.builds(Form, texts, st.lists(fields, max_size=4).map(tuple))
attempts = st.builds(
    Attempt,
    st.integers(0, 2**40),
    texts,
    texts,
    st.dictionaries(texts, texts, max_size=4),
    st.sampled_from(["trying", "online", "failed", "limited", "portal"]),
    st.none() | texts,
    texts,
)
states = st.builds(
    State,
    texts,
    texts,
    texts,
    st.lists(forms, max_size=3).map(tuple),
    st.booleans(),
    st.none() | attempts,
    st.booleans(),
)


@given(states)
def test_a_state_arrives_as_it_was_sent(state: State) -> None:
    assert from_message(to_message(state)) == state


@pytest.mark.parametrize(
    "message",
    [
        Submission(3, "wifi", {"ssid": "HomeNet"}),
        Told(3),
        Look(),
        Seen(),
        Ready(),
        Fault("KeyError in view.py, line 7"),
    ],
)
def test_a_message_arrives_as_it_was_sent(message: FromPage) -> None:
    assert from_page(pack(message)) == message


def test_an_answer_arrives_as_it_was_sent() -> None:
    said = Answer(7, ok=False, field="key", sentence="too short")
    assert answer(pack(said)) == said


def test_a_fault_without_a_place_is_a_fault() -> None:
    assert fault_of(RuntimeError("text")) == Fault("RuntimeError in nowhere, line 0")


RUBBISH = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"{" * 5000,
    b'{"type": "shutdown"}',
    b'{"type": "look", "more": 1}',
    b'{"type": ["look"]}',
    b'{"type": "told", "id": true}',
    b'{"type": "told", "id": -1}',
    b'{"type": "told", "id": 1e9}',
    b'{"type": "told", "id": 9999999999999999999999999999}',
    b'{"type": "fault", "where": "' + b"x" * 2000 + b'"}',
    b'{"type": "fault", "where": null}',
    b'{"type": "answer", "id": 1, "ok": true, "field": null, "sentence": ""}',
    b'{"type": "state"}',
    b'{"type": "look"}' + b" " * 70_000,
    b"1" * 5000,
    b'{"type": "submission", "id": 1, "driver": "wifi", "values": {"a": 1}}',
    b'{"type": "submission", "id": 1, "driver": "wifi", "values": []}',
    json.dumps(
        {"type": "submission", "id": 1, "driver": "wifi", "values": {str(n): "" for n in range(99)}}
    ).encode(),
    json.dumps({"type": "submission", "id": 1, "driver": "x" * 2000, "values": {}}).encode(),
]


@pytest.mark.parametrize("data", RUBBISH)
def test_rubbish_of_the_page_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^(no|too) "):
        from_page(data)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (from_page, from_message, answer):
        try:
            read(data)
        except ValueError:
            continue


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(sorted(json.loads(to_message(STATE)))), json_values)
def test_a_state_with_any_one_part_changed_is_read_or_refused(name: str, value: object) -> None:
    raw = json.loads(to_message(replace(STATE, attempt=attempt(), forms=(WIFI, CELLULAR))))
    raw[name] = value
    try:
        from_message(json.dumps(raw).encode())
    except ValueError:
        return

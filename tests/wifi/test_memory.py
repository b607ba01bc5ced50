"""Where networks were met is remembered, within bounds, whatever the file holds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core.testing import FakeStore
from conman_plugins.wifi.memory import MOST_CHANNELS, MOST_NETWORKS, Memory
from conman_plugins.wifi.network import Network

HOME = Network(b"Home", "secret-key")


def test_a_channel_where_a_network_was_joined_is_remembered_across_restarts() -> None:
    store = FakeStore()
    Memory(store).met(b"Home", {2437})
    assert Memory(store).frequencies([HOME]) == [2437]
    assert Memory(store).frequencies([Network(b"Other", None)]) == []


def test_a_known_channel_costs_no_write() -> None:
    store = FakeStore()
    memory = Memory(store)
    memory.met(b"Home", {2437, 5180})
    memory.met(b"Home", {2437})
    assert len(store.saves) == 1


def test_a_disabled_network_is_not_looked_for() -> None:
    memory = Memory(FakeStore())
    memory.met(b"Home", {2437})
    assert memory.frequencies([Network(b"Home", "secret-key", disabled=True)]) == []


def test_the_latest_channels_and_networks_are_kept() -> None:
    store = FakeStore()
    memory = Memory(store)
    for number in range(100):
        memory.met(b"Home", {2400 + number})
        memory.met(str(number).encode(), {2412})
    assert len(memory.frequencies([HOME])) == MOST_CHANNELS
    assert 2499 in memory.frequencies([HOME])
    assert len(store.load()["frequencies"]) == MOST_NETWORKS


@pytest.mark.parametrize("found", [None, 7, [], {"486f6d65": "x"}, {"486f6d65": [True, "a", -1]}])
def test_a_file_with_rubbish_is_an_empty_memory(found: Any) -> None:
    store = FakeStore()
    store.save({"frequencies": found})
    assert Memory(store).frequencies([HOME]) == []


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers(), st.lists)))
def test_nothing_in_the_file_stops_the_driver(values: dict[str, Any]) -> None:
    store = FakeStore()
    store.save({"frequencies": values})
    Memory(store).met(b"Home", {2412})
    assert 2412 in Memory(store).frequencies([HOME])

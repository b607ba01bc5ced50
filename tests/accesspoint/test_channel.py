"""The channel that others use least, among those on which an access point may be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conman_plugins.accesspoint.channel import PREFERRED, least_used, number, usable

few = hypothesis_settings(max_examples=40)
ALL = tuple(range(2412, 2473, 5))
frequencies = st.sampled_from((*ALL, 2484, 5180, 5955))
neighbours = st.lists(st.tuples(frequencies, st.floats(-110, -10)), max_size=30)


@pytest.mark.parametrize(
    ("frequency", "channel"), [(2412, 1), (2437, 6), (2462, 11), (2467, 12), (2472, 13)]
)
def test_each_frequency_has_its_number(frequency: int, channel: int) -> None:
    assert number(frequency) == channel


@pytest.mark.parametrize(
    ("heard", "channel"),
    [
        ([], 1),
        ([(2412, -60.0)], 6),
        ([(2412, -60.0), (2437, -60.0)], 11),
        ([(2412, -40.0), (2437, -90.0), (2462, -40.0)], 6),
        ([(2412, -80.0)] * 9 + [(2437, -30.0), (2462, -30.0)], 1),
        ([(2422, -50.0), (2437, -70.0), (2462, -70.0)], 11),
        ([(5180, -20.0), (5500, -20.0)], 1),
    ],
    ids=["silence", "one", "two", "weak", "many far ones", "between two", "another band"],
)
def test_the_quietest_of_three_is_chosen(heard: list[tuple[int, float]], channel: int) -> None:
    found = least_used(ALL, heard)
    assert found
    assert number(found) == channel


@few
@given(neighbours)
def test_it_is_always_one_that_does_not_overlap_the_others(heard: list[tuple[int, float]]) -> None:
    assert least_used(ALL, heard) in PREFERRED


@few
@given(st.sets(frequencies), neighbours)
def test_it_is_never_one_that_is_not_allowed(
    allowed: set[int], heard: list[tuple[int, float]]
) -> None:
    found = least_used(allowed, heard)
    assert found is None or (found in allowed and usable(found, allowed))
    assert (found is None) == (not any(usable(each, allowed) for each in allowed))


@few
@given(neighbours, st.sampled_from(PREFERRED))
def test_one_more_neighbour_drives_nobody_towards_it(
    heard: list[tuple[int, float]], at: int
) -> None:
    before = least_used(ALL, heard)
    after = least_used(ALL, [*heard, (at, -40.0)])
    assert after == before or after != at


def test_where_only_others_are_allowed_the_quietest_of_them_is_taken() -> None:
    assert least_used({2417, 2447}, [(2417, -50.0)]) == 2447
    assert least_used({2484, 5180}, []) is None


@pytest.mark.parametrize("frequency", [2407, 2477, 2484, 5180, 0])
def test_outside_of_channels_1_to_13_there_is_no_access_point(frequency: int) -> None:
    assert not usable(frequency, {frequency})


def test_a_channel_that_is_not_allowed_is_not_usable() -> None:
    assert usable(2472, {2472})
    assert not usable(2472, {2412})

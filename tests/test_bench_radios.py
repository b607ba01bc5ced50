"""The bench's figures of radios: their names, and how a beacon is told from other frames."""

from __future__ import annotations

import pytest

from script.lib.bench.inside import TRIALS
from script.lib.bench.witness import beacon_of

RADIOTAP = bytes([0, 0, 12, 0]) + bytes(8)
BEACON = bytes([0x80, 0]) + bytes(22) + bytes(12)


def test_names_of_trials_and_of_their_figures_are_unique_and_fit_the_table() -> None:
    assert {"provision-air", "provision-try", "provision-key", "provision-size"} < TRIALS.keys()
    for trial in TRIALS.values():
        keys = [figure.key for figure in trial.figures]
        assert len(set(keys)) == len(keys)
        assert len(trial.name) <= 14


@pytest.mark.parametrize("name", [b"ContinuumBridge", b"", b"\0\xff"])
def test_a_beacon_has_a_name(name: bytes) -> None:
    frame = RADIOTAP + BEACON + bytes([0, len(name)]) + name + bytes([1, 2, 3, 4])
    assert beacon_of(frame) == name


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        RADIOTAP,
        RADIOTAP + bytes([0x40]) + BEACON[1:] + bytes([0, 2]) + b"ab",  # a probe request
        RADIOTAP + BEACON[:-1],
        RADIOTAP + BEACON + bytes([5, 2]) + b"ab",  # without a name
    ],
)
def test_what_is_no_beacon_has_none(frame: bytes) -> None:
    assert beacon_of(frame) is None

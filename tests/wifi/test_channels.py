"""Channels and bands by their frequency, and which are quick to look at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_plugins.wifi.channels import band_of, by_haste, channel_of

#: as wpa_supplicant 2.10 answers GET_CAPABILITY freq
CAPABILITY = """\
Mode[G] Channels:
 1 = 2412 MHz
 13 = 2472 MHz (NO_IR)
Mode[A] Channels:
 36 = 5180 MHz
 52 = 5260 MHz (NO_IR) (DFS)
 100 = 5500 MHz (DFS)
 1 = 5955 MHz
Mode[B] Channels:
 1 = 2412 MHz
"""


def test_channels_on_which_one_may_not_ask_come_last() -> None:
    assert by_haste(CAPABILITY) == ((2412, 5180), (2472, 5260, 5500, 5955))


def test_an_answer_that_says_nothing_leaves_all_channels_to_the_radio() -> None:
    assert by_haste("FAIL\n") == ((), ())


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    by_haste(text)


@pytest.mark.parametrize(
    ("mhz", "channel", "band"),
    [
        (2412, 1, "2.4 GHz"),
        (2484, 14, "2.4 GHz"),
        (5180, 36, "5 GHz"),
        (5825, 165, "5 GHz"),
        (5955, 1, "6 GHz"),
        (100, 0, ""),
    ],
)
def test_a_frequency_is_a_channel_of_a_band(mhz: int, channel: int, band: str) -> None:
    assert (channel_of(mhz), band_of(mhz)) == (channel, band)

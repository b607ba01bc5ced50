"""Which channel and band a frequency is. Pure."""

from __future__ import annotations

#: MHz of the first and the last channel: IEEE 802.11-2020 annex E, 802.11ax for 6 GHz
_BANDS = (
    (2412, 2484, "2.4 GHz"),
    (4910, 5895, "5 GHz"),
    (5935, 7115, "6 GHz"),
    (58320, 70200, "60 GHz"),
)


def band_of(mhz: int) -> str:
    """Return `2.4 GHz`, `5 GHz`, `6 GHz`, `60 GHz`; empty for a frequency that is none."""
    return next((name for low, high, name in _BANDS if low <= mhz <= high), "")


def channel_of(mhz: int) -> int:
    """Return the number of a channel; 0 for a frequency that is none."""
    if mhz == 2484:
        return 14
    if mhz == 5935:  # the only channel of its operating class, 136
        return 2
    for low, high, base, step in (
        (2412, 2472, 2407, 5),
        (4910, 4980, 4000, 5),
        (5000, 5895, 5000, 5),
        (5955, 7115, 5950, 5),
        (58320, 70200, 56160, 2160),
    ):
        if low <= mhz <= high:
            return (mhz - base) // step
    return 0

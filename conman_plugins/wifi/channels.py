"""Which channel and band a frequency is, and which channels are looked at quickly. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: of the reply to GET_CAPABILITY freq (ctrl_iface.c, ctrl_iface_get_capability_freq)
_6_GHZ = 5935
_LISTED = re.compile(r"^ *[0-9]{1,3} = ([0-9]{4,5}) MHz(.*)$", re.MULTILINE)


def by_haste(capability: str) -> tuple[Sequence[int], Sequence[int]]:
    """Return the channels (MHz) that may be asked who is there, and those to be listened to.

    The first take 60 ms each, the others 120: a radio must hear a beacon there before it may send
    (NO_IR), or make way for radar (DFS), or there are many and few are used (6 GHz).
    """
    quick: list[int] = []
    slow: list[int] = []
    for frequency, flags in _LISTED.findall(capability):
        late = "NO_IR" in flags or "DFS" in flags or int(frequency) >= _6_GHZ
        (slow if late else quick).append(int(frequency))
    return tuple(dict.fromkeys(quick)), tuple(dict.fromkeys(slow))


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

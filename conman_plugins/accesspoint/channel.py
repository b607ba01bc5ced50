"""The channel of the access point. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

#: 1, 6 and 11: those that do not overlap, and that are allowed everywhere
PREFERRED = (2412, 2437, 2462)
LOWEST, HIGHEST = 2412, 2472  #: channels 1 to 13, MHz
_REACH = 25.0  #: MHz between centres at which two channels of 20 MHz do not meet any more


def number(frequency: int) -> int:
    """Return a channel's number."""
    return (frequency - 2407) // 5


def usable(frequency: int, allowed: Collection[int]) -> bool:
    """Tell whether an access point may be on a channel of 2.4 GHz."""
    return LOWEST <= frequency <= HIGHEST and frequency in allowed


def least_used(allowed: Collection[int], heard: Iterable[tuple[int, float]]) -> int | None:
    """Return the frequency in MHz with the least traffic of others; None if none is allowed.

    `heard` has frequency and signal in dBm of each access point around. A near one disturbs more
    than many far ones, so powers are added, not counted.
    """
    candidates = [frequency for frequency in PREFERRED if frequency in allowed]
    candidates = candidates or sorted(f for f in allowed if usable(f, allowed))
    neighbours = list(heard)

    def disturbance(frequency: int) -> float:
        return sum(
            max(0.0, 1 - abs(frequency - other) / _REACH) * 10 ** (max(min(signal, 0), -120) / 10)
            for other, signal in neighbours
        )

    return min(candidates, key=disturbance, default=None)

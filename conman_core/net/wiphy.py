"""What a radio can do, read from what the kernel tells of it. Pure.

Numbers: linux/nl80211.h, enum nl80211_band_attr, nl80211_frequency_attr, nl80211_bss and
nl80211_if_combination_attrs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from conman_core.net.nl80211 import ACCESS_POINT, STATION, nested

_BANDS, _SUPPORTED, _BSS, _COMBINATIONS = 22, 32, 47, 120
_BAND_FREQUENCIES, _BAND_HT = 1, 4
_FREQUENCY, _DISABLED, _NO_IR, _RADAR = 1, 2, 3, 5
_LIMITS, _MOST, _CHANNELS = 1, 2, 4
_LIMIT_MOST, _LIMIT_TYPES = 1, 2
_BSS_FREQUENCY, _BSS_SIGNAL_MBM, _BSS_SIGNAL = 2, 7, 8
_UNKNOWN_SIGNAL = -70.0


@dataclass(frozen=True, slots=True)
class Wiphy:
    """`frequencies` are those in MHz on which an access point may be; DFS ones are left out.

    `channels_at_once` is how many it can work on while it is access point and client together; 0
    if it cannot be both.
    """

    access_point: bool = False
    frequencies: frozenset[int] = frozenset()
    high_throughput: bool = False  #: 802.11n on 2.4 GHz
    channels_at_once: int = 0


def read(pieces: Iterable[Mapping[int, bytes]]) -> Wiphy:
    """Return what a radio can, from the pieces of `nl80211.wiphy`."""
    types: set[int] = set()
    frequencies: set[int] = set()
    barred: set[int] = set()
    throughput, at_once = False, 0
    for piece in pieces:
        types |= nested(piece.get(_SUPPORTED, b"")).keys()
        for band in _items(piece.get(_BANDS, b"")):
            for channel in _items(band.get(_BAND_FREQUENCIES, b"")):
                frequency = _number(channel.get(_FREQUENCY, b""))
                closed = channel.keys() & {_DISABLED, _NO_IR, _RADAR}
                (barred if closed else frequencies).add(frequency)
            # the band's abilities come in another piece than its channels
            throughput |= _BAND_HT in band
        for combination in _items(piece.get(_COMBINATIONS, b"")):
            if _both(combination):
                at_once = max(at_once, _number(combination.get(_CHANNELS, b"")))
    return Wiphy(ACCESS_POINT in types, frozenset(frequencies - barred - {0}), throughput, at_once)


def heard(entries: Iterable[Mapping[int, bytes]]) -> list[tuple[int, float]]:
    """Return frequency in MHz and signal in dBm of each access point of `nl80211.scanned`."""
    found = []
    for entry in entries:
        bss = nested(entry.get(_BSS, b""))
        frequency = _number(bss.get(_BSS_FREQUENCY, b""))
        if not frequency:
            continue
        signal = bss.get(_BSS_SIGNAL_MBM, b"")
        unspecific = bss.get(_BSS_SIGNAL, b"")
        if len(signal) == 4:
            strength = struct.unpack("=i", signal)[0] / 100
        else:  # 0 to 100 of whatever the driver counts in
            strength = -100.0 + unspecific[0] / 2 if len(unspecific) == 1 else _UNKNOWN_SIGNAL
        found.append((frequency, strength))
    return found


def _both(combination: Mapping[int, bytes]) -> bool:
    """Tell whether a combination has room for one client and one access point."""
    if _number(combination.get(_MOST, b"")) < 2:
        return False
    limits = [
        (_number(limit.get(_LIMIT_MOST, b"")), nested(limit.get(_LIMIT_TYPES, b"")).keys())
        for limit in _items(combination.get(_LIMITS, b""))
    ]
    return any(
        STATION in ones and ACCESS_POINT in others and (first is not second or most >= 2)
        for first, (most, ones) in enumerate(limits)
        for second, (_, others) in enumerate(limits)
    )


def _items(data: bytes) -> Iterator[dict[int, bytes]]:
    for value in nested(data).values():
        yield nested(value)


def _number(data: bytes) -> int:
    return int(struct.unpack("=I", data)[0]) if len(data) == 4 else 0

"""What the kernel tells of radios, as nl80211 puts it; see linux/nl80211.h."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

BANDS, TYPES, BSS, COMBINATIONS = 22, 32, 47, 120
STATION, AP, MESH, P2P_CLIENT, P2P_GO, P2P_DEVICE = 2, 3, 7, 8, 9, 10
NESTED = 0x8000
LOW = tuple(range(2412, 2473, 5))
HIGH = (5180, 5200, 5500)

Limits = Sequence[tuple[int, Iterable[int]]]


def attribute(kind: int, payload: bytes = b"") -> bytes:
    length = 4 + len(payload)
    return struct.pack("=HH", length, kind) + payload + bytes(-length % 4)


def number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack("=I", value))


def listed(kind: int, items: Iterable[bytes], first: int = 0) -> bytes:
    inner = b"".join(attribute(NESTED | n, each) for n, each in enumerate(items, first))
    return attribute(NESTED | kind, inner)


def channel(frequency: int, flags: Iterable[int] = ()) -> bytes:
    return number(1, frequency) + b"".join(attribute(flag) for flag in flags)


def combination(limits: Limits, total: int, channels: int) -> bytes:
    rows = [
        number(1, most) + attribute(NESTED | 2, b"".join(map(attribute, types)))
        for most, types in limits
    ]
    return listed(1, rows, 1) + number(2, total) + number(4, channels)


def body(whole: bytes) -> bytes:
    return whole[4:]


@dataclass(frozen=True)
class Radio:
    """`closed` has flags by frequency: 2 disabled, 3 nobody may begin to send, 5 radar."""

    types: tuple[int, ...] = (STATION, AP)
    combinations: tuple[bytes, ...] = ()
    frequencies: tuple[int, ...] = LOW + HIGH
    closed: Mapping[int, tuple[int, ...]] | None = None
    ht: bool = True

    def pieces(self) -> list[dict[int, bytes]]:
        """As a split dump has them: the types, the bands one by one, the combinations."""
        closed = self.closed or {}
        low = [channel(f, closed.get(f, ())) for f in self.frequencies if f < 3000]
        high = [channel(f, closed.get(f, ())) for f in self.frequencies if f > 3000]
        found = [{TYPES: b"".join(map(attribute, self.types))}]
        if self.ht:
            found.append({BANDS: attribute(NESTED | 0, attribute(4, b"\xef\x11"))})
        # a band's channels may be split over several answers
        found += [
            {BANDS: attribute(NESTED | band, listed(1, [each]))}
            for band, channels in ((0, low), (1, high))
            for each in channels
        ]
        found.append({COMBINATIONS: b"".join(attribute(NESTED | 1, c) for c in self.combinations)})
        return found


def heard(frequency: int, dbm: float | None, percent: int | None = None) -> dict[int, bytes]:
    """An access point in the results of a scan."""
    inner = number(2, frequency)
    if dbm is not None:
        inner += attribute(7, struct.pack("=i", round(dbm * 100)))
    if percent is not None:
        inner += attribute(8, bytes([percent]))
    return {BSS: inner}


#: `iw phy` of a Raspberry Pi 4
BRCMFMAC = Radio(
    types=(1, STATION, AP, P2P_CLIENT, P2P_GO, P2P_DEVICE),
    combinations=(
        combination([(1, [STATION]), (1, [P2P_DEVICE]), (1, [P2P_CLIENT, P2P_GO])], 3, 2),
        combination([(1, [STATION]), (1, [AP]), (1, [P2P_CLIENT]), (1, [P2P_DEVICE])], 4, 1),
    ),
)
#: of an Atheros card: one kind of interface, many of each
ATH9K = Radio(
    combinations=(
        combination([(2048, [STATION]), (8, [AP, MESH]), (1, [P2P_CLIENT, P2P_GO])], 2048, 1),
    )
)
#: of a USB stick with a Realtek chip: both, but never at once
RTL8XXXU = Radio(types=(STATION, AP))
#: works on two channels at once
MT7921 = Radio(combinations=(combination([(4, [STATION, AP])], 4, 2),))

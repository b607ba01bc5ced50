"""Which of the links that drivers offer are used, and at which rank. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from conman_core.model import Link


@dataclass(frozen=True, slots=True)
class Settled:
    """`used` has each link that may be connected with its rank; `refused` says why others not."""

    used: Mapping[str, tuple[Link, int]] = field(default_factory=dict)
    refused: Mapping[str, tuple[Link, str]] = field(default_factory=dict)


def rank_of(link: Link, order: Sequence[str]) -> int | None:
    """Return the link's position in the user's list, None if the list does not name it.

    An entry `driver:device` counts before an entry `driver`, wherever the latter stands.
    """
    for word in (link.name, link.driver):
        if word in order:
            return order.index(word)
    return None


def settle(
    offers: Iterable[Link], order: Sequence[str], claims: Mapping[str, str] | None = None
) -> Settled:
    """Give each interface, and each device, to one link: the more specific driver's, then by rank.

    `claims` names those who use an interface beside its link, by interface.
    """
    used: dict[str, tuple[Link, int]] = {}
    refused: dict[str, tuple[Link, str]] = {}
    takers: dict[str, Link] = {}
    holders: dict[str, Link] = {}
    ranked = [(link, rank_of(link, order)) for link in offers]
    for link, rank in sorted(ranked, key=lambda item: _claim(*item)):
        if rank is None:
            refused[link.name] = link, f"{link.name} is not in priority = {', '.join(order)}"
        elif claims and claims.get(link.interface or "", link.driver) != link.driver:
            claimant = claims[link.interface or ""]
            refused[link.name] = link, f"{link.interface} is used by {claimant} now"
        elif link.interface in takers:
            taker = takers[link.interface]
            refused[link.name] = link, f"{link.interface} is used as {taker.name}"
        elif link.hardware in holders:
            holder = holders[link.hardware]
            refused[link.name] = link, f"its device ({link.hardware}) is used as {holder.name}"
        else:
            used[link.name] = link, rank
            if link.interface is not None:
                takers[link.interface] = link
            if link.hardware:
                holders[link.hardware] = link
    return Settled(used, refused)


def _claim(link: Link, rank: int | None) -> tuple[int, float, int, str]:
    return -link.specificity, float("inf") if rank is None else rank, link.preference, link.name

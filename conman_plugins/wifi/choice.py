"""Which known network to join of those in sight. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from conman_plugins.wifi.network import Network
from conman_plugins.wifi.scan import Cell

#: what an access point may offer to somebody who has a key
_BY_KEY = frozenset({"psk", "psk-sha256", "sae", "wpa1"})
_KEYLESS = frozenset({"open", "owe"})
_MOST_NAMED = 6  #: networks in one sentence


@dataclass(frozen=True, slots=True)
class Candidate:
    """A known network that is in sight, with all that its access points offer."""

    network: Network
    signal: int  #: dBm, of the strongest
    offers: frozenset[str]
    frequencies: frozenset[int]  #: MHz

    @property
    def misfit(self) -> str:
        """Why what is known of the network does not fit what is in sight; empty if it does."""
        if self.network.raw is not None:
            return ""
        if self.network.key is None and not self.offers & _KEYLESS:
            return f"{self.network.name} wants a key, but is known as open"
        if self.network.key is not None and not self.offers & _BY_KEY:
            # An open twin of a network with a key is how passwords and traffic are stolen.
            return f"{self.network.name} takes no key here, but is known with one"
        return ""


def candidates(
    known: Iterable[Network], cells: Iterable[Cell], failed: Collection[bytes] = ()
) -> list[Candidate]:
    """Return the known networks in sight, best first: priority, then signal.

    Those in `failed` (SSIDs) failed lately and come last.
    """
    seen: dict[bytes, list[Cell]] = {}
    for cell in cells:
        seen.setdefault(cell.ssid, []).append(cell)
    found = []
    for network in known:
        here = seen.get(network.ssid)
        if here and not network.disabled:
            offers = frozenset[str]().union(*(cell.offers for cell in here))
            frequencies = frozenset(cell.frequency for cell in here)
            signal = max(cell.signal for cell in here)
            found.append(Candidate(network, signal, offers, frequencies))
    return sorted(
        found,
        key=lambda one: (one.network.ssid in failed, -one.network.priority, -one.signal),
    )


def settled(found: Sequence[Candidate], known: Iterable[Network]) -> bool:
    """Tell whether a look at a few channels is enough: no other network could be better."""
    best = max((network.priority for network in known if not network.disabled), default=0)
    return bool(found) and found[0].network.priority >= best and not found[0].misfit


def why_none(known: Sequence[Network], cells: Iterable[Cell], problems: Sequence[str] = ()) -> str:
    """Return the sentence for a place where no known network is in sight.

    `problems` are the sentences about blocks of the list that cannot be used.
    """
    usable = [network.name for network in known if not network.disabled]
    if not usable and problems:
        return f"no network of the list can be used: {'; '.join(problems[:_MOST_NAMED])}"
    if not usable:
        return "no WiFi network is known yet; add one: sudo conman wifi add NAME"
    others = len({cell.ssid for cell in cells if cell.ssid})
    names = ", ".join(usable[:_MOST_NAMED])
    if len(usable) > _MOST_NAMED:
        names += f" and {len(usable) - _MOST_NAMED} more"
    is_are = "is" if len(usable) == 1 else "are"
    sight = f"{others} other{'s' if others != 1 else ''} in sight" if others else "none in sight"
    return f"{names} {is_are} not in sight ({sight}); see: sudo conman wifi scan"

"""Where known networks were met before: the few channels worth a look before all others."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from conman_core.driver import Store
from conman_plugins.wifi.network import Network

MOST_NETWORKS = 32
MOST_CHANNELS = 6  #: of one network: those of a house with several access points
_KEY = "frequencies"


class Memory:
    """The frequencies (MHz) of networks that were joined, kept in the driver's store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._met = _read(store.load())

    def frequencies(self, known: Iterable[Network]) -> list[int]:
        """Return the channels on which these networks were met, without doubles, in order."""
        met = (self._met.get(network.ssid.hex(), []) for network in known if not network.disabled)
        return sorted({frequency for frequencies in met for frequency in frequencies})

    def met(self, ssid: bytes, frequencies: Collection[int]) -> None:
        """Note where a network was joined; the store is written only if that is news."""
        before = self._met.get(ssid.hex(), [])
        if set(frequencies) <= set(before):
            return
        now = [*sorted(frequencies), *(old for old in before if old not in frequencies)]
        others = {key: value for key, value in self._met.items() if key != ssid.hex()}
        kept = list(others.items())[-(MOST_NETWORKS - 1) :]
        self._met = dict(kept) | {ssid.hex(): now[:MOST_CHANNELS]}
        self._store.save({_KEY: self._met})


def _read(values: dict[str, Any]) -> dict[str, list[int]]:
    """Take what has the right shape out of a file that may hold anything."""
    met = values.get(_KEY)
    if not isinstance(met, dict):
        return {}
    return {
        str(ssid): [each for each in found if type(each) is int and 2000 < each < 8000]
        for ssid, found in met.items()
        if isinstance(found, list)
    }

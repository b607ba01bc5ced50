"""The form of the driver: what it offers to choose from, and the network that a person entered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from conman_core import BadValue, Choice
from conman_plugins.wifi.network import Network, make_network
from conman_plugins.wifi.scan import Cell

_STAND_IN = "-"  #: for the name of a network whose bytes are known
_KEYLESS = frozenset({"open", "owe"})
_WEAKEST, _STRONGEST = -100, -50  #: dBm that stand for 0 and 100 percent


def choice_of(cell: Cell) -> Choice:
    """Return what a person sees of an access point."""
    percent = (cell.signal - _WEAKEST) * 100 // (_STRONGEST - _WEAKEST)
    return Choice(
        cell.name,
        strength=min(max(percent, 0), 100),
        protected=not cell.offers & _KEYLESS,
        frequency=cell.frequency,
    )


def entered(values: Mapping[str, str], offered: Mapping[str, Cell]) -> Network:
    """Return the network that the form's values describe. Raises BadValue, without the key."""
    hidden = values.get("hidden", "") in {"yes", "on", "true", "1"}
    name = values.get("ssid", "")
    # a choice of the form may stand for odd bytes, and be longer than they are
    cell = offered.get(name)
    try:
        network = make_network(_STAND_IN if cell else name, None, hidden)
    except ValueError as error:
        raise BadValue("ssid", str(error)) from None
    key = values.get("key") or None
    if cell and not key and not cell.offers & _KEYLESS:
        raise BadValue("key", f"{cell.name} wants a key: type it as it stands on the router")
    try:
        network = make_network(_STAND_IN if cell else name, key, hidden)
    except ValueError as error:
        raise BadValue("key", str(error)) from None
    return replace(network, ssid=cell.ssid) if cell else network

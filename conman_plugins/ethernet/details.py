"""What a person wants to know of a cable: is there a signal, how fast is the line."""

from __future__ import annotations

from collections.abc import Mapping

from conman_core.inventory import Inventory


def details(inventory: Inventory, name: str) -> Mapping[str, str]:
    """Return what sysfs has of an interface, nothing if it is gone."""
    interface = inventory.describe(name)
    if interface is None:
        return {}
    if interface.carrier is None:
        return {"signal": f"not known while {name} is down"}
    if not interface.carrier:
        return {"signal": "no"}
    speed, duplex = inventory.line(name)
    facts = {"speed": f"{speed} Mbit/s" if speed else "", "duplex": duplex}
    return {"signal": "yes"} | {key: text for key, text in facts.items() if text}

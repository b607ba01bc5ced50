"""What is wrong with the settings of section `[conman:wifi]`. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conman_plugins.wifi.country import is_code
from conman_plugins.wifi.places import KNOWN


def faults(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what cannot be used, with the key that it is about."""
    country, networks = settings["country"], settings["networks"]
    if country and not is_code(country):
        yield "country", f"country = {country} is not allowed; allowed: two letters such as GB"
    if not (networks or "").startswith("/"):
        yield "networks", f"networks must be an absolute path such as {KNOWN}"

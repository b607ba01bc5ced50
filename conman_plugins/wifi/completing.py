"""The names of known networks, quickly: somebody has pressed Tab and waits."""

from __future__ import annotations

from pathlib import Path

from conman_core import inifile
from conman_core.config import locate
from conman_plugins.wifi.knownfile import KnownFile
from conman_plugins.wifi.places import KNOWN


def known_names() -> list[str]:
    """Return the names on the list that the settings name. Raises ConmanError."""
    path = locate(None)
    section = inifile.read(path).sections.get("conman:wifi") if path else None
    entry = section.entries.get("networks") if section else None
    known = KnownFile(Path(entry.text if entry else KNOWN))
    return [network.name for network in known.load().networks]

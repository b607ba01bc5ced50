"""What the commands of `conman wifi` work with: the settings, the list, the radios."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from conman_core.children import Children
from conman_core.config import load, locate
from conman_core.context import Claims, Context
from conman_core.errors import ConmanError
from conman_core.inspect import known_options, known_plugins
from conman_core.paths import Paths
from conman_plugins.wifi.knownfile import KnownFile
from conman_plugins.wifi.machine import Machine
from conman_plugins.wifi.memory import Memory
from conman_plugins.wifi.places import NAME
from conman_plugins.wifi.radio import stations
from conman_plugins.wifi.scan import unescape
from conman_plugins.wifi.station import Station
from conman_plugins.wifi.supplicant import Supplicant


class Desk:
    """The settings as a running daemon would have them. Raises ConfigError."""

    def __init__(self, config: Path | None) -> None:
        found = load(locate(config), known_options(config), known_plugins(config))
        self.settings: Mapping[str, Any] = found.sections[NAME]
        self.paths = Paths.from_environment()
        self.known = KnownFile(Path(self.settings["networks"]))

    def interfaces(self) -> list[str]:
        """Return the radios that the settings allow."""
        return stations(self.settings["interfaces"])

    @contextlib.asynccontextmanager
    async def supplicant(self, interface: str) -> AsyncIterator[Supplicant]:
        """Give the wpa_supplicant of a radio: the daemon's, else one for the moment.

        Raises ConmanError.
        """
        if os.geteuid():
            raise ConmanError("only root may look around; run it with sudo")
        if running := await self.daemons(interface):
            try:
                yield running
            finally:
                await running.let_go()
            return
        children = Children(None)
        with tempfile.TemporaryDirectory(prefix="conman-") as folder:
            paths = Paths(Path(folder), Path(folder))
            station = self._station(interface, paths, children)
            try:
                await station.start()
                yield station.supplicant
            finally:
                await station.close()
                children.close()

    async def daemons(self, interface: str) -> Supplicant | None:
        """Return the daemon's wpa_supplicant on a radio, None if it has none that answers."""
        context = self._context(self.paths, Children(None))
        supplicant = Supplicant(context, interface, lambda _: None)
        return supplicant if await supplicant.take_part() else None

    def _station(self, interface: str, paths: Paths, children: Children) -> Station:
        context = self._context(paths, children)
        return Station(
            context,
            f"{NAME}:{interface}",
            interface,
            known=self.known,
            memory=Memory(context.store),
            machine=Machine(),
            tell=lambda _: None,
        )

    def _context(self, paths: Paths, children: Children) -> Context:
        return Context(NAME, self.settings, paths=paths, children=children, claims=Claims())


async def in_use(supplicant: Supplicant) -> set[bytes]:
    """Return the SSID of the network that is joined, if there is one."""
    status = await supplicant.request("STATUS")
    fields = dict(line.split("=", 1) for line in status.splitlines() if "=" in line)
    joined = fields.get("wpa_state") == "COMPLETED" and "ssid" in fields
    return {unescape(fields["ssid"])} if joined else set()

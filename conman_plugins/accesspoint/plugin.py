"""The plugin: its settings, and what it is told."""

from __future__ import annotations

from conman_core import Plugin
from conman_core.hookspecs import hookimpl


class AccessPoint(Plugin):
    """Opens an access point with a page when conman asks for settings."""

    @hookimpl
    def conman_stopping(self) -> None:
        return

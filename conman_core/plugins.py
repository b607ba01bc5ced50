"""Loads the plugins that are installed and registers them with the announcer."""

from __future__ import annotations

import logging
from collections.abc import Collection

from conman_core.catalog import Catalog
from conman_core.events import Announcer
from conman_core.found import LoadState

log = logging.getLogger(__name__)


class Plugins:
    """Brings plugins and events together. What is wrong with one is logged and costs it only."""

    def __init__(self, announcer: Announcer, disabled: Collection[str]) -> None:
        self._announcer = announcer
        self._disabled = disabled

    async def load(self) -> None:
        """Find, import and register all plugins but those disabled."""
        for found in await Catalog().plugins(self._disabled):
            if found.state is LoadState.LOADED:
                problem = await self._announcer.add(found.name, found.plugin, found.origin)
                if problem:
                    log.error("%s", problem)
            elif found.state is not LoadState.DISABLED:
                log.error("plugin %s", found.sentence)

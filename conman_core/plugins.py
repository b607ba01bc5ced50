"""The plugins in use: which were found, and the objects that are made of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any, Protocol

from conman_core.catalog import PLUGINS, Catalog
from conman_core.entrypoints import installed
from conman_core.events import Announcer
from conman_core.found import Found, LoadState
from conman_core.lane import finished, in_thread
from conman_core.options import Declared, Option
from conman_core.plugin import Plugin, PluginContext
from conman_core.values import Known

log = logging.getLogger(__name__)


class Host(Protocol):
    """Who gives plugins their contexts, and is told what became of their objects."""

    def context(self, found: Found, settings: Mapping[str, Any]) -> PluginContext: ...
    async def gone(self, name: str) -> None: ...
    def renewed(self, name: str) -> None: ...


PATIENCE = 1.0  #: seconds that the start waits for imports; a later one joins when it is done


class Plugins:
    """Brings plugins and events together. What is wrong with one is logged and costs it only."""

    def __init__(self, announcer: Announcer, host: Host) -> None:
        self._announcer = announcer
        self._host = host
        self.problems: dict[str, str] = {}  #: a sentence for people about each that cannot be used
        self._found: dict[str, Found] = {}
        self._installed: set[str] = set()
        self._settings: dict[str, Mapping[str, Any]] = {}
        self._loading: asyncio.Task[list[Found]] | None = None

    async def find(
        self,
        disabled: Collection[str],
        late: Callable[[], object] = lambda: None,
        patience: float | None = PATIENCE,
    ) -> None:
        """Find and import all plugins but those disabled.

        Returns when all are there, or patience is at its end; `late` is called for each after that.
        """
        _, scan = in_thread("plugins", partial(installed, PLUGINS, lambda _: None))
        await finished(scan)
        self._installed = {one.point.name for one in scan.result()}
        waiting = True

        def report(found: Found) -> None:
            self._found[found.name] = found
            if not waiting:
                late()

        self._found = {}
        self._loading = asyncio.create_task(Catalog().plugins(disabled, report))
        await asyncio.wait({self._loading}, timeout=patience)
        waiting = False

    def pending(self) -> set[str]:
        """Return the plugins that are being imported."""
        return self._installed - self._found.keys()

    def known(self) -> Known:
        """Return what each plugin declares, None where that is not known."""
        unknown: dict[str, Declared | None] = dict.fromkeys(self._installed)
        return unknown | {
            name: found.declared if found.state is LoadState.LOADED else None
            for name, found in self._found.items()
            if found.state is not LoadState.NOT_INSTALLED
        }

    async def use(self, sections: Mapping[str, Mapping[str, Any]]) -> None:
        """Make and register what was found; one whose settings have changed is made anew."""
        self.problems = {}
        for name, found in list(self._found.items()):
            if found.state is LoadState.LOADED:
                await self._use(found, sections.get(name, {}))
            else:
                await self._announcer.remove(name, then=self._host.gone)
                self._settings.pop(name, None)
                if found.state is not LoadState.DISABLED:
                    self._refused(name, f"plugin {found.sentence}")

    async def _use(self, found: Found, settings: Mapping[str, Any]) -> None:
        name = found.name
        if not (isinstance(found.plugin, type) and issubclass(found.plugin, Plugin)):
            problem = await self._announcer.add(name, found.plugin, found.origin)
        else:
            changed = self._settings.get(name) not in (None, settings)
            if changed:
                await self._announcer.remove(name, then=self._host.gone)
            self._settings[name] = settings
            make = partial(self._make, found, settings)
            problem = await self._announcer.make(name, make, found.origin)
            if changed and not problem:
                self._host.renewed(name)
        if problem:
            self._refused(name, problem)

    def _make(self, found: Found, settings: Mapping[str, Any]) -> Any:
        return found.plugin(self._host.context(found, settings))

    def _refused(self, name: str, sentence: str) -> None:
        log.error("%s", sentence)
        self.problems[name] = sentence

    def report(self) -> list[dict[str, Any]]:
        """Return what `drivers` shows of each plugin."""
        return [self._row(self._found[name]) for name in sorted(self._found)]

    def _row(self, found: Found) -> dict[str, Any]:
        state, sentence = str(found.state), found.sentence
        if found.state is LoadState.LOADED:
            sentence = self.problems.get(found.name, "")
            state = "broken" if sentence else "ok"
        return {
            "name": found.name,
            "distribution": found.distribution or None,
            "version": found.version or None,
            "state": state,
            "sentence": sentence,
        }

    def options(self, name: str) -> tuple[Option, ...]:
        """Return the options of a plugin that was found."""
        return self._found[name].declared.options

"""What the daemon answers when the command line asks how things are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conman_core import status
from conman_core.control import Handler
from conman_core.drivers import Drivers
from conman_core.engine import Engine
from conman_core.facts import facts_of
from conman_core.guard import Guard
from conman_core.ledger import Ledger
from conman_core.liveconfig import LiveConfig
from conman_core.logbook import Logbook
from conman_core.model import Link
from conman_core.plugins import Plugins

PATIENCE = 1.0  #: seconds that a status waits for what drivers tell of their links


class Answers:
    """Looks at the parts of a daemon, and changes none of them."""

    def __init__(
        self,
        live: LiveConfig,
        drivers: Drivers,
        engine: Engine,
        ledger: Ledger,
        logbook: Logbook,
        *,
        plugins: Plugins,
        provisioning: Callable[[], dict[str, Any] | None] = lambda: None,
    ) -> None:
        self._live = live
        self._drivers = drivers
        self._plugins = plugins
        self._engine = engine
        self._ledger = ledger
        self._logbook = logbook
        self._provisioning = provisioning

    def requests(self) -> dict[str, Handler]:
        """Return what answers which request."""
        return {"status": self.status, "explain": self.explain, "drivers": self.drivers}

    def notes(self) -> list[str]:
        """Return what a person should know, a sentence each."""
        usage = self._engine.usage.book.fault if self._engine.usage else None
        faults = [fault for fault in (self._ledger.fault, self._logbook.fault, usage) if fault]
        notes = self._live.notes(self._drivers.known())
        broken = [sentence for _, sentence in sorted(self._plugins.problems.items())]
        return [*notes, *broken, *self._engine.network.notes.values(), *dict.fromkeys(faults)]

    async def status(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer `status`; with `details`, which takes time, also what drivers tell of links."""
        asked = self._reachable() if request.get("details") is True else ()
        facts = await facts_of(asked, PATIENCE)
        answer = status.status(
            self._engine.entries.values(),
            self._engine.moment(),
            self._engine.herald,
            drivers=self._drivers.report(self._live.now.settings),
            config=self._config(),
            notes=self.notes(),
            provisioning=self._provisioning(),
        )
        for link in answer["links"]:
            link["details"] = facts.get(link["name"], {})
        return answer

    def _reachable(self) -> list[tuple[Guard, Link]]:
        now = self._engine.moment().now
        entries = [e for e in self._engine.entries.values() if e.present and not e.refused]
        return [(e.guard, e.link) for e in entries if e.guard.usable(now, e.link.name)]

    def _config(self) -> dict[str, Any]:
        path = str(self._live.path) if self._live.path else None
        return {"path": path, "problem": self._live.problem}

    async def drivers(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer `drivers`."""
        del request
        return {
            "drivers": self._drivers.report(self._live.now.settings),
            "plugins": self._plugins.report(),
            "config": self._config(),
        }

    async def explain(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer `explain`."""
        del request
        engine = self._engine
        told = status.explained(engine.entries.values(), engine.moment(), engine.herald)
        return {**told, "config": self._config()}

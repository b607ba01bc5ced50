"""What the daemon answers when the command line asks how things are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conman_core import status
from conman_core.drivers import Drivers
from conman_core.engine import Engine
from conman_core.ledger import Ledger
from conman_core.liveconfig import LiveConfig
from conman_core.logbook import Logbook


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
        provisioning: Callable[[], dict[str, Any] | None] = lambda: None,
    ) -> None:
        self._live = live
        self._drivers = drivers
        self._engine = engine
        self._ledger = ledger
        self._logbook = logbook
        self._provisioning = provisioning

    def notes(self) -> list[str]:
        """Return what a person should know, a sentence each."""
        faults = [fault for fault in (self._ledger.fault, self._logbook.fault) if fault]
        notes = self._live.notes(self._drivers.known())
        return [*notes, *self._engine.network.notes.values(), *dict.fromkeys(faults)]

    async def status(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer `status`."""
        del request
        config = {"path": str(self._live.path) if self._live.path else None}
        return status.status(
            self._engine.entries.values(),
            self._engine.moment(),
            self._engine.herald,
            drivers=self._driver_rows(),
            config=config | {"problem": self._live.problem},
            notes=self.notes(),
            provisioning=self._provisioning(),
        )

    def _driver_rows(self) -> list[dict[str, Any]]:
        """Return the drivers, but not those of the default priority that nobody asked for."""
        rows = self._drivers.report()
        asked = self._live.now.settings.priority_is_users or not self._drivers.guards
        return [row for row in rows if asked or row["state"] != "not_installed"]

    async def explain(self, request: dict[str, Any]) -> dict[str, Any]:
        """Answer `explain`."""
        del request
        engine = self._engine
        return status.explained(engine.entries.values(), engine.moment(), engine.herald)

"""The drivers in use: which were found, how each is, and which links it offers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from conman_core.catalog import Catalog
from conman_core.context import Context
from conman_core.driver import Probed
from conman_core.errors import ConmanError, DriverBug
from conman_core.found import Found, LoadState
from conman_core.guard import Guard
from conman_core.health import State
from conman_core.model import DriverEvent, Link, Unavailable
from conman_core.options import Declared
from conman_core.settings import Settings

log = logging.getLogger(__name__)

LOAD_PATIENCE = 1.0  #: seconds that the start waits for imports; a later one joins when it is done
FAREWELL = 10.0  #: seconds that a replaced driver gets to disconnect its links


class Drivers:
    """Loads drivers and keeps what they offer. To be used from the core's loop.

    `changed` gets name, origin and sentence of a driver that has failed; `offers_changed` is called
    when links may have come, gone or become usable.
    """

    def __init__(
        self,
        make_context: Callable[[str, Mapping[str, Any]], Context],
        *,
        event: Callable[[DriverEvent], None],
        changed: Callable[[str, str, str], None],
        offers_changed: Callable[[], None],
        listen: bool = True,
    ) -> None:
        self.guards: dict[str, Guard] = {}
        self.found: dict[str, Found] = {}
        self.offers: dict[str, Probed] = {}
        self._settings: dict[str, Mapping[str, Any]] = {}
        self._catalog = Catalog()
        self._make_context = make_context
        self._event = event
        self._changed = changed
        self._offers_changed = offers_changed
        self._listen = listen
        self._late: Callable[[], object] = lambda: None
        self._wanted: tuple[str, ...] = ()
        self._loading: asyncio.Task[list[Found]] | None = None
        self._probing: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self._farewells: set[asyncio.Task[None]] = set()

    async def load(
        self,
        names: Sequence[str],
        late: Callable[[], object] = lambda: None,
        patience: float | None = LOAD_PATIENCE,
    ) -> None:
        """Find and import the drivers named. Returns when all are there, or patience is at its end.

        `late` is called for each that comes after that. What is installed is known in any case.
        """
        self._late = lambda: None
        self._wanted = tuple(names)
        scanned = asyncio.Event()
        work = self._catalog.drivers(names, self._report, scanned=scanned.set)
        self._loading = asyncio.create_task(work)
        await asyncio.wait({self._loading}, timeout=patience)
        await scanned.wait()
        self._late = late

    def _report(self, found: Found) -> None:
        self.found[found.name] = found
        if found.state not in {LoadState.LOADED, LoadState.DISABLED, LoadState.NOT_INSTALLED}:
            log.error("%s", found.sentence)
            self._changed(found.name, found.origin, found.sentence)
        self._late()

    def pending(self) -> set[str]:
        """Return the drivers that are being imported."""
        return set(self._wanted) - self.found.keys()

    def known(self) -> dict[str, Declared | None]:
        """Return what each driver that is installed declares, None where that is not known.

        That is so while it is imported, and for one that cannot be.
        """
        importing: dict[str, Declared | None] = dict.fromkeys(self.pending())
        return importing | {
            name: found.declared if found.state is LoadState.LOADED else None
            for name, found in self.found.items()
            if found.state is not LoadState.NOT_INSTALLED
        }

    def use(self, sections: Mapping[str, Mapping[str, Any]]) -> None:
        """Make an object of each loaded driver; anew where its settings have changed."""
        for name, found in self.found.items():
            settings = sections.get(name)
            if found.driver_class is None or settings is None:
                self._give_up(name)
                self.offers.pop(name, None)
            elif name not in self.guards or self._settings[name] != settings:
                self._give_up(name)
                self._settings[name] = settings
                self.guards[name] = self._guard(found, settings)

    def _guard(self, found: Found, settings: Mapping[str, Any]) -> Guard:
        assert found.driver_class is not None  # noqa: S101 - for mypy: its caller looked
        guard = Guard(
            found.name,
            found.driver_class,
            lambda: self._make_context(found.name, settings),
            found.origin,
            changed=lambda: self._health_changed(found),
        )
        if self._listen:
            # what the object before it still has to say is of a link that is not there any more
            guard.listen(lambda event: self._heard(guard, event))
        return guard

    def _heard(self, guard: Guard, event: DriverEvent) -> None:
        if self.guards.get(guard.name) is guard:
            self._event(event)

    def _give_up(self, name: str) -> None:
        guard = self.guards.pop(name, None)
        if guard is not None:
            task = asyncio.get_running_loop().create_task(_say_farewell(guard))
            self._farewells.add(task)  # the loop itself keeps only a weak reference
            task.add_done_callback(self._farewells.discard)

    def _health_changed(self, found: Found) -> None:
        guard = self.guards.get(found.name)
        if guard is not None and guard.health.state is not State.OK:
            self._changed(found.name, found.origin, guard.health.sentence)
        self._offers_changed()

    # -- probing

    def probe(self, name: str | None = None) -> list[asyncio.Task[None]]:
        """Ask one driver, or all, for links, each on its own time; return the tasks.

        One that is being asked is asked once more afterwards: things may have changed meanwhile.
        """
        for one in self.guards if name is None else (name,):
            if one in self._probing:
                self._again.add(one)
            elif one in self.guards:
                self._probing[one] = asyncio.create_task(self._probe(one))
        return list(self._probing.values())

    async def probed(self) -> None:
        """Ask all drivers for links and wait for the answers. May be cancelled at any time."""
        tasks = self.probe()
        if tasks:
            await asyncio.wait(tasks)  # gather() would cancel what others wait for, too

    async def _probe(self, name: str) -> None:
        try:
            await self._ask(name)
        finally:
            del self._probing[name]
        if name in self._again:
            self._again.discard(name)
            self.probe(name)

    async def _ask(self, name: str) -> None:
        guard = self.guards.get(name)
        if guard is None:
            return
        try:
            offer = await guard.probe()
        except DriverBug:
            return  # logged by the guard; what it offered before is the best that is known
        if self.guards.get(name) is guard and self.offers.get(name) != offer:
            self.offers[name] = offer
            self._offers_changed()

    def settled(self) -> bool:
        """Tell whether every driver is loaded, well, and has told its links."""
        loaded = self._loading is not None and self._loading.done()
        return loaded and all(
            guard.health.state is State.OK and name in self.offers
            for name, guard in self.guards.items()
        )

    def links(self) -> list[Link]:
        """Return every link on offer."""
        return [
            link
            for offer in self.offers.values()
            if not isinstance(offer, Unavailable)
            for link in offer
        ]

    def report(self, settings: Settings) -> list[dict[str, Any]]:
        """Return what `status`, `probe` and `drivers` show of each driver.

        Those of the default priority that are missing are left out while there is another: nobody
        asked for them.
        """
        there = any(found.state is LoadState.LOADED for found in self.found.values())
        asked = settings.priority_is_users or not there
        return [
            self._row(found, settings.disable)
            for found in self.found.values()
            if asked or found.state is not LoadState.NOT_INSTALLED
        ]

    def _row(self, found: Found, off: Collection[str]) -> dict[str, Any]:
        state, sentence = str(found.state), found.sentence
        guard, offer = self.guards.get(found.name), self.offers.get(found.name)
        if found.state is LoadState.DISABLED and found.name not in off:
            state, sentence = "unused", "installed, but priority does not name it"
        if found.state is LoadState.LOADED:
            state = "ok"
            if isinstance(offer, Unavailable):
                state, sentence = "unavailable", offer.sentence
            if guard is not None and guard.health.state is not State.OK:
                state, sentence = str(guard.health.state), guard.health.sentence
        return {
            "name": found.name,
            "distribution": found.distribution or None,
            "version": found.version or None,
            "api_version": found.api_version,
            "state": state,
            "sentence": sentence,
        }


async def _say_farewell(guard: Guard) -> None:
    try:
        await asyncio.sleep(FAREWELL)  # its links are being disconnected
        await guard.end()
    except ConmanError as error:
        log.warning("ending driver %s: %s", guard.name, error)
    finally:
        guard.close()

"""Takes the steps of drivers' recovery ladders, one link at a time, and keeps account of them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from conman_core import remedies
from conman_core.actions import Actions
from conman_core.causes import report
from conman_core.entry import Entry
from conman_core.errors import ConnectError, DriverBug
from conman_core.herald import Herald
from conman_core.logbook import Logbook
from conman_core.model import Connection, Reason
from conman_core.track import Held

log = logging.getLogger(__name__)


class Repairs:
    """Starts and ends repairs, each a task whose end is an event. `entries` are all links."""

    def __init__(
        self,
        entries: Mapping[str, Entry],
        actions: Actions,
        logbook: Logbook,
        herald: Herald,
        clock: Callable[[], float],
    ) -> None:
        self._entries = entries
        self._actions = actions
        self._logbook = logbook
        self._herald = herald
        self._clock = clock

    def remember(self) -> None:
        """Write down what has changed of the links' ladders."""
        ladders = {name: entry.track.ladder for name, entry in self._entries.items()}
        self._logbook.keep(ladders)

    def start(self, entry: Entry, step: int) -> None:
        """Begin a step. It is on disk before its driver hears of it: it may be the last thing."""
        why = entry.track.sentence.rstrip(" .") or "it does not work"
        entry.track = remedies.began(entry.track, step, self._clock())
        self.remember()
        # whether there is such a step only the driver knows, and most have none
        known = entry.track.ladder.bare is False
        if known:
            self._say(entry, step, f"recovery step {step} begins: {why}")
        entry.repairing = self._actions.spawn(self._repair(entry, step, why, told=known))

    async def _repair(self, entry: Entry, step: int, why: str, *, told: bool) -> None:
        guard, link = entry.guard, entry.link
        climbed, problem = True, ""
        try:
            await self._take_down(entry, step, why)
            climbed = await guard.recover(link, step)
        except (ConnectError, DriverBug) as error:
            problem = str(error)
        except asyncio.CancelledError:
            problem = "it was cut short"
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, the link is not left busy
            report(error)
            problem = f"conman failed: {type(error).__name__}: {error}"
        finally:
            entry.repairing = None
            now = self._clock()
            entry.track = remedies.ended(entry.track, now, climbed=climbed, sentence=problem)
            self.remember()
        if climbed and not told:
            self._say(entry, step, f"recovery step {step} was taken: {why}")
        self._log_end(link.name, step, problem, climbed=climbed)

    def look_elsewhere(self, entry: Entry) -> None:
        """Ask a link's driver whether there is another way than the connection that it has."""
        entry.track = remedies.asked(entry.track, self._clock())
        self._actions.spawn(self._look_elsewhere(entry, entry.connection))

    async def _look_elsewhere(self, entry: Entry, connection: Connection | None) -> None:
        try:
            found = await entry.guard.alternative(entry.link)
        except (ConnectError, DriverBug) as error:
            log.debug("%s: looking for another way: %s", entry.link.name, error)
            return
        if found and entry.connection is connection and not entry.track.verified:
            why = entry.track.sentence.rstrip(" .") or "the internet is not reached over it"
            self._herald.say(f"{entry.link.name}: another way is taken: {why}")
            self._actions.drop(entry, Reason.LOST, f"{why}; another way is tried")

    async def _take_down(self, entry: Entry, step: int, why: str) -> None:
        """End the link's connection, but for the gentlest step; the driver ends its side first."""
        if step and entry.track.held is Held.OWN:
            sentence = f"{why}; it was taken down for recovery step {step}"
            self._actions.drop(entry, Reason.LOST, sentence)
        while entry.track.leaving and entry.connecting is not None:
            await asyncio.wait({entry.connecting})

    def _say(self, entry: Entry, step: int, sentence: str) -> None:
        name = entry.link.name
        self._herald.say(f"{name}: {sentence}", event="recovery", link=name, step=step)

    def _log_end(self, name: str, step: int, problem: str, *, climbed: bool) -> None:
        if problem:
            log.warning("%s: recovery step %d went wrong: %s", name, step, problem)
        elif climbed:
            log.info("%s: recovery step %d is done", name, step)
        elif step:
            log.info("%s: its driver has no recovery step %d; they start over later", name, step)
        else:
            log.debug("%s: its driver has no recovery steps", name)

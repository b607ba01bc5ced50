"""Waits until it is clear whether a link that is about to connect reaches the internet."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from conman_core.engine import Engine
from conman_core.entry import Entry
from conman_core.model import Outcome, Verdict
from conman_core.track import Held

ROUNDS = 2  #: of checks that a connection gets to show that it works
LIMIT = 60.0  #: seconds for a link to connect, and its checks


class Trials:
    """Watches links after every step of the engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def outcome(self, wanted: Callable[[Entry], bool]) -> Outcome:
        """Return what comes of the links that `wanted` chooses: the first that works, or the last.

        They are tried at once. A failure counts if it is of a try that began after this call.
        """
        before = {name: entry.track.failures for name, entry in self._engine.entries.items()}
        found: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def look() -> None:
            outcome = self._look([e for e in self._entries() if wanted(e)], before)
            if outcome is not None and not found.done():
                found.set_result(outcome)

        self._engine.after_step.append(look)
        self._engine.poke()
        try:
            return await asyncio.wait_for(found, LIMIT)
        except TimeoutError:
            sentence = f"it was not clear after {LIMIT:g} s whether the internet is reached"
            return Outcome(Verdict.OFFLINE, None, sentence)
        finally:
            self._engine.after_step.remove(look)

    def _entries(self) -> list[Entry]:
        return self._engine.roster.in_use()

    def _look(self, entries: list[Entry], before: dict[str, int]) -> Outcome | None:
        outcomes = [_of(entry, before.get(entry.link.name, 0)) for entry in entries]
        good = next((o for o in outcomes if o and o.verdict is Verdict.ONLINE), None)
        if good or (outcomes and all(outcomes)):
            return good or outcomes[0]
        return None


def _of(entry: Entry, failures: int) -> Outcome | None:
    track = entry.track
    if track.verified:
        return Outcome(Verdict.ONLINE, None, track.sentence)
    if track.held is Held.OWN:
        if track.verdict is Verdict.PORTAL or track.bad_rounds >= ROUNDS:
            return Outcome(track.verdict or Verdict.OFFLINE, track.reason, track.sentence)
        return None
    if track.attempt_started is None and not track.leaving and track.failures > failures:
        return Outcome(None, track.reason, track.sentence)
    return None

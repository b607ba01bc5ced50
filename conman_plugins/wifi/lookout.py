"""Looks for known networks while a radio has none, and notices what else makes a try worthwhile."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from conman_core import ConnectError, DriverContext
from conman_core.model import DriverEvent, Retry
from conman_plugins.wifi.sight import FRESH
from conman_plugins.wifi.station import Station

GLANCE = 3.0  #: seconds between looks at the channels of known networks
FIRST_LOOK = 3.0  #: seconds to the first look at all channels, doubled each time
LAST_LOOK = 60.0


class Lookout:
    """The eyes of one station. `run` it as long as there is the radio."""

    def __init__(
        self,
        context: DriverContext,
        link: str,
        station: Station,
        tell: Callable[[DriverEvent], None],
    ) -> None:
        self._context = context
        self._link = link
        self._station = station
        self._tell = tell
        self._pause = FIRST_LOOK
        self._look_at = 0.0
        self._known = station.known.fingerprint()
        self._blocked = station.radio.blocked()

    async def run(self) -> None:
        """Look around until cancelled."""
        self._rest()
        while True:
            await self._context.sleep(GLANCE)
            # what changed during a try is told after it: the core would forget it when that fails
            if self._station.turn.locked() or self._changed() or self._station.network:
                self._rest()
            elif self._station.supplicant.running:
                with contextlib.suppress(ConnectError):  # a trial came in between
                    await self._station.give_way(self._look())

    def _rest(self) -> None:
        """Begin anew with short pauses: the radio had, or has, a network."""
        self._pause = FIRST_LOOK
        self._look_at = self._context.now() + FIRST_LOOK

    def _changed(self) -> bool:
        """Tell of a switch that was flipped and of a list that somebody edited."""
        known, blocked = self._station.known.fingerprint(), self._station.radio.blocked()
        news = []
        if known != self._known:
            self._station.sight.failed.clear()
            news.append(f"{self._station.known.path} has changed")
        if self._blocked and not blocked:
            news.append(f"{self._station.interface} was switched on")
        self._known, self._blocked = known, blocked
        if news and not self._station.network:
            self._tell(Retry(self._link, ", ".join(news)))
        return bool(news)

    async def _look(self) -> None:
        station = self._station
        async with station.turn:
            try:
                found = await station.sight.glance()
                if not found and self._context.now() >= self._look_at:
                    found = await station.sight.look()
                    self._pause = min(self._pause * 2, LAST_LOOK)
                    self._look_at = self._context.now() + self._pause - FRESH
            except ConnectError as error:
                self._context.log.debug("%s: looking around: %s", self._link, error)
                return
        worth = [each for each in found if each.network.ssid not in station.sight.failed]
        if worth:
            best = worth[0]
            self._tell(Retry(self._link, f"{best.network.name} is in sight ({best.signal} dBm)"))

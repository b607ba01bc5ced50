"""Lends the interfaces of links to plugins: a radio, say, that becomes an access point."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from conman_core.context import Claims
from conman_core.engine import Engine
from conman_core.entry import Entry
from conman_core.errors import ConnectError, DriverBug
from conman_core.inventory import Inventory
from conman_core.model import Reason, Retry
from conman_core.plugin import Loan

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Lent:
    plugin: str
    link: str
    share: bool
    wanted: Callable[[str], None]


def _is_radio(name: str) -> bool:
    interface = Inventory().describe(name)
    return interface is not None and interface.kind == "wifi"


class Lender:
    """Keeps account of what is lent. `offers_changed` makes the core look at all links anew."""

    def __init__(
        self,
        engine: Engine,
        claims: Claims,
        offers_changed: Callable[[], None],
        is_radio: Callable[[str], bool] = _is_radio,
    ) -> None:
        self._is_radio = is_radio
        self._engine = engine
        self._claims = claims
        self._offers_changed = offers_changed
        self._lent: dict[str, _Lent] = {}  # by interface

    def loans(self) -> tuple[Loan, ...]:
        """Return the radios with a link, the one whose loss is felt least first."""
        radios = [entry for entry in self._engine.entries.values() if self._has_radio(entry)]
        # of equals the driver's own favourite goes on as a client
        radios.sort(key=lambda e: (e.track.verified, e.track.connected, -e.track.preference))
        return tuple(self._loan(entry) for entry in radios)

    def _has_radio(self, entry: Entry) -> bool:
        if not entry.present or entry.link.interface is None:
            return False
        if entry.refused and entry.link.interface not in self._lent:
            return False
        return self._is_radio(entry.link.interface)

    def _loan(self, entry: Entry) -> Loan:
        interface = entry.link.interface or ""
        uplink = self._engine.situation.uplink
        sentence = ""
        if entry.track.reason is Reason.BUSY:
            sentence = entry.track.sentence
        return Loan(interface, entry.link.name, sentence, carries=entry.link.name == uplink)

    async def borrow(
        self, plugin: str, interface: str, *, share: bool, wanted: Callable[[str], None]
    ) -> None:
        """Give an interface to a plugin; once more if its driver has used it since.

        Raises ConnectError(BUSY).
        """
        entry = self._entry(interface)
        if entry is None:
            raise ConnectError(Reason.NO_DEVICE, f"there is no link on {interface}")
        self._claims.lend(interface, plugin)
        self._lent[interface] = _Lent(plugin, entry.link.name, share, wanted)
        self._offers_changed()
        try:
            while entry.track.leaving and entry.connecting is not None:
                await asyncio.wait({entry.connecting})
            if not share:
                await self._let_go(entry)
        except BaseException:
            await self.give_back(interface)
            raise

    async def _let_go(self, entry: Entry) -> None:
        try:
            lent = await entry.guard.call("lend", entry.link)
        except DriverBug as error:
            raise ConnectError(Reason.BUSY, str(error)) from None
        if not lent:
            what = f"driver {entry.link.driver} does not let go of {entry.link.interface}"
            raise ConnectError(Reason.BUSY, what)

    async def give_back(self, interface: str) -> None:
        """Let an interface's link be used again."""
        if self._lent.pop(interface, None) is not None:
            self._claims.end_loan(interface)
            self._offers_changed()

    def lent_to(self, plugin: str) -> list[str]:
        """Return the interfaces that a plugin has."""
        return [interface for interface, lent in self._lent.items() if lent.plugin == plugin]

    async def give_back_all(self, plugin: str | None = None, driver: str | None = None) -> None:
        """Let all be used again that a plugin has, or that belongs to a driver."""
        for interface, lent in list(self._lent.items()):
            if plugin in (None, lent.plugin) and driver in (None, lent.link.partition(":")[0]):
                await self.give_back(interface)

    def takes(self, event: object) -> bool:
        """Pass on that a driver has found something on what is lent; tell whether it was that."""
        if isinstance(event, Retry):
            for lent in self._lent.values():
                if lent.link == event.link:
                    lent.wanted(event.sentence)
                    return True
        return False

    def holds(self, driver: str) -> bool:
        """Tell whether a driver has had to let go of an interface."""
        return any(
            not lent.share and lent.link.partition(":")[0] == driver for lent in self._lent.values()
        )

    def _entry(self, interface: str) -> Entry | None:
        entries = self._engine.entries.values()
        return next((e for e in entries if e.present and e.link.interface == interface), None)

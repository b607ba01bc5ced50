"""The radio of a session: found, borrowed, opened on, shut, given back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from conman_core import ConnectError, PluginContext, Reason
from conman_core.errors import ConmanError
from conman_core.plugin import Loan
from conman_plugins.accesspoint.air import Apart
from conman_plugins.accesspoint.hostapd import Client
from conman_plugins.accesspoint.opening import Guests, Opening
from conman_plugins.accesspoint.options import Settings
from conman_plugins.accesspoint.page.state import State
from conman_plugins.accesspoint.pages import Pages
from conman_plugins.accesspoint.plan import Plan, make_plan
from conman_plugins.accesspoint.shown import Shown
from conman_plugins.accesspoint.wanted import Wanted

MOST_FALLS = 5  #: of an access point that does not stay on the air


class Berth:
    """`state` gives what the page shows; `wanted` what the access point is, for a radio."""

    def __init__(
        self,
        context: PluginContext,
        settings: Settings,
        wanted: Callable[[str], Wanted],
        *,
        shown: Shown,
        guests: Guests,
        state: Callable[[], State],
        in_sight: Callable[[str], None],
        pages: Pages | None = None,
    ) -> None:
        self.opening: Opening | None = None
        self.plan: Plan | None = None
        self.leaves = False  #: the access point has to go when something is tried
        self._context = context
        self._settings = settings
        self._wanted = wanted
        self._shown, self._guests = shown, guests
        self._state, self._in_sight = state, in_sight
        self._pages = pages
        self._loan: Loan | None = None
        self._falls = 0
        self._closing: asyncio.Task[None] | None = None

    async def will_leave(self) -> bool:
        """Tell whether the only radio cannot look around while it is an access point."""
        loans = await self._context.loans()
        try:
            return len(loans) == 1 and not self._plan_for(loans[0]).together
        except ConmanError:  # said when it is opened
            return False

    def _plan_for(self, loan: Loan) -> Plan:
        return make_plan(loan.interface, together=self._settings.together)

    async def open_any(self) -> None:
        """Open on the first radio that can. Raises ConnectError with what is wrong with each."""
        loans = await self._context.loans()
        usable = [loan for loan in loans if self._settings.interface in ("", loan.interface)]
        troubles = []
        for loan in usable:
            try:
                if loan.sentence:
                    raise ConnectError(Reason.BUSY, loan.sentence)
                await self._open_on(loan, alone=len(loans) == 1)
            except ConmanError as error:
                troubles.append(str(error))
            else:
                return
        missing = "there is no WiFi radio for an access point; see: conman probe"
        if loans and self._settings.interface:
            names = ", ".join(loan.interface for loan in loans)
            missing = f"{self._settings.interface} is no radio that can be had; there are: {names}"
        raise ConnectError(Reason.NO_DEVICE, "; ".join(dict.fromkeys(troubles)) or missing)

    async def _open_on(self, loan: Loan, *, alone: bool) -> None:
        self.plan = self._plan_for(loan)
        self._loan = loan
        self.leaves = alone and not self.plan.together
        try:
            await self.open()
        except Apart as error:
            self._context.log.info("%s; it goes when a network is tried", error)
            self.plan, self.leaves = self.plan.alone(), alone
            await self.open()

    async def open(self) -> None:
        """Open on the radio that was chosen. Raises ConmanError; then it is given back."""
        loan, plan = self._loan, self.plan
        assert loan  # noqa: S101 - for mypy: `_open_on` set both
        assert plan  # noqa: S101
        if self._pages:
            await self._pages.ahead()
        await self.borrow()
        wanted = self._wanted(loan.interface)
        self._shown.begin(wanted.ssid, plan.ap_interface)
        opening = Opening(self._context, wanted, plan, self._guests, self._pages)
        try:
            await opening.open(self._state())
        except BaseException:
            self._closing = asyncio.create_task(opening.close())
            await self.give_back()
            raise
        self.opening = opening
        self._shown.tell()

    async def borrow(self) -> None:
        """Have the radio, again if a network was tried on it. Raises ConnectError."""
        if self._loan and self.plan:
            share = self.plan.together
            await self._context.borrow(self._loan.interface, share=share, wanted=self._in_sight)

    async def look(self, state: State) -> None:
        """Let the drivers look around; leave the air meanwhile if that must be."""
        if self.opening:
            self.opening.show(state)
        if self.leaves:
            await self.shut()
        await self._context.look()
        if self.leaves:
            await self.open()

    async def clients(self) -> Sequence[Client] | None:
        """Return the phones that are there; None if that cannot be known."""
        return await self.opening.clients() if self.opening else ()

    async def shut(self) -> None:
        """Leave the air to the end, even if cancelled; the radio stays borrowed."""
        opening, self.opening = self.opening, None
        if opening:
            self._closing = asyncio.create_task(opening.close())
        if self._closing:
            await asyncio.shield(self._closing)

    async def give_back(self) -> str:
        """Leave the air and give the radio back; return its name, empty if there is none."""
        await self.shut()
        if self._loan is None:
            return ""
        await self._context.give_back(self._loan.interface)
        return self._loan.interface

    async def reopen(self, sentence: str) -> None:
        """Open again what went off the air by itself. Raises ConmanError if it does not stay."""
        if self.opening is None:
            return
        self._context.log.warning("%s; it is opened again", sentence)
        self._falls += 1
        await self.shut()
        if self._falls > MOST_FALLS:
            raise ConnectError(Reason.WEDGED, f"the access point does not stay up: {sentence}")
        await self.open()

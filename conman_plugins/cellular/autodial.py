"""Dialling with the APN that the user has set, or with each that is known until one works."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from conman_core import ConnectError, Family, Reason
from conman_core.errors import SystemFault
from conman_plugins.cellular import apns
from conman_plugins.cellular.apns import ApnMemory
from conman_plugins.cellular.bearer import NoSession
from conman_plugins.cellular.call import Call
from conman_plugins.cellular.plan import Plan
from conman_plugins.cellular.qmitext import Settings
from conman_plugins.cellular.simcard import SimCard
from conman_plugins.cellular.wanted import SECTION, Wanted

if TYPE_CHECKING:
    import logging

_OF_THE_APN = frozenset({Reason.WRONG_APN, Reason.WRONG_KEY})


class AutoDial:
    """Dials for one modem.

    A try that ends amid the APNs, as by its time limit, is gone on with by the next one.
    """

    def __init__(
        self, card: SimCard, memory: ApnMemory, database: Path, log: logging.Logger
    ) -> None:
        self._card = card
        self._memory = memory
        self._database = database
        self._log = log
        self._reached: Plan | None = None  #: the last one that was tried, until one works

    async def dial(self, call: Call, wanted: Wanted) -> dict[Family, Settings]:
        """Return what the session has of each address family. Raises ConnectError."""
        if wanted.plan:
            return await call.dial(wanted.plan, wanted.families)
        iccid = await self._card.number()
        home = await self._card.home()
        plans = apns.candidates(home, iccid, self._memory, self._database)
        failures: list[ConnectError] = []
        for plan in _behind(self._reached, plans):
            before, self._reached = self._reached, plan
            try:
                found = await call.dial(plan, wanted.families)
            except ConnectError as error:
                if not _another_may_do(error):
                    self._reached = before
                    raise
                self._log.info("apn = auto: %s", error)
                failures.append(error)
            else:
                self._reached = None
                self._remember(iccid, plan)
                return found
        raise _none_works(home, plans, failures) from failures[0]

    def _remember(self, iccid: str, plan: Plan) -> None:
        try:
            self._memory.worked(iccid, plan)
        except SystemFault as fault:  # then it is found anew the next time
            self._log.warning("the APN that works is not noted: %s", fault)


def _behind(reached: Plan | None, plans: list[Plan]) -> list[Plan]:
    """Return the plans from the one behind that which was reached, round to that."""
    begin = plans.index(reached) + 1 if reached in plans else 0
    return plans[begin:] + plans[:begin]


def _another_may_do(error: ConnectError) -> bool:
    if isinstance(error, NoSession):
        return error.reason is not Reason.NOT_REGISTERED
    return error.reason is Reason.TIMEOUT


def _none_works(home: str, plans: list[Plan], failures: Sequence[ConnectError]) -> ConnectError:
    """Return what to tell: a failure that no APN has brought about tells more than those."""
    for failure in failures:
        if failure.reason not in _OF_THE_APN:
            return ConnectError(failure.reason, f"{failure}; tried were {apns.tried(plans)}")
    whose = f"the operator {home}" if home else "the operator"
    return ConnectError(
        Reason.WRONG_APN,
        f"{whose} refuses each APN that is known for it ({apns.tried(plans)}); set apn in"
        f" {SECTION} to the one that came with the SIM card",
    )

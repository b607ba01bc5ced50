"""Dialling with the APN that the user has set, or with each that is known until one works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from conman_core import ConnectError, Family, Reason
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


async def dial(
    call: Call,
    wanted: Wanted,
    card: SimCard,
    *,
    memory: ApnMemory,
    database: Path,
    log: logging.Logger,
) -> dict[Family, Settings]:
    """Return what the session has of each address family. Raises ConnectError."""
    if wanted.plan:
        return await call.dial(wanted.plan, wanted.families)
    iccid = await card.number()
    home = await card.home()
    plans = apns.candidates(home, iccid, memory, database)
    failure: NoSession | None = None
    for plan in plans:
        try:
            found = await call.dial(plan, wanted.families)
        except NoSession as error:
            if error.reason not in {Reason.WRONG_APN, Reason.WRONG_KEY}:
                raise
            log.info("apn = auto: %s", error)
            failure = failure or error
        else:
            memory.worked(iccid, plan)
            return found
    raise _none_works(home, plans) from failure


def _none_works(home: str, plans: list[Plan]) -> ConnectError:
    whose = f"the operator {home}" if home else "the operator"
    return ConnectError(
        Reason.WRONG_APN,
        f"{whose} refuses each APN that is known for it ({apns.tried(plans)}); set apn in"
        f" {SECTION} to the one that came with the SIM card",
    )

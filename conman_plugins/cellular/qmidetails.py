"""What there is to say about a modem that speaks QMI, for people."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from conman_core import ConnectError
from conman_plugins.cellular import qmitext
from conman_plugins.cellular.qmimodem import QmiModem
from conman_plugins.cellular.registration import state_of

LIMIT = 4.0  #: seconds for all of it


async def details(modem: QmiModem) -> Mapping[str, str]:
    """Return registration, operator, signal and the like: what is known within `LIMIT`."""
    found: dict[str, str] = {}
    if modem.progress:
        found["connecting"] = modem.progress
    with contextlib.suppress(ConnectError, TimeoutError):
        modem.port()
        async with asyncio.timeout(LIMIT):
            await _ask(modem, found)
    return {name: value for name, value in found.items() if value}


async def _ask(modem: QmiModem, found: dict[str, str]) -> None:
    said = await modem.qmicli.ask("--nas-get-serving-system", limit=LIMIT)
    serving = qmitext.serving(said)
    found["registration"] = state_of(serving)
    found["operator"] = serving.operator or serving.plmn
    found["technology"] = serving.technology
    if serving.registered:
        found["roaming"] = "yes" if serving.roaming else "no"
    with contextlib.suppress(ConnectError):  # there is none without a network
        said = await modem.qmicli.ask("--nas-get-signal-info", limit=LIMIT)
        found |= qmitext.signal(said)
    if not modem.imei:
        modem.imei = qmitext.imei(await modem.qmicli.ask("--dms-get-ids", limit=LIMIT))
    found["IMEI"] = modem.imei

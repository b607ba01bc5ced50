"""Has a wpa_supplicant look around, and tells what was seen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from conman_core import ConnectError, Reason
from conman_plugins.wifi.events import Event, ScanFailed, ScanResults
from conman_plugins.wifi.scan import Cell, all_cells
from conman_plugins.wifi.supplicant import Supplicant

SCAN_LIMIT = 20.0  #: seconds; a passive scan of all channels of both bands takes about 6
_MOST_HIDDEN = 8  #: names asked for in one scan; wpa_supplicant takes 16, drivers may take fewer
_FRESH = 1.0  #: seconds of slack when it is decided whether a cell was seen by a scan


class ScanRefused(ConnectError):
    """The radio does not look at such channels, or at none at all."""


async def scan(
    supplicant: Supplicant, frequencies: Sequence[int] = (), hidden: Sequence[bytes] = ()
) -> list[Cell]:
    """Look around, on some channels (MHz) or on all; return what was seen by this look.

    `hidden` are SSIDs to be asked for by name: the networks do not tell theirs.
    Raises ConnectError.
    """
    command = "SCAN TYPE=ONLY"
    if frequencies:
        command += f" freq={','.join(map(str, frequencies))}"
    for ssid in hidden[:_MOST_HIDDEN]:
        command += f" ssid {ssid.hex()}"
    began = time.monotonic()
    with supplicant.listen() as events:
        if await _ask(supplicant, command) == "FAIL-BUSY":  # somebody else's scan comes first
            await _results(supplicant, events)
            began = time.monotonic()
            await _ask(supplicant, command)
        await _results(supplicant, events)
    return await cells(supplicant, time.monotonic() - began + _FRESH)


async def cells(supplicant: Supplicant, age: float) -> list[Cell]:
    """Return the access points seen within the last `age` seconds. Raises ConnectError."""
    return [cell for cell in await all_cells(supplicant.request) if cell.age <= age]


async def _ask(supplicant: Supplicant, command: str) -> str:
    answer = (await supplicant.request(command)).strip()
    if answer not in {"OK", "FAIL-BUSY"}:
        raise ScanRefused(Reason.BROKEN, supplicant.complaint(f"it does not scan: {answer}"))
    return answer


async def _results(supplicant: Supplicant, events: asyncio.Queue[Event | None]) -> None:
    try:
        async with asyncio.timeout(SCAN_LIMIT):
            while True:
                match await events.get():
                    case ScanResults():
                        return
                    case ScanFailed(code=code, retry=False):
                        what = f"the radio refused to scan (error {code})"
                        raise ScanRefused(Reason.BROKEN, supplicant.complaint(what))
                    case None:
                        raise ConnectError(Reason.LOST, supplicant.complaint("it ended"))
    except TimeoutError:
        what = f"no scan results within {SCAN_LIMIT:g} s"
        raise ConnectError(Reason.WEDGED, supplicant.complaint(what)) from None

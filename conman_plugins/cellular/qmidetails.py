"""What there is to say about a modem that speaks QMI, for people."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping

from conman_core import ConnectError
from conman_plugins.cellular import qmitext
from conman_plugins.cellular.qmimodem import QmiModem
from conman_plugins.cellular.registration import state_of

PATIENCE = 0.8  #: seconds, less than a status waits; what comes later is for the next one
_LIMIT = 4.0  #: seconds for one answer


class Details:
    """What is known of one modem. Asking may go on when nobody waits for it any more."""

    def __init__(self, modem: QmiModem) -> None:
        self._modem = modem
        self._known: dict[str, str] = {}
        self._asking: asyncio.Task[None] | None = None

    async def read(self) -> Mapping[str, str]:
        """Return registration, operator, signal and the like."""
        if self._asking is None or self._asking.done():
            name = f"driver:details {self._modem.name}"
            self._asking = asyncio.create_task(self._ask(), name=name)
        await asyncio.wait({self._asking}, timeout=PATIENCE)
        found = dict(self._known)
        if self._modem.progress:
            found = {"connecting": self._modem.progress} | found
        return {name: value for name, value in found.items() if value}

    async def close(self) -> None:
        """Ask no more."""
        if self._asking:
            self._asking.cancel()
            await asyncio.wait({self._asking})

    async def _ask(self) -> None:
        try:
            self._modem.port()
            await self._look()
        except (ConnectError, OSError):  # ToolMissing is one
            self._known = {}  # what was so before may be so no more

    async def _look(self) -> None:
        ask, known = self._modem.qmicli.ask, self._known
        serving = qmitext.serving(await ask("--nas-get-serving-system", limit=_LIMIT))
        known["registration"] = state_of(serving)
        known["operator"] = serving.operator or serving.plmn
        known["technology"] = serving.technology
        known["roaming"] = ("no", "yes")[serving.roaming] if serving.registered else ""
        signal: Mapping[str, str] = {}
        with contextlib.suppress(ConnectError):  # there is none without a network
            signal = qmitext.signal(await ask("--nas-get-signal-info", limit=_LIMIT))
        for name in qmitext.SIGNALS:
            known[name] = signal.get(name, "")
        if not known.get("IMEI"):
            known["IMEI"] = qmitext.imei(await ask("--dms-get-ids", limit=_LIMIT))

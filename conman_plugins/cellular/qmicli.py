"""Asks a modem through qmicli: one question at a time, each with a hard limit."""

from __future__ import annotations

import asyncio
import re

from conman_core import ConnectError, DriverContext, Reason
from conman_core.lane import one_line

LIMIT = 10.0  #: seconds; a modem that is well answers within one
_ERROR = re.compile(r"QMI protocol error \(([0-9]{1,5})\): '([^'\n]{1,60})'")

#: what a modem says no with (libqmi, qmi-errors.h), where that calls for something
NO_SUCH_SERVICE, NO_SUCH_COMMAND = 31, 71


class Declined(ConnectError):
    """The modem said no. `code` is a QMI error (qmi-errors.h)."""

    def __init__(self, question: str, code: int, word: str) -> None:
        super().__init__(Reason.BROKEN, f"the modem declines {question}: {word}")
        self.code = code

    @property
    def unknown(self) -> bool:
        """The modem does not have what it was asked for."""
        return self.code in {NO_SUCH_SERVICE, NO_SUCH_COMMAND}


class Qmicli:
    """qmicli for one modem, `device` such as /dev/cdc-wdm0."""

    def __init__(self, context: DriverContext, device: str) -> None:
        self.device = device
        self._context = context
        self._turn = asyncio.Lock()

    async def ask(self, *words: str, limit: float = LIMIT) -> str:
        """Run qmicli and return what it prints.

        Raises Declined, ConnectError with WEDGED if there is no answer, ToolMissing.
        """
        argv = ("qmicli", "--device-open-proxy", f"--device={self.device}", *words)
        async with self._turn:
            try:
                done = await self._context.run(argv, timeout=limit)
            except TimeoutError:
                raise self._silent(words[0], limit) from None
        if done.returncode == 0:
            return done.stdout
        said = done.stderr or done.stdout
        question = words[0].lstrip("-").partition("=")[0]
        if found := _ERROR.search(said):
            raise Declined(question, int(found[1]), found[2])
        if "timed out" in said or "Timeout" in said or "cancelled" in said:
            raise self._silent(words[0], limit)
        lines = [line for line in said.splitlines() if line.strip() and "Warning **" not in line]
        best = next((line for line in lines if line.startswith("error: ")), (lines or [""])[0])
        why = one_line(best.removeprefix("error: ")) or "no word why"
        raise ConnectError(Reason.WEDGED, f"qmicli cannot ask {self.device}: {why}")

    def _silent(self, question: str, limit: float) -> ConnectError:
        what = question.lstrip("-").partition("=")[0]
        sentence = f"the modem at {self.device} does not answer ({what}, {limit:g} s)"
        return ConnectError(Reason.WEDGED, f"{sentence}; pull it out and plug it in if that stays")

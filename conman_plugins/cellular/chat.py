"""The script that pppd's chat dials with, and what its words mean."""

from __future__ import annotations

import re
from collections.abc import Iterable

from conman_core import Reason

PATIENCE = 40  #: seconds from the dial to CONNECT

_ABORTS = ("NO CARRIER", "NO DIALTONE", "NO DIAL TONE", "NO ANSWER", "BUSY", "ERROR", "DELAYED")
#: what a failed call means, by the word that the modem says
_CAUSES = {
    "NO CARRIER": (Reason.WRONG_APN, "the network did not take the call (NO CARRIER)"),
    "NO DIALTONE": (Reason.NOT_REGISTERED, "the modem has no network to call (NO DIALTONE)"),
    "NO DIAL TONE": (Reason.NOT_REGISTERED, "the modem has no network to call (NO DIAL TONE)"),
    "NO ANSWER": (Reason.TIMEOUT, "nobody took the call (NO ANSWER)"),
    "BUSY": (Reason.TIMEOUT, "the network is busy (BUSY)"),
    "ERROR": (Reason.TIMEOUT, "the modem refused to dial (ERROR)"),
    "DELAYED": (Reason.TIMEOUT, "the modem wants a pause before it dials again (DELAYED)"),
}
_FAILED = re.compile(r"Failed \((.*)\)")


def script(number: str) -> str:
    """Return a chat script that dials a number; what it dials to is set before."""
    aborts = "".join(f"ABORT '{word}'\n" for word in _ABORTS)
    return f"{aborts}TIMEOUT {PATIENCE}\n'' 'ATD{number}'\nCONNECT ''\n"


def failure(lines: Iterable[str]) -> tuple[Reason, str] | None:
    """Return reason and words of a call that failed, from what chat printed; None if it did not."""
    for line in lines:
        found = _FAILED.search(line)
        if found and found[1] in _CAUSES:
            return _CAUSES[found[1]]
        if line.strip() == "Failed" or "alarm" in line:
            return Reason.WEDGED, f"the modem did not answer the dial within {PATIENCE} s"
    return None

"""What an exception means for a link: the reason that people read, and whether to try a repair."""

from __future__ import annotations

import errno
import logging

from conman_core.errors import ConnectError, SystemFault
from conman_core.model import Reason

log = logging.getLogger(__name__)

_REASONS = {
    errno.EPERM: Reason.DENIED,
    errno.EACCES: Reason.DENIED,
    errno.ENODEV: Reason.NO_DEVICE,
    errno.ENXIO: Reason.NO_DEVICE,
    errno.ERFKILL: Reason.RF_KILLED,
    errno.EIO: Reason.WEDGED,  # how setting up a radio ends whose firmware has died (brcmfmac)
    errno.ETIMEDOUT: Reason.WEDGED,
}


def reason_of(error: Exception) -> Reason:
    """Return the reason that stands for an exception."""
    if isinstance(error, ConnectError):
        return error.reason
    if isinstance(error, SystemFault):
        return _REASONS.get(error.errno or 0, Reason.BROKEN)
    return Reason.BROKEN


def repairable(error: Exception) -> bool:
    """Tell whether a repair may cure it: no reset cures a fault in the code of a driver."""
    return isinstance(error, ConnectError) or reason_of(error) is Reason.WEDGED


def report(error: BaseException) -> None:
    """Log what should not be possible, with its traceback."""
    log.error("a fault of conman itself, please report it: %s", error, exc_info=error)

"""Whether a modem that speaks QMI can be used at all: its port, its operating mode."""

from __future__ import annotations

from conman_core import ConnectError, Reason
from conman_plugins.cellular import qmitext
from conman_plugins.cellular.ports import Port
from conman_plugins.cellular.qmicli import Declined, Qmicli
from conman_plugins.cellular.wwanmachine import Machine

FIRST_LIMIT = 6.0  #: seconds for the first question: a modem that hangs is found out by it
_INVALID_TRANSITION = 60  #: QMI error (qmi-errors.h)


def usable(machine: Machine, name: str) -> tuple[Port, str]:
    """Return a control port and its interface, both free for conman. Raises ConnectError."""
    port = machine.ports.port(name)
    if port is None or port.interface is None:
        raise ConnectError(Reason.NO_DEVICE, f"the modem at {name} is gone; plug it in")
    if not port.speaks_qmi:
        raise ConnectError(
            Reason.MISCONFIGURED,
            f"the modem at {name} speaks MBIM, which is not supported; have it speak QMI",
        )
    if port.device:
        machine.must_be_free(port.device)
    return port, port.interface


async def standing(qmicli: Qmicli) -> qmitext.Serving | None:
    """Ask how the modem stands with the operators, None if it does not say; it starts qmi-proxy.

    One that is registered is switched on and has a card that is ready, so that nothing else needs
    to be asked. Raises ConnectError.
    """
    try:
        return qmitext.serving(await qmicli.ask("--nas-get-serving-system", limit=FIRST_LIMIT))
    except Declined:
        return None


async def mode_of(qmicli: Qmicli) -> qmitext.Mode:
    """Ask for the operating mode. Raises ConnectError."""
    try:
        said = await qmicli.ask("--dms-get-operating-mode", limit=FIRST_LIMIT)
    except Declined as declined:
        if declined.unknown:  # then it can only be on
            return qmitext.Mode("online")
        raise
    return qmitext.mode(said)


async def switch_on(qmicli: Qmicli, mode: qmitext.Mode) -> None:
    """Switch the radio on. Raises ConnectError."""
    if mode.locked:
        raise ConnectError(
            Reason.RF_KILLED,
            f"the radio of the modem at {qmicli.device} is held off by a switch or pin of the"
            " device; switch it on there",
        )
    try:
        await qmicli.ask("--dms-set-operating-mode=online")
    except Declined as declined:
        if declined.code == _INVALID_TRANSITION:
            what = f"the modem at {qmicli.device} is {mode.name}, where only a reset leads back"
            raise ConnectError(Reason.WEDGED, what) from None
        raise

"""What may bring back a modem that should work and does not, from the mildest to the harshest."""

from __future__ import annotations

import contextlib

from conman_core import ConnectError, DriverContext, Reason
from conman_core.errors import ToolMissing
from conman_plugins.cellular.qmicli import Declined
from conman_plugins.cellular.qmimodem import QmiModem
from conman_plugins.cellular.usbpower import power_cycle, take_anew
from conman_plugins.cellular.wwanmachine import Machine

_LIMIT = 8.0  #: seconds for an order


async def repair(context: DriverContext, machine: Machine, modem: QmiModem, step: int) -> bool:
    """Take the repair number `step`; False if there is none. Raises ConnectError.

    0: a new session. 1: airplane mode and back. 2: a reset of the modem. 3: the kernel takes it
    anew. 4: its port without power for a moment, where the hub can. A modem that does not even
    answer is taken anew at once.
    """
    if step > 4 or step < 0:
        return False
    if step == 4:
        return await _power(context, machine, modem)
    if step == 3 or modem.silent:
        await _take_anew(context, machine, modem)
        return True
    try:
        await _order(modem, step)
    except Declined:
        raise
    except ConnectError as error:
        if error.reason is not Reason.WEDGED:
            raise
        await _take_anew(context, machine, modem)
    return True


async def _order(modem: QmiModem, step: int) -> None:
    if step == 0:
        await modem.redial()
    elif step == 1:
        modem.port()
        await modem.qmicli.ask("--dms-set-operating-mode=low-power", limit=_LIMIT)
        await modem.qmicli.ask("--dms-set-operating-mode=online", limit=_LIMIT)
    else:
        modem.port()
        with contextlib.suppress(Declined):  # some want that first, some do not have it
            await modem.qmicli.ask("--dms-set-operating-mode=offline", limit=_LIMIT)
        await modem.qmicli.ask("--dms-set-operating-mode=reset", limit=_LIMIT)


def _place(machine: Machine, modem: QmiModem) -> str:
    """Return where on USB the modem is, if nobody else has it. Raises ConnectError."""
    port = machine.ports.port(modem.name)
    if port is None or port.device is None:
        raise ConnectError(
            Reason.NO_DEVICE, f"the modem at {modem.name} is not on USB any more; plug it in"
        )
    machine.must_be_free(port.device)
    return port.device.place


async def _take_anew(context: DriverContext, machine: Machine, modem: QmiModem) -> None:
    await take_anew(context, machine.ports.usb, _place(machine, modem))


async def _power(context: DriverContext, machine: Machine, modem: QmiModem) -> bool:
    try:
        return await power_cycle(context, _place(machine, modem))
    except ToolMissing as missing:
        context.log.info("%s", missing)
        return False

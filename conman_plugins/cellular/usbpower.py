"""The two harshest repairs of a USB device: as if replugged, and without power for a moment."""

from __future__ import annotations

from conman_core import ConnectError, DriverContext, Reason
from conman_core.errors import ToolMissing
from conman_plugins.cellular.usb import Usb

_COMES_WITHIN = 5.0  #: seconds that a device has to show its functions again
_LOOK = 0.25  #: seconds between looks for them

_POWER_LIMIT = 20.0  #: seconds for uhubctl, which waits for two while the power is off


def reenumerate(usb: Usb, place: str) -> None:
    """Have the kernel let go of a device and take it anew. Raises ConnectError.

    Blocks until both is done, so that nobody can end it half way, with the device locked out.
    """
    switch = usb.folder(place) / "authorized"
    try:
        try:
            switch.write_text("0")
        finally:
            switch.write_text("1")
    except FileNotFoundError:
        sentence = f"nothing is plugged in at USB {place} any more; plug the modem in again"
        raise ConnectError(Reason.NO_DEVICE, sentence) from None
    except OSError as error:
        reason = Reason.DENIED if isinstance(error, PermissionError) else Reason.WEDGED
        raise ConnectError(
            reason,
            f"the modem at USB {place} cannot be taken anew: {error.strerror}; pull it out and"
            f" plug it in again",
        ) from error


async def take_anew(context: DriverContext, usb: Usb, place: str) -> None:
    """Take a device anew until it shows its functions, at last by its power. Raises ConnectError.

    One without functions is no link any more, so nobody would repair it later.
    """
    for _ in range(2):
        reenumerate(usb, place)
        if await _comes(context, usb, place):
            return
    more = ""
    try:
        if await power_cycle(context, place) and await _comes(context, usb, place):
            return
    except ToolMissing as missing:
        more = f"; {missing}, and conman can switch its power off and on where the hub can"
    raise ConnectError(
        Reason.WEDGED,
        f"the modem at USB {place} shows nothing any more; pull it out and plug it in again{more}",
    )


async def _comes(context: DriverContext, usb: Usb, place: str) -> bool:
    until = context.now() + _COMES_WITHIN
    while not ((device := usb.at(place)) and device.functions):
        if context.now() >= until:
            return False
        await context.sleep(_LOOK)
    return True


async def power_cycle(context: DriverContext, place: str) -> bool:
    """Switch a device's port off and on; False if its hub cannot. Raises ToolMissing."""
    hub, port = hub_and_port(place)
    argv = ["uhubctl", "--location", hub, "--ports", port, "--action", "cycle"]
    try:
        done = await context.run(argv, timeout=_POWER_LIMIT)
    except TimeoutError as error:
        raise ConnectError(Reason.WEDGED, str(error)) from None
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())[:200]
        context.log.info("the hub at USB %s does not switch its ports: %s", hub, said)
    return not done.returncode


def hub_and_port(place: str) -> tuple[str, str]:
    """Return the hub of a place and the port there, as uhubctl names them."""
    hub, dot, port = place.rpartition(".")
    if dot:
        return hub, port
    bus, _, port = place.partition("-")
    return bus, port

"""What helps a radio that should work and does not, from the mildest to the harshest."""

from __future__ import annotations

import fcntl
import socket
import struct

from conman_core import ConnectError, Reason
from conman_plugins.wifi.station import Station

#: linux/sockios.h and linux/if.h
_GET_FLAGS, _SET_FLAGS = 0x8913, 0x8914
_UP = 0x1
_REQUEST = struct.Struct("16sH14x")


async def repair(station: Station, step: int) -> bool:
    """Take the repair number `step`; False if there is none. Raises ConnectError.

    0: associate again. 1: a new wpa_supplicant. 2: the interface down and up, too: the kernel's
    driver then starts the radio's firmware anew.
    """
    if step == 0:
        if station.supplicant.running:
            await station.supplicant.order("REASSOCIATE")
        return True
    if step not in {1, 2}:
        return False
    await station.restart(between=(lambda: _bounce(station.interface)) if step == 2 else None)
    return True


def _bounce(interface: str) -> None:
    set_up(interface, False)
    set_up(interface, True)


def set_up(interface: str, up: bool) -> None:
    """Set an interface up or down (netdevice(7)). Raises ConnectError."""
    name = interface.encode()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
            answer = fcntl.ioctl(control, _GET_FLAGS, _REQUEST.pack(name, 0))
            flags = _REQUEST.unpack(answer)[1]
            wanted = flags | _UP if up else flags & ~_UP
            fcntl.ioctl(control, _SET_FLAGS, _REQUEST.pack(name, wanted))
    except OSError as error:
        verb = "up" if up else "down"
        raise ConnectError(
            Reason.BROKEN, f"{interface} cannot be set {verb}: {error.strerror}"
        ) from error

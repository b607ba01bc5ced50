"""How packets are framed between kernel and modem: both sides must have the same.

Bare packets (raw-ip) where the modem can: what some do in Ethernet frames (802.3) is faulty.
"""

from __future__ import annotations

from collections.abc import Callable

from conman_core import ConnectError, Reason
from conman_core.errors import SystemFault
from conman_core.net.netlink import Netlink
from conman_plugins.cellular import qmitext
from conman_plugins.cellular.ports import Ports
from conman_plugins.cellular.qmicli import Declined, Qmicli


def set_up(interface: str, up: bool) -> None:
    """Set an interface up or down. Raises SystemFault."""
    with Netlink() as kernel:
        kernel.set_up(kernel.link(interface).index, up)


async def agree(
    qmicli: Qmicli,
    ports: Ports,
    interface: str,
    switch: Callable[[str, bool], None] = set_up,
) -> bool:
    """Have both sides use the same format; return whether packets are bare. Raises ConnectError.

    `switch` sets the interface up or down: the kernel changes its format only while it is down.
    """
    modem = await _of_modem(qmicli)
    kernel = ports.raw_ip(interface)
    if kernel is None:
        if modem:
            raise _disagree(interface, "its kernel driver knows Ethernet frames only")
        return False
    if kernel != modem:
        try:
            switch(interface, False)
            try:
                ports.set_raw_ip(interface, modem)
            finally:
                switch(interface, True)
        except (OSError, SystemFault) as error:
            raise _disagree(interface, str(error)) from error
        if ports.raw_ip(interface) != modem:
            raise _disagree(interface, "the kernel keeps what it has")
    return modem


async def _of_modem(qmicli: Qmicli) -> bool:
    """Return whether the modem sends bare packets, having asked it to."""
    try:
        found = qmitext.raw_ip(await qmicli.ask("--wda-get-data-format"))
        if not found:
            await qmicli.ask("--wda-set-data-format=raw-ip")
            found = qmitext.raw_ip(await qmicli.ask("--wda-get-data-format"))
    except Declined as declined:
        if declined.unknown:  # an old one, which has no choice to offer
            return False
        raise
    return found


def _disagree(interface: str, why: str) -> ConnectError:
    return ConnectError(
        Reason.BROKEN, f"kernel and modem cannot agree how {interface} carries packets: {why}"
    )

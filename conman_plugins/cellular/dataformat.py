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

_NO_END = frozenset({17, 48})  #: QMI errors of who wants to hear its end (qmi-errors.h)


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
    kernel = ports.raw_ip(interface)
    modem = await _of_modem(qmicli, ports, interface, kernel)
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


async def _of_modem(qmicli: Qmicli, ports: Ports, interface: str, kernel: bool | None) -> bool:
    """Return whether the modem sends bare packets, having asked it to if the kernel can."""
    try:
        return await _ask_for(qmicli, "", bare=kernel is not None)
    except Declined as declined:
        if declined.unknown:  # an old one, which has no choice to offer
            return False
        if declined.code not in _NO_END:
            raise
    try:  # one that wants to be told which of its ends is meant
        end = f"ep-type=hsusb,ep-iface-number={_number(ports, interface)}"
        return await _ask_for(qmicli, end, bare=kernel is not None)
    except (Declined, OSError, ValueError):
        return bool(kernel)  # it does not say, and the kernel's driver may know


async def _ask_for(qmicli: Qmicli, end: str, *, bare: bool) -> bool:
    """Ask for bare packets, or frames; return whether they are bare. Raises ConnectError."""
    question = f"--wda-get-data-format={end}" if end else "--wda-get-data-format"
    found = qmitext.raw_ip(await qmicli.ask(question))
    if found != bare:
        wanted = "raw-ip" if bare else "802-3"
        if end:
            wanted = f"link-layer-protocol={wanted},{end}"
        await qmicli.ask(f"--wda-set-data-format={wanted}")
        found = qmitext.raw_ip(await qmicli.ask(question))
    return found


def _number(ports: Ports, interface: str) -> int:
    """Return the number of the USB interface behind it. Raises OSError, ValueError."""
    path = ports.usb.root / "class/net" / interface / "device/bInterfaceNumber"
    return int(path.read_text(), 16)


def _disagree(interface: str, why: str) -> ConnectError:
    return ConnectError(
        Reason.BROKEN, f"kernel and modem cannot agree how {interface} carries packets: {why}"
    )

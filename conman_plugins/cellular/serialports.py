"""Which modems have serial ports to be dialled over, and which of the ports takes AT commands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

from conman_core import ConnectError, Reason
from conman_plugins.cellular.at import Terminal
from conman_plugins.cellular.dongles import SERIAL, STANDARD_SERIAL, TELEPHONES
from conman_plugins.cellular.usb import Usb, UsbDevice

FIRST_ANSWER = 1.5  #: seconds that a port has to say OK
HELLO = "ATE0"  #: what every modem takes; and then it does not repeat what it hears

Opener = Callable[[str], Awaitable[Terminal]]  #: raises ConnectError


@dataclass(frozen=True, slots=True)
class Found:
    """A port that takes AT commands, open."""

    path: str
    port: Terminal


def serial_modems(usb: Usb, ids: str) -> list[UsbDevice]:
    """Return the modems with serial ports; `ids` are those of one that the user names, or empty."""
    return [
        device
        for device in usb.devices()
        if terminals_of(device, named=bool(ids)) and ids in ("", device.ids)
    ]


def terminals_of(device: UsbDevice, *, named: bool = False) -> tuple[str, ...]:
    """Return the ports that may take AT commands, such as /dev/ttyUSB0."""
    drivers = set(SERIAL)
    if named or device.vendor in TELEPHONES:  # others have a port to program them by, say
        drivers.add(STANDARD_SERIAL)
    parts = (part for part in device.functions if named or part.driver in drivers)
    return tuple(f"/dev/{name}" for part in parts for name in part.terminals)


async def find_port(
    paths: Sequence[str], opener: Opener, first: str = "", limit: float = FIRST_ANSWER
) -> Found:
    """Return the port that answers, open; `first` is asked before all others.

    Of those that answer at once it is the first in order. Raises ConnectError.
    """
    failures: list[ConnectError] = []
    ordered = [[first]] if first in paths else []
    for group in (*ordered, [path for path in paths if path != first or not ordered]):
        if group and (found := await _first_of(group, opener, limit, failures)):
            return found
    for failure in failures:
        if failure.reason in (Reason.BUSY, Reason.DENIED):
            raise failure
    if failures and all(each.reason is Reason.NO_DEVICE for each in failures):
        raise failures[0]
    names = ", ".join(paths)
    said = f" ({failures[-1]})" if failures else ""
    raise ConnectError(Reason.WEDGED, f"no port of the modem answers ({names}){said}")


async def _first_of(
    paths: Sequence[str], opener: Opener, limit: float, failures: list[ConnectError]
) -> Found | None:
    tasks = [asyncio.create_task(_try(path, opener, limit)) for path in paths]
    waiting = set(tasks)
    chosen: Found | None = None
    try:
        while waiting and chosen is None:
            _, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            chosen = next((found for task in tasks if (found := _found(task))), None)
    finally:
        for task in tasks:
            task.cancel()
            task.add_done_callback(partial(_dispose, keep=chosen))
    for task in tasks:
        if task.done() and not task.cancelled() and isinstance(task.exception(), ConnectError):
            failures.append(cast(ConnectError, task.exception()))
    return chosen


def _dispose(task: asyncio.Task[Found], keep: Found | None) -> None:
    """Close a port that was not chosen, whenever its task has ended."""
    found = _found(task)
    if found and found is not keep:
        found.port.close()


def _found(task: asyncio.Task[Found]) -> Found | None:
    if not task.done() or task.cancelled() or task.exception():
        return None
    return task.result()


async def _try(path: str, opener: Opener, limit: float) -> Found:
    """Raises ConnectError; the port is open only if it is returned."""
    port = await opener(path)
    try:
        reply = await port.ask(HELLO, limit)
        if not reply.ok:
            raise ConnectError(Reason.WEDGED, f"{path} says {reply.end}")
    except BaseException:
        port.close()
        raise
    return Found(path, port)

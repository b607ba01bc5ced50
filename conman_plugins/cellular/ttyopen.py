"""Opens and closes serial ports without holding up the loop."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import termios
from threading import Thread

from conman_core import ConnectError, Reason

OPENING = 5.0  #: seconds that the kernel has to open a port


async def open_beside(path: str) -> int:
    """Open a port on a thread of its own: a modem that hangs can hold up whoever does it.

    Raises ConnectError.
    """
    loop = asyncio.get_running_loop()
    opened: asyncio.Future[int] = loop.create_future()

    def take(handle: int, error: ConnectError | None) -> None:
        if opened.done():  # nobody waits any more
            close_beside(handle)
        elif error:
            opened.set_exception(error)
        else:
            opened.set_result(handle)

    def work() -> None:
        handle, failure = -1, None
        try:
            handle = _open(path)
        except ConnectError as error:
            failure = error
        try:
            loop.call_soon_threadsafe(take, handle, failure)
        except RuntimeError:  # the loop has ended
            _close(handle)

    Thread(target=work, name=f"open {path}", daemon=True).start()
    try:
        async with asyncio.timeout(OPENING):
            return await opened
    except TimeoutError:
        raise ConnectError(Reason.WEDGED, f"{path} did not open within {OPENING:g} s") from None
    except asyncio.CancelledError:
        if opened.done() and not opened.cancelled() and not opened.exception():
            close_beside(opened.result())
        raise


def close_beside(handle: int) -> None:
    """Close a port on a thread: the kernel waits up to 30 s for what a modem has not taken yet."""
    Thread(target=_close, args=(handle,), name="close a port", daemon=True).start()


def _close(handle: int) -> None:
    with contextlib.suppress(OSError):  # it was pulled out, or was never open
        os.close(handle)


def _open(path: str) -> int:
    """Return a handle of a port that is ready to be spoken to. Raises ConnectError."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _cannot_open(path, error) from error
    try:
        _make_raw(handle)
    except (OSError, termios.error) as error:
        os.close(handle)
        raise ConnectError(Reason.NO_DEVICE, f"{path} is no serial port: {error}") from None
    return handle


def _make_raw(handle: int) -> None:
    """Set what a modem's port needs: bytes as they are, 115200, no hang-up when it is closed."""
    speed = termios.B115200
    control = termios.CS8 | termios.CREAD | termios.CLOCAL
    characters = termios.tcgetattr(handle)[6]
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    termios.tcsetattr(handle, termios.TCSANOW, [0, 0, control, 0, speed, speed, characters])
    termios.tcflush(handle, termios.TCIOFLUSH)
    with contextlib.suppress(OSError):  # pppd opens it with root's rights all the same
        fcntl.ioctl(handle, termios.TIOCEXCL)


def _cannot_open(path: str, error: OSError) -> ConnectError:
    if isinstance(error, PermissionError):
        return ConnectError(Reason.DENIED, f"{path} may not be opened; run conman as root")
    if isinstance(error, FileNotFoundError):
        return gone(path)
    return ConnectError(Reason.BUSY, f"{path} cannot be opened: {os.strerror(error.errno or 0)}")


def gone(path: str) -> ConnectError:
    """Return what to tell of a port that is not there any more."""
    return ConnectError(Reason.NO_DEVICE, f"{path} is gone; plug the modem in again")

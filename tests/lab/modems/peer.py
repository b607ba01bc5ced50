"""The carrier's end of a PPP call: a real pppd on a terminal, in the carrier's namespace.

Its process has another name, so that whoever ends every `pppd` does not hit it. It sees an /etc/ppp
and a /run of its own.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pty
import signal
import subprocess
import tty
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.lab.modems.bearer import CLONE_NEWNET
from tests.lab.modems.loop import Loop
from tests.lab.modems.qmi_data import DNS
from tests.lab.modems.state import Call, Settings

CLONE_NEWNS = 0x00020000  # linux/sched.h
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 1 << 18  # linux/mount.h
NAME = "carrier-peer"
CHUNK = 4096


@dataclass(frozen=True, slots=True)
class Place:
    """Where peers run: the carrier's namespace, and a folder for their files."""

    namespace: str
    folder: Path

    def prepare(self) -> None:
        """Make what every peer needs."""
        for name in ("ppp", "run"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        program = self.folder / NAME
        if not program.is_symlink():
            program.symlink_to("/usr/sbin/pppd")

    def enter(self) -> None:
        """What the child does before it becomes pppd."""
        libc = ctypes.CDLL(None, use_errno=True)
        with Path(f"/run/netns/{self.namespace}").open() as there:
            libc.setns(there.fileno(), CLONE_NEWNET)
        libc.unshare(CLONE_NEWNS)
        libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        for name, target in (("ppp", b"/etc/ppp"), ("run", b"/run")):
            if libc.mount(os.fsencode(self.folder / name), target, None, MS_BIND, None):
                raise OSError(ctypes.get_errno(), f"mount {target!r}")


class Peer:
    """One call. `ended` is called when pppd has ended by itself."""

    def __init__(self, loop: Loop, place: Place, call: Call, settings: Settings) -> None:
        self._loop = loop
        self.deliver: Callable[[bytes], object] = lambda data: None
        self.has_room: Callable[[], bool] = lambda: True
        self.ended: Callable[[], object] = lambda: None
        # open as long as the call: while nobody has it open the other end reads as ended
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._process = _start(os.ttyname(self._slave), place, call, settings)
        self._alive = os.pidfd_open(self._process.pid)
        loop.watch(self._master, self._readable)
        loop.watch(self._alive, self._gone)

    def feed(self, data: bytes) -> None:
        """Give it what the host sends; more than it takes is lost, as on a line."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._master, data)

    def close(self) -> None:
        """End it without a word to the other side."""
        if self._master < 0:
            return
        for watched in (self._master, self._alive):
            self._loop.forget(watched)
        for descriptor in (self._master, self._slave, self._alive):
            os.close(descriptor)
        self._master = -1
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(5)

    def _gone(self) -> None:
        with contextlib.suppress(BlockingIOError):  # its last words
            while True:
                self._readable()
        self.close()
        self.ended()

    def _readable(self) -> None:
        data = os.read(self._master, CHUNK)
        if self.has_room():
            self.deliver(data)


def _start(terminal: str, place: Place, call: Call, settings: Settings) -> subprocess.Popen[bytes]:
    secrets = f'"{settings.user}" * "{settings.password}" *\n' if settings.user else ""
    (place.folder / "ppp/pap-secrets").write_text(secrets)
    (place.folder / "ppp/options").write_text("")
    auth = ("require-pap",) if settings.user else ("noauth",)
    servers = (word for server in DNS[4] for word in ("ms-dns", server))
    return subprocess.Popen(
        [
            *(str(place.folder / NAME), terminal, "local", "nodetach", "nocrtscts", "noccp"),
            *("noproxyarp", "nodefaultroute", "noipv6", *auth, *servers),
            *("lcp-echo-interval", "0", "mtu", str(settings.mtu), "mru", str(settings.mtu)),
            f"{call.gateway}:{call.address}",
        ],
        stdin=subprocess.DEVNULL,
        preexec_fn=place.enter,  # noqa: PLW1509 - this process has no threads
        start_new_session=True,
    )

"""The other end of a control socket in the hands of a test, and the real one in a namespace."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.core.supervision import wait_until
from tests.netns.namespaces import Bench, Namespace


class Server:
    """Answers what `replies` says, `OK` if it says nothing; `silent` commands get no answer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.replies: dict[str, bytes] = {"PING": b"PONG\n"}
        self.silent: set[str] = set()
        self.got: list[tuple[str, str]] = []  # command, sender
        self.watchers: list[str] = []
        self._loop = asyncio.get_running_loop()
        self.open()

    def open(self) -> None:
        """Make its socket."""
        self.path.parent.mkdir(exist_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.bind(str(self.path))
        self._loop.add_reader(self.socket, self._read)

    def close(self) -> None:
        """Go away as wpa_supplicant does at its end."""
        self.kill()
        self.path.unlink(missing_ok=True)

    def kill(self) -> None:
        """Go away and leave the name behind."""
        if self.socket.fileno() >= 0:
            self._loop.remove_reader(self.socket)
            self.socket.close()

    def sender_of(self, command: str) -> str:
        """Return who sent a command last."""
        return next(sender for given, sender in reversed(self.got) if given == command)

    def count(self, command: str) -> int:
        """Tell how often a command was given."""
        return sum(given == command for given, _ in self.got)

    def tell(self, text: bytes) -> bool:
        """Send to those that attached; tell whether there was room."""
        try:
            for watcher in self.watchers:
                self.socket.sendto(text, watcher)
        except BlockingIOError:
            return False
        return True

    def _read(self) -> None:
        data, sender = self.socket.recvfrom(16384)
        command = data.decode(errors="replace")
        self.got.append((command, sender))
        if command in self.silent:
            return
        if command == "ATTACH" and sender not in self.watchers:
            self.watchers.append(sender)
        if command == "DETACH":
            self.watchers.remove(sender)
        with contextlib.suppress(OSError):
            self.socket.sendto(self.replies.get(command, b"OK\n"), sender)


class RealSupplicant:
    """wpa_supplicant on a cable's end: the wired driver needs no radio."""

    interface = "sup0"

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.host: Namespace = bench.namespace("supplicant")
        self.host.ip("link", "add", self.interface, "type", "veth", "peer", "name", "sup1")
        self.host.ip("link", "set", self.interface, "up")
        self.folder = bench.folder / "ctrl"
        self.path = self.folder / self.interface
        self.settings = bench.folder / "supplicant.conf"
        self.settings.write_text(f"ctrl_interface=DIR={self.folder}\nap_scan=0\n")
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *extra: str) -> subprocess.Popen[bytes]:
        """Start it and return at once."""
        argv = ("wpa_supplicant", "-i", self.interface, "-D", "wired", "-c", str(self.settings))
        self.process = self.host.start(*argv, *extra, log="supplicant.log")
        return self.process

    def start_as_service(self) -> int:
        """Start it as a service manager would: not as our child; return its pid."""
        pid_file = self.bench.folder / "supplicant.pid"
        self.host.run(
            *("wpa_supplicant", "-B", "-P", str(pid_file), "-i", self.interface),
            *("-D", "wired", "-c", str(self.settings)),
        )
        wait_until(lambda: pid_file.exists() and pid_file.read_text().strip())
        return int(pid_file.read_text())

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self.process
        os.kill(self.process.pid, number)


@contextlib.contextmanager
def real_supplicant() -> Iterator[RealSupplicant]:
    """Give one that is removed whatever happens."""
    with Bench("ws") as bench:
        yield RealSupplicant(bench)

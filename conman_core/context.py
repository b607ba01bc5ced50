"""What the core gives to each driver: its settings, log, memory, children and DHCP."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from conman_core.children import Child, Children, Finished
from conman_core.errors import ConnectError
from conman_core.model import IPAddress, Reason
from conman_core.net.dhcpcd import DhcpcdLease
from conman_core.paths import Paths
from conman_core.store import JsonStore, SharedStore


class Claims:
    """Who uses an interface beside its link. Drivers claim from their own threads.

    `link_on` returns the name of the link that uses an interface, None if none does.
    """

    def __init__(self) -> None:
        self.link_on: Callable[[str], str | None] = lambda _: None
        self._lock = threading.Lock()
        self._taken: dict[str, str] = {}
        self._lent: set[str] = set()

    def all(self) -> dict[str, str]:
        """Return the claimants by interface."""
        with self._lock:
            return dict(self._taken)

    def take(self, driver: str, interface: str) -> None:
        """Note a claim. Raises ConnectError(BUSY) if somebody else uses the interface."""
        link = self.link_on(interface)
        if link is not None and not link.startswith(f"{driver}:"):
            raise ConnectError(Reason.BUSY, f"{interface} is used as {link}")
        with self._lock:
            holder = self._taken.setdefault(interface, driver)
        if holder != driver:
            raise ConnectError(Reason.BUSY, f"{interface} is used by {holder}")

    def lend(self, interface: str, plugin: str) -> None:
        """Give an interface to a plugin, whatever link is on it.

        Raises ConnectError(BUSY) if it is somebody else's already.
        """
        with self._lock:
            holder = self._taken.setdefault(interface, plugin)
            if holder == plugin:
                self._lent.add(interface)
        if holder != plugin:
            raise ConnectError(Reason.BUSY, f"{interface} is used by {holder}")

    def end_loan(self, interface: str) -> None:
        """Take back what was lent."""
        with self._lock:
            if interface in self._lent:
                self._lent.discard(interface)
                self._taken.pop(interface, None)

    def keep(self, drivers: Collection[str]) -> None:
        """Forget the claims of all other drivers: they are used no longer. Loans stay."""
        with self._lock:
            self._taken = {
                name: by for name, by in self._taken.items() if by in drivers or name in self._lent
            }


class Context:
    """The DriverContext of one driver."""

    def __init__(
        self,
        name: str,
        settings: Mapping[str, Any],
        *,
        paths: Paths,
        children: Children,
        claims: Claims,
        protected: Sequence[IPAddress] = (),
    ) -> None:
        self.settings = settings
        self.log = logging.getLogger(f"conman.driver.{name}")
        self.store = JsonStore(paths.drivers / f"{_safe(name)}.json")
        self._name = name
        self._shared = paths.runtime
        self._memories = paths.shared
        self._children = children
        self._claims = claims
        self._protected = protected

    @property
    def runtime(self) -> Path:
        """The driver's own folder for sockets and generated files."""
        folder = self._shared / "drivers" / _safe(self._name)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def shared(self, name: str) -> SharedStore:
        """A memory that other drivers have, too, under the same name."""
        return SharedStore(self._memories / f"{_safe(name)}.json")

    def now(self) -> float:
        """Seconds of a clock that never jumps."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait on the driver's own loop."""
        await asyncio.sleep(seconds)

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 10.0,  # noqa: ASYNC109 - the whole process group is ended by it
        stdin: str | None = None,
        secrets: Sequence[str] = (),
    ) -> Finished:
        """Run a program to its end. Raises ToolMissing, SystemFault, TimeoutError."""
        return await self._children.run(argv, timeout=timeout, stdin=stdin, secrets=secrets)

    async def start(
        self,
        argv: Sequence[str],
        *,
        name: str,
        on_line: Callable[[str], None] | None = None,
    ) -> Child:
        """Start a program that runs until it is stopped. Raises ToolMissing, SystemFault."""
        return await self._children.start(argv, name=name, on_line=on_line)

    def dhcp(self, interface: str) -> DhcpcdLease:
        """Return a DHCP client that keeps the machine's checks out of routes on offer."""
        return DhcpcdLease(self._children, self._shared, interface, self._protected)

    def claim(self, interface: str) -> None:
        """Use an interface beside the driver's links. Raises ConnectError(BUSY)."""
        self._claims.take(self._name, interface)


def _safe(name: str) -> str:
    # a driver's name is whatever its author wrote into the entry point
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in name)

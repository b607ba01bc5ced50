"""One dnsmasq as a child: gives phones an address, and one answer to all names.

dnsmasq(8). `local=/#/` answers what is not an A record as empty: without it phones that ask for
AAAA or HTTPS (type 65) are refused, and wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from conman_core import ConnectError, PluginContext, Reason
from conman_core.driver import Running
from conman_core.errors import ConmanError, ToolMissing
from conman_core.store import write_atomic

START_LIMIT = 5.0
_NO_PORT = "failed to bind DHCP server socket"
_STOP_LIMIT = 3.0


def configuration(
    interface: str,
    *,
    address: IPv4Interface,
    answer: IPv4Address,
    port: int,
    folder: Path,
) -> str:
    """Return the text of a configuration; `port` is where names are asked for."""
    first, last = _pool(address)
    return "\n".join(
        (
            f"interface={interface}",
            "bind-dynamic",
            "except-interface=lo",
            f"port={port}",
            "no-resolv",
            "no-hosts",
            "no-poll",
            "keep-in-foreground",
            "log-facility=-",
            f"address=/#/{answer}",
            "local=/#/",
            "local-ttl=1",
            f"dhcp-range={first},{last},{address.netmask},5m",
            f"dhcp-option=option:router,{address.ip}",
            f"dhcp-option=option:dns-server,{address.ip}",
            "dhcp-authoritative",
            "dhcp-rapid-commit",
            "dhcp-ignore-names",  # a guest's own name, which might be wpad, is not for the others
            "no-ping",
            f"dhcp-leasefile={folder / 'dnsmasq.leases'}",
            "pid-file=",
            "",
        )
    )


def _pool(address: IPv4Interface) -> tuple[IPv4Address, IPv4Address]:
    """Return the longest run of a network's addresses beside the device's own."""
    network = address.network
    first, last = network.network_address + 1, network.broadcast_address - 1
    below, above = int(address.ip) - int(first), int(last) - int(address.ip)
    return (first, address.ip - 1) if below > above else (address.ip + 1, last)


class Dnsmasq:
    """`ended` is told why it does not run any more."""

    def __init__(
        self, context: PluginContext, interface: str, ended: Callable[[str], None]
    ) -> None:
        self.interface = interface
        self._context = context
        self._ended = ended
        self._child: Running | None = None
        self._watch: asyncio.Task[None] | None = None
        self._lines: list[str] = []
        self._started = asyncio.Event()
        self._stopped = False

    async def start(self, address: IPv4Interface, answer: IPv4Address, port: int = 53) -> None:
        """Start it; returns when it answers. Raises ConnectError, ToolMissing."""
        folder = self._context.runtime
        file = folder / f"{self.interface}.dnsmasq.conf"
        text = configuration(
            self.interface, address=address, answer=answer, port=port, folder=folder
        )
        write_atomic(file, text.encode())
        (folder / "dnsmasq.leases").unlink(missing_ok=True)
        try:
            self._child = await self._context.start(
                ["dnsmasq", f"--conf-file={file}"],
                name=f"dnsmasq {self.interface}",
                on_line=self._line,
            )
            await self._answers(self._child)
        except ToolMissing:
            raise
        except (ConmanError, OSError) as error:
            await self.stop()
            raise ConnectError(Reason.BROKEN, self._complaint(str(error))) from error
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.create_task(self._wait(self._child), name="dnsmasq's end")

    async def _answers(self, child: Running) -> None:
        """Wait for the line that it prints once it listens. Raises ConnectError."""
        ends = asyncio.create_task(child.wait())
        begins = asyncio.create_task(self._started.wait())
        try:
            done, _ = await asyncio.wait(
                {ends, begins}, timeout=START_LIMIT, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ends.cancel()
            begins.cancel()
        if not done:
            what = f"dnsmasq did not begin within {START_LIMIT:g} s"
            raise ConnectError(Reason.TIMEOUT, what)
        if not self._started.is_set():
            raise ConnectError(Reason.BROKEN, "dnsmasq ended at once")

    async def _wait(self, child: Running) -> None:
        await child.wait()
        if not self._stopped:
            self._ended(self._complaint(f"dnsmasq on {self.interface} ended"))

    def _line(self, line: str) -> None:
        self._lines = [*self._lines[-20:], line]
        if "started, version" in line:
            self._started.set()

    def _complaint(self, otherwise: str) -> str:
        said = [line for line in self._lines if "failed" in line or "error" in line.lower()]
        if any(_NO_PORT in line for line in said):
            return (
                "another DHCP server has port 67 of all interfaces; let it listen on its own ones"
                " only, or phones get no address; find it with: ss -lnup sport = :67"
            )
        return f"{otherwise}: {said[-1].strip()}" if said else otherwise

    async def stop(self) -> None:
        """End it. Never raises."""
        self._stopped = True
        if self._watch:
            self._watch.cancel()
        if self._child:
            await self._child.stop(_STOP_LIMIT)

"""IPv4 addresses by DHCP: one supervised dhcpcd for each interface.

dhcpcd only speaks the protocol: with --noconfigure it leaves the kernel alone and reports through
its hook. Measured with 9.4.1 and 10.1.0, and the reason for much of what is done here:

- A second dhcpcd does not refuse to start beside a running one, nor beside a dhcpcd.service that
  was told to leave the interface alone: it hands its own command line over to that and ends well.
- 9.4.1 loses a signal that comes while its hook runs; killed, it leaves its helpers behind.
- It sends a DHCPRELEASE on SIGALRM, which arrives only while the interface has the address.
- At a carrier loss it reports EXPIRE though the lease lives on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping
from pathlib import Path
from typing import Any

from conman_core.children import Child, Children
from conman_core.errors import ConnectError, ToolMissing
from conman_core.model import Connection, IPAddress, Reason
from conman_core.net.lease import BadLease, Report, read_report
from conman_core.net.otherdhcpcd import other_dhcpcd
from conman_core.net.reportpipe import ReportPipe
from conman_core.store import write_atomic

log = logging.getLogger(__name__)

HOOK = Path(__file__).with_name("dhcpcd-hook")
FLAGS = ("-4", "-B", "-p", "--nodelay", "-A", "--noconfigure")

#: dhcpcd.conf(5). `reboot`: a server of another network may stay silent when asked for the
#: remembered address; a new one is asked for after 2 s instead of 5.
SETTINGS = b"""\
duid
hostname
option domain_name_servers, classless_static_routes, interface_mtu, host_name
require dhcp_server_identifier
noipv4ll
reboot 2
timeout 0
"""
_FIRST_PAUSE = 1.0  #: seconds before a dhcpcd that died is started again; doubled each time
_LONGEST_PAUSE = 60.0
_RELEASE_LIMIT = 2.0
_STOP_LIMIT = 3.0
_HANDED_OVER = "sending commands to dhcpcd process"
_TAKEN_OVER = "is served by another dhcpcd; to end that, as root: systemctl disable --now dhcpcd"


class DhcpcdLease:
    """A DHCP client on one interface. All of it runs on the loop that called `acquire`."""

    def __init__(
        self,
        children: Children,
        runtime: Path,
        interface: str,
        protected: Collection[IPAddress] = (),
    ) -> None:
        """Prepare a client; nothing starts before `acquire`.

        Offered routes to `protected` addresses are not taken.
        """
        self.interface = interface
        self._children = children
        folder = runtime.absolute()  # dhcpcd reads no relative path, and says nothing
        self._settings = folder / f"dhcpcd-{interface}.conf"
        self._fifo = folder / f"dhcpcd-{interface}.fifo"
        self._protected = protected
        self._results: asyncio.Queue[Connection | ConnectError | None] = asyncio.Queue()
        self._open = False
        self._pipe: ReportPipe | None = None
        self._child: Child | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._connection: Connection | None = None
        self._end: asyncio.TimerHandle | None = None
        self._last_line = ""
        self._notes: tuple[str, ...] = ()
        self._pause = _FIRST_PAUSE

    async def acquire(self) -> Connection:
        """Start dhcpcd and wait for a lease, for as long as the caller lets it.

        Raises ConnectError with NO_TOOL, BUSY (another dhcpcd has the interface) or NO_ADDRESS
        (dhcpcd ended, or what the server gave cannot be used).
        """
        await self.close()
        self._results = asyncio.Queue()
        self._last_line = ""
        self._pause = _FIRST_PAUSE
        self._open = True
        try:
            await self._start()
            self._spawn(self._supervise())
            while True:
                result = await self._results.get()
                if isinstance(result, ConnectError):
                    raise result
                if result is not None:
                    return result
        except BaseException:  # also when cancelled: nothing may be left behind
            await self.close()
            raise

    async def changes(self) -> AsyncIterator[Connection | None]:
        """Yield each later lease, and None when it was lost; ends after `release` or `close`."""
        while self._open:
            result = await self._results.get()
            if self._open and not isinstance(result, ConnectError):
                yield result

    async def release(self) -> None:
        """Give the address back to the server and end dhcpcd. Never raises.

        The server hears of it only while the address is still on the interface.
        """
        leased = self._connection is not None
        await self._shut()
        if self._child and leased:
            await self._child.stop(_RELEASE_LIMIT, how=signal.SIGALRM)
        await self.close()

    async def close(self) -> None:
        """End dhcpcd but keep the lease: the address stays in use. Never raises."""
        await self._shut()
        if self._child:
            await self._child.stop(_STOP_LIMIT)
            self._child = None
        if self._pipe:
            self._pipe.close()
            self._pipe = None
            with contextlib.suppress(OSError):  # it holds nothing that matters
                self._settings.unlink()

    async def _shut(self) -> None:
        """Take no more reports and restart nothing."""
        self._open = False
        self._forget_lease()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._results.put_nowait(None)  # wakes `changes`

    async def _start(self) -> None:
        if busy := other_dhcpcd(self.interface):
            raise ConnectError(Reason.BUSY, busy)
        if not os.access(HOOK, os.X_OK):
            sentence = f"{HOOK} cannot be executed; make it so with: chmod 755 {HOOK}"
            raise ConnectError(Reason.BROKEN, sentence)
        argv = ["dhcpcd", *FLAGS, "-f", str(self._settings), "-c", str(HOOK)]
        argv += ["-e", f"conman_fifo={self._fifo}", self.interface]
        try:
            if not self._pipe:
                write_atomic(self._settings, SETTINGS)
                self._pipe = ReportPipe(self._fifo, self._take)
            self._child = await self._children.start(
                argv, name=f"dhcpcd {self.interface}", on_line=self._remember_line
            )
        except ToolMissing as error:
            raise ConnectError(Reason.NO_TOOL, str(error)) from error
        except OSError as error:
            sentence = f"dhcpcd cannot be started on {self.interface}: {error}"
            raise ConnectError(Reason.NO_ADDRESS, sentence) from error

    async def _supervise(self) -> None:
        """Start dhcpcd again whenever it ends; before the first lease its end is a failure."""
        while True:
            if self._child:
                code = await self._child.wait()
                self._child = None
                if self._children.closed:
                    return
                sentence = f"dhcpcd on {self.interface} ended with code {code}: {self._last_line}"
                if _HANDED_OVER in self._last_line:
                    sentence = f"{self.interface} {_TAKEN_OVER}"
                    self._fail(Reason.BUSY, sentence)
                self._fail(Reason.NO_ADDRESS, sentence)
                log.warning("%s; it is started again in %g s", sentence, self._pause)
            await asyncio.sleep(self._pause)
            self._pause = min(self._pause * 2, _LONGEST_PAUSE)
            try:
                await self._start()
            except ConnectError as error:
                log.warning("%s", error)

    def _take(self, values: Mapping[str, str]) -> None:
        """Act on a report of the hook."""
        if not self._open:
            return
        try:
            report = read_report(values, self.interface, self._protected)
        except BadLease as error:
            log.warning("%s: %s", self.interface, error)
            self._fail(Reason.NO_ADDRESS, f"{self.interface}: {error}")
            return
        if report.connection:
            self._hold(report.connection, report)
        elif report.lost and self._connection:
            self._lose(f"the DHCP lease is void ({report.reason})")
        elif report.lost and report.reason != "NAK":  # after which a new address is asked for
            self._fail(Reason.NO_ADDRESS, f"dhcpcd cannot work on {self.interface}")

    def _hold(self, connection: Connection, report: Report) -> None:
        address, valid = connection.addresses[0].interface, connection.addresses[0].valid
        before = self._connection
        again = self._pause > _FIRST_PAUSE  # its end was logged, so is its return
        new = again or before is None or before.addresses[0].interface != address
        level = logging.INFO if new else logging.DEBUG
        lifetime = "ever" if valid is None else f"{valid:g} s"
        log.log(level, "%s: leased %s for %s", self.interface, address, lifetime)
        if report.notes != self._notes:
            for note in report.notes:
                log.warning("%s: %s", self.interface, note)
        self._forget_lease()
        self._notes = report.notes
        self._connection = connection
        self._pause = _FIRST_PAUSE
        if valid is not None:
            self._end = asyncio.get_running_loop().call_later(valid, self._run_out)
        self._results.put_nowait(connection)

    def _run_out(self) -> None:
        self._lose("the DHCP lease has run out")
        if self._child:  # it had its chances to renew it: a fresh one may have more luck
            self._spawn(self._child.stop(_STOP_LIMIT))

    def _lose(self, why: str) -> None:
        log.warning("%s: %s", self.interface, why)
        self._forget_lease()
        self._results.put_nowait(None)

    def _forget_lease(self) -> None:
        self._connection = None
        if self._end:
            self._end.cancel()
            self._end = None

    def _fail(self, reason: Reason, sentence: str) -> None:
        """End a waiting `acquire`; nobody else cares."""
        self._results.put_nowait(ConnectError(reason, sentence))

    def _remember_line(self, line: str) -> None:
        self._last_line = line

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"dhcpcd {self.interface}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

"""One modem that speaks QMI, from its operating mode to its address."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from conman_core import ConnectError, Connection, DriverContext, Lost, Reason
from conman_core.model import DriverEvent, link_name
from conman_plugins.cellular import qmitext
from conman_plugins.cellular.apns import ApnMemory
from conman_plugins.cellular.autodial import dial
from conman_plugins.cellular.call import Call, describe
from conman_plugins.cellular.dataformat import agree
from conman_plugins.cellular.line import Line
from conman_plugins.cellular.pin import MEMORY, PinRule
from conman_plugins.cellular.ports import Port
from conman_plugins.cellular.qmicli import Declined, Qmicli
from conman_plugins.cellular.registration import Registration
from conman_plugins.cellular.simcard import SimCard
from conman_plugins.cellular.wanted import SECTION, Wanted
from conman_plugins.cellular.wwanmachine import Machine

NAME = "wwan"
FIRST_LIMIT = 6.0  #: seconds for the first question: a modem that hangs is found out by it
REGISTER_WITHIN = 52.0  #: seconds; leaves enough of `connect_limit` for the rest
_INVALID_TRANSITION = 60  #: QMI error (qmi-errors.h)


class QmiModem:
    """The modem at one control port, for as long as that is there."""

    def __init__(
        self,
        context: DriverContext,
        machine: Machine,
        name: str,
        tell: Callable[[DriverEvent], None],
    ) -> None:
        self.name = name
        self.turn = asyncio.Lock()
        self.qmicli = Qmicli(context, f"/dev/{name}")
        self.card = SimCard(context, self.qmicli)
        self.call: Call | None = None
        self.progress = ""  #: how far `connect` is, for people
        self.silent = False  #: it did not answer the last time
        self._context = context
        self._machine = machine
        self._link = link_name(NAME, name)
        self._tell = tell
        self._memory = ApnMemory(context.store)
        self._rule = PinRule(context.shared(MEMORY), SECTION)
        self._line: Line | None = None
        self._attempt: asyncio.Task[Connection] | None = None
        self._mending: asyncio.Task[None] | None = None

    # -- connecting

    async def connect(self, wanted: Wanted) -> Connection:
        """Go online. Raises ConnectError, ToolMissing; then, or if cancelled, nothing is left."""
        async with self.turn:
            await self._end()
            self._attempt = attempt = asyncio.create_task(self._bring_up(wanted))
            try:
                await asyncio.wait({attempt})
                if attempt.cancelled():
                    raise ConnectError(Reason.LOST, "other settings are tried with the modem")
                connection = attempt.result()
            except BaseException as error:
                attempt.cancel()
                await asyncio.wait({attempt})
                self.silent = isinstance(error, ConnectError) and error.reason is Reason.WEDGED
                await self._end()
                raise
            finally:
                self.progress = ""
            self.silent = False
            return connection

    async def try_out(self, wanted: Wanted) -> None:
        """See whether a connection comes about, and end it. Raises as `connect` does."""
        if self._attempt:
            self._attempt.cancel()
        await self.connect(wanted)
        await self.disconnect()

    async def redial(self) -> None:
        """Have the core dial anew if there is a session."""
        if self.call and self.call.bearers:
            self._lost(f"the session of {self.name} is dialled anew")

    async def disconnect(self) -> None:
        """End the connection. Never raises."""
        async with self.turn:
            await self._end()

    async def _bring_up(self, wanted: Wanted) -> Connection:
        port, interface = self.port()
        until = self._context.now() + REGISTER_WITHIN
        mode = await self._mode()
        line = await self._open_line()
        self.call = call = Call(
            self._context, port, self.qmicli, line, self._lost, key=_key(wanted)
        )
        found = await call.take_over()
        if found:
            self._context.log.info("%s: the session of before goes on", self._link)
        else:
            if mode.name != "online":
                await self._switch_on(mode)
            await self.card.unlock(line, self._rule, wanted.pin, SECTION)
            registration = Registration(self._context, self.qmicli, line, self._progress)
            await registration.wait(until, roaming=wanted.roaming, section=SECTION)
            self._progress("dialling")
            await agree(self.qmicli, self._machine.ports, interface, self._machine.set_up)
            found = await dial(
                call,
                wanted,
                self.card,
                memory=self._memory,
                database=self._machine.database,
                log=self._context.log,
            )
        bare = self._machine.ports.raw_ip(interface) is True
        return describe(interface, found, bare=bare)

    def port(self) -> tuple[Port, str]:
        """Return the control port and its network interface, both usable. Raises ConnectError."""
        port = self._machine.ports.port(self.name)
        if port is None or port.interface is None:
            raise ConnectError(Reason.NO_DEVICE, f"the modem at {self.name} is gone; plug it in")
        if not port.speaks_qmi:
            raise ConnectError(
                Reason.MISCONFIGURED,
                f"the modem at {self.name} speaks MBIM, which is not supported; have it speak QMI",
            )
        if port.device:
            self._machine.must_be_free(port.device)
        return port, port.interface

    async def _mode(self) -> qmitext.Mode:
        """Ask for the operating mode; it starts qmi-proxy, too."""
        try:
            said = await self.qmicli.ask("--dms-get-operating-mode", limit=FIRST_LIMIT)
        except Declined as declined:
            if declined.unknown:  # then it can only be on
                return qmitext.Mode("online")
            raise
        return qmitext.mode(said)

    async def _open_line(self) -> Line:
        self._line = line = await self._machine.open_line(self.qmicli.device)
        line.ended.append(self._line_ended)
        return line

    async def _switch_on(self, mode: qmitext.Mode) -> None:
        if mode.locked:
            raise ConnectError(
                Reason.RF_KILLED,
                f"the radio of the modem at {self.name} is held off by a switch or pin of the"
                " device; switch it on there",
            )
        try:
            await self.qmicli.ask("--dms-set-operating-mode=online")
        except Declined as declined:
            if declined.code == _INVALID_TRANSITION:
                what = f"the modem at {self.name} is {mode.name}, where only a reset leads back"
                raise ConnectError(Reason.WEDGED, what) from None
            raise

    def _progress(self, what: str) -> None:
        if what != self.progress:
            self.progress = what
            self._context.log.info("%s: connecting: %s", self._link, what)

    # -- while it is connected

    def _lost(self, sentence: str) -> None:
        self._tell(Lost(self._link, Reason.LOST, sentence))

    def _line_ended(self) -> None:
        """qmi-proxy ended, or the modem went: the session may go on all the same."""
        if self.call and self.call.bearers and not self.turn.locked():
            self._mending = asyncio.create_task(self._mend(), name=f"driver:mend {self.name}")

    async def _mend(self) -> None:
        async with self.turn:
            call = self.call
            if call is None:
                return
            try:
                self.port()
                await self._mode()
                call.use(await self._open_line())
                if not await call.runs():
                    self._lost("the session ended while the line to the modem was broken")
                self._context.log.info("%s: qmi-proxy ended and was started anew", self._link)
            except ConnectError as error:
                self._lost(str(error))

    # -- its end

    async def close(self) -> None:
        """End what the driver runs; a connection goes on."""
        if self._mending and not self._mending.done():
            self._mending.cancel()
            await asyncio.wait({self._mending})
        self._close_line()

    async def _end(self) -> None:
        call, self.call = self.call, None
        if call:
            await call.end()
        self._close_line()

    def _close_line(self) -> None:
        line, self._line = self._line, None
        if line:
            line.close()


def _key(wanted: Wanted) -> str:
    """Return what a session was asked for; one for something else is not taken over."""
    return repr(replace(wanted, password="", pin=""))

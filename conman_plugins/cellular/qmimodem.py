"""One modem that speaks QMI, from its operating mode to its address."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from conman_core import ConnectError, Connection, DriverContext, Family, Lost, Reason, Retry
from conman_core.model import DriverEvent, link_name
from conman_plugins.cellular.apns import ApnMemory
from conman_plugins.cellular.autodial import AutoDial
from conman_plugins.cellular.call import Call, describe
from conman_plugins.cellular.comeback import Comeback
from conman_plugins.cellular.dataformat import agree
from conman_plugins.cellular.line import Line
from conman_plugins.cellular.pin import MEMORY, PinRule
from conman_plugins.cellular.ports import Port
from conman_plugins.cellular.qmicli import Qmicli
from conman_plugins.cellular.qmitext import Settings
from conman_plugins.cellular.readiness import mode_of, standing, switch_on, usable
from conman_plugins.cellular.registration import NotTaken, Registration
from conman_plugins.cellular.simcard import SimCard
from conman_plugins.cellular.wanted import SECTION, Wanted
from conman_plugins.cellular.wwanmachine import Machine

Found = dict[Family, Settings]
NAME = "wwan"
QUICK_WITHIN = 30.0  #: seconds after the network has ended a session: nothing else has changed
REGISTER_WITHIN = 52.0  #: seconds; leaves enough of `connect_limit` for the rest
_TRYING = "other settings are tried with the modem"


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
        memory = ApnMemory(context.store)
        self._auto = AutoDial(self.card, memory, machine.database, context.log)
        self._rule = PinRule(context.shared(MEMORY), SECTION)
        self._line: Line | None = None
        self._quick_until = 0.0
        self._comeback = Comeback(context, self.qmicli.device, machine.open_line, self._taken)
        self._trials = 0  #: going on: what a person has entered has the modem
        self._attempt: asyncio.Task[Connection] | None = None
        self._mending: set[asyncio.Task[None]] = set()

    # -- connecting

    async def connect(self, wanted: Wanted) -> Connection:
        """Go online. Raises ConnectError, ToolMissing; then, or if cancelled, nothing is left."""
        if self._trials:  # when that is over the core is told to come again
            raise ConnectError(Reason.LOST, _TRYING)
        async with self.turn:
            return await self._connect(wanted)

    async def _connect(self, wanted: Wanted) -> Connection:
        await self._comeback.stop()
        await self._end()
        self._attempt = attempt = asyncio.create_task(self._bring_up(wanted))
        try:
            await asyncio.wait({attempt})
            if attempt.cancelled():
                raise ConnectError(Reason.LOST, _TRYING)
            connection = attempt.result()
        except BaseException as error:
            attempt.cancel()
            await asyncio.wait({attempt})
            self.silent = isinstance(error, ConnectError) and error.reason is Reason.WEDGED
            await self._end()
            if isinstance(error, NotTaken):
                self._comeback.start()
            raise
        finally:
            self.progress = ""
        self.silent = False
        return connection

    async def try_out(self, wanted: Wanted) -> None:
        """See whether a connection comes about, and end it. Raises as `connect` does.

        The core is told of a session that gives way, and when the modem is free again.
        """
        self._trials += 1
        try:
            if self._attempt:
                self._attempt.cancel()
            async with self.turn:
                if self.call and self.call.bearers:
                    self._lost(_TRYING)
                await self._connect(wanted)
                await self._end()
        finally:
            self._trials -= 1
            self._tell(Retry(self._link, "settings were tried with the modem"))

    async def redial(self) -> None:
        """Have the core dial anew if there is a session."""
        if self.call and self.call.bearers:
            self._lost(f"the session of {self.name} is dialled anew")

    async def disconnect(self) -> None:
        """End the connection. Never raises."""
        if self._trials:  # it is about the session that the trial has ended
            return
        async with self.turn:
            await self._comeback.stop()
            await self._end()

    async def _bring_up(self, wanted: Wanted) -> Connection:
        port, interface = self.port()
        found = await self._dial_again(port, wanted) or await self._from_the_start(
            port, interface, wanted
        )
        bare = self._machine.ports.raw_ip(interface) is True
        return describe(interface, found, bare=bare)

    async def _dial_again(self, port: Port, wanted: Wanted) -> Found:
        """Dial at once if the network has just ended a session; nothing if that does not do."""
        line, quick = self._line, self._context.now() < self._quick_until
        self._quick_until = 0.0
        if not line or not line.alive or not quick:
            self._close_line()
            return {}
        registration = Registration(self._context, self.qmicli, line, self._progress)
        self.call = self._new_call(port, line, wanted)
        try:
            if await registration.will_do(roaming=wanted.roaming):
                return await self._auto.dial(self.call, wanted)
        except ConnectError as error:
            self._context.log.debug("%s: dialling at once: %s", self._link, error)
        await self._end()
        return {}

    async def _from_the_start(self, port: Port, interface: str, wanted: Wanted) -> Found:
        until = self._context.now() + REGISTER_WITHIN
        stands = await standing(self.qmicli)
        line = await self._open_line()
        self.call = call = self._new_call(port, line, wanted)
        abroad = stands is not None and stands.roaming
        found = await call.take_over(allowed=wanted.roaming or not abroad)
        if found:
            self._context.log.info("%s: the session of before goes on", self._link)
            return found
        if not stands or not stands.registered:
            stands = None
            mode = await mode_of(self.qmicli)
            if mode.name != "online":
                await switch_on(self.qmicli, mode)
            await self.card.unlock(line, self._rule, wanted.pin, SECTION)
        registration = Registration(self._context, self.qmicli, line, self._progress)
        await registration.wait(until, stands, roaming=wanted.roaming, section=SECTION)
        self._progress("dialling")
        await agree(self.qmicli, self._machine.ports, interface, self._machine.set_up)
        return await self._auto.dial(call, wanted)

    def _new_call(self, port: Port, line: Line, wanted: Wanted) -> Call:
        return Call(self._context, port, self.qmicli, line, self._hung_up, key=wanted.key)

    def port(self) -> tuple[Port, str]:
        """Return the control port and its network interface, both usable. Raises ConnectError."""
        return usable(self._machine, self.name)

    async def _open_line(self) -> Line:
        self._line = line = await self._machine.open_line(self.qmicli.device)
        line.ended.append(self._line_ended)
        return line

    def _progress(self, what: str) -> None:
        if what != self.progress:
            self.progress = what
            self._context.log.info("%s: connecting: %s", self._link, what)

    # -- while it is connected

    def _hung_up(self, sentence: str) -> None:
        self._quick_until = self._context.now() + QUICK_WITHIN
        self._lost(sentence)

    def _taken(self) -> None:
        self._tell(Retry(self._link, "a network has taken the modem"))

    def _lost(self, sentence: str) -> None:
        self._tell(Lost(self._link, Reason.LOST, sentence))

    def _line_ended(self) -> None:
        """qmi-proxy ended, or the modem went: the session may go on all the same."""
        if self.call and self.call.bearers:
            task = asyncio.create_task(self._mend(), name=f"driver:mend {self.name}")
            self._mending.add(task)
            task.add_done_callback(self._mending.discard)

    async def _mend(self) -> None:
        async with self.turn:
            call = self.call
            if call is None or call.line.alive:
                return
            try:
                self.port()
                await standing(self.qmicli)
                call.use(await self._open_line())
                if not await call.runs():
                    self._lost("the session ended while the line to the modem was broken")
                self._context.log.info("%s: qmi-proxy ended and was started anew", self._link)
            except (ConnectError, OSError) as error:  # a ToolMissing is one, too
                self._lost(str(error))

    # -- its end

    async def close(self) -> None:
        """End what the driver runs; a connection goes on."""
        if mending := set(self._mending):
            for task in mending:
                task.cancel()
            await asyncio.wait(mending)
        await self._comeback.stop()
        self._close_line()

    async def _end(self) -> None:
        call, self.call = self.call, None
        if call:
            await call.end()
        if self._context.now() >= self._quick_until:
            self._close_line()

    def _close_line(self) -> None:
        line, self._line = self._line, None
        if line:
            line.close()

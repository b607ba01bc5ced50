"""One connection of a modem that speaks QMI: dialled or taken over, described, and ended."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from conman_core import Address, ConnectError, Connection, DriverContext, Family
from conman_core.errors import SystemFault
from conman_core.model import IPAddress, IPInterface
from conman_core.store import JsonStore
from conman_plugins.cellular import bearer as bearers
from conman_plugins.cellular import endings, qmitext
from conman_plugins.cellular.bearer import Bearer, NoSession
from conman_plugins.cellular.line import Line
from conman_plugins.cellular.plan import Plan
from conman_plugins.cellular.ports import Port
from conman_plugins.cellular.qmicli import Qmicli
from conman_plugins.cellular.qmitext import Garbled, Settings
from conman_plugins.cellular.qmux import Message, Service


class Call:
    """The sessions of one modem that make up its connection; `lost` is told once if they end."""

    def __init__(
        self,
        context: DriverContext,
        port: Port,
        qmicli: Qmicli,
        line: Line,
        lost: Callable[[str], None],
        *,
        key: str = "",
    ) -> None:
        """`key` stands for what is asked for: a session for something else is not taken over."""
        self.line = line
        self.bearers: tuple[Bearer, ...] = ()
        self._port = port
        self._qmicli = qmicli
        self._lost = lost
        self._key = key
        self._log = context.log
        self._notes = JsonStore(context.runtime / f"{port.name}.json")
        line.heard.append(self._heard)

    def use(self, line: Line) -> None:
        """Go on over another line."""
        self.line = line
        line.heard.append(self._heard)

    # -- beginning

    async def dial(self, plan: Plan, families: Sequence[Family]) -> dict[Family, Settings]:
        """Start a session for each family; one is enough of several. Raises ConnectError."""
        found: dict[Family, Settings] = {}
        failure: ConnectError | None = None
        for family in families:
            try:
                found[family] = await self._start(plan, family)
            except ConnectError as error:
                if not found and not isinstance(error, NoSession):
                    raise
                failure = failure or error
        if failure and not found:
            raise failure
        if failure:
            self._log.info("one address family is enough: %s", failure)
        return found

    async def _start(self, plan: Plan, family: Family) -> Settings:
        client = await self.line.allocate(Service.WDS)
        self._keep(Bearer(family, client, 0))  # noted before anything can be left behind
        try:
            started = await bearers.start(self.line, client, family, plan)
            self._keep(started)
            found = await self._settings(started)
        except BaseException:
            await self._drop(client)
            raise
        self._keep(replace(started, address=str(found.address)))
        return found

    async def take_over(self, *, allowed: bool = True) -> dict[Family, Settings]:
        """Go on with the sessions of an earlier life; what does not run any more is ended.

        So are they all if none is `allowed`.

        Returns nothing if there is none, or not all of it. Raises ConnectError.
        """
        key, noted = self._noted()
        self.bearers = noted
        found: dict[Family, Settings] = {}
        for each in noted:
            if not allowed or key != self._key or not await bearers.runs(self.line, each):
                break
            with contextlib.suppress(Garbled):
                settings = await self._settings(each)
                if str(settings.address) == each.address:
                    found[each.family] = settings
        if noted and len(found) == len(noted):
            return found
        await self._end_all()
        return {}

    async def _settings(self, session: Bearer) -> Settings:
        words = (f"--client-cid={session.client}", "--client-no-release-cid")
        text = await self._qmicli.ask("--wds-get-current-settings", *words)
        return qmitext.settings(text, session.family)

    # -- while it lasts

    async def runs(self) -> bool:
        """Ask whether all sessions are up. Raises ConnectError."""
        return all([await bearers.runs(self.line, each) for each in self.bearers])

    def _heard(self, message: Message) -> None:
        over = bearers.ended(message, self.bearers)
        if over and over.address:  # else it is being dialled, which has an answer of its own
            why = endings.words(endings.cause(message))
            self._lost(f"the network has ended the session of {self._port.interface} ({why})")

    # -- its end

    async def end(self) -> None:
        """End all sessions, and be of no use any more. Never raises; may come twice."""
        with contextlib.suppress(ValueError):  # it comes twice
            self.line.heard.remove(self._heard)
        await self._end_all()

    async def _end_all(self) -> None:
        ending, self.bearers = self.bearers, ()  # what comes of it is no news
        for each in ending:
            if not await bearers.stop(self.line, each):
                break  # whoever does not answer now will not hear of the others either
        self._note()

    async def _drop(self, client: int) -> None:
        ending = [each for each in self.bearers if each.client == client]
        self.bearers = tuple(each for each in self.bearers if each.client != client)
        for each in ending:
            await bearers.stop(self.line, each)
        self._note()

    # -- its note

    def _keep(self, session: Bearer) -> None:
        others = tuple(each for each in self.bearers if each.client != session.client)
        self.bearers = (*others, session)
        self._note()

    def _note(self) -> None:
        sessions = [each.noted() for each in self.bearers]
        try:
            self._notes.save({"plugged": self._plugged, "key": self._key, "sessions": sessions})
        except SystemFault as fault:  # then a restart of conman dials anew
            self._log.warning("%s", fault)

    def _noted(self) -> tuple[Any, tuple[Bearer, ...]]:
        notes = self._notes.load()
        if notes.get("plugged") != self._plugged:
            return None, ()  # the modem was away meanwhile, and its clients are others now
        sessions = notes.get("sessions")
        found = map(bearers.from_note, sessions if isinstance(sessions, list) else ())
        return notes.get("key"), tuple(filter(None, found))

    @property
    def _plugged(self) -> int:
        """A number that is another one each time that the modem is plugged in."""
        return self._port.device.number if self._port.device else 0


def describe(interface: str, found: dict[Family, Settings], *, bare: bool) -> Connection:
    """Return the connection for the core. `bare` packets have no neighbours to ask for."""
    gateways: dict[Family, IPAddress | None] = {}
    addresses: list[Address] = []
    for family, settings in found.items():
        own = settings.address
        if bare:
            own = type(own)(f"{own.ip}/{own.max_prefixlen}")
        addresses.append(Address(own))
        gateways[family] = None if bare else _router(own, settings.gateway)
    return Connection(
        interface,
        tuple(addresses),
        gateways,
        dns=tuple(server for settings in found.values() for server in settings.dns),
        mtu=min((each.mtu for each in found.values() if each.mtu), default=None),
        metered=True,
    )


def _router(own: IPInterface, gateway: IPAddress | None) -> IPAddress | None:
    return gateway if gateway is not None and gateway in own.network else None

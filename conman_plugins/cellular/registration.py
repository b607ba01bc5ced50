"""Waiting until an operator takes the modem, and saying why none does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from conman_core import ConnectError, DriverContext, Reason
from conman_plugins.cellular import qmitext
from conman_plugins.cellular.line import Line
from conman_plugins.cellular.pauses import until_news
from conman_plugins.cellular.qmicli import Declined, Qmicli
from conman_plugins.cellular.qmitext import Serving
from conman_plugins.cellular.qmux import Message, Service

DENIED_FOR = 5.0  #: seconds: one kind of network may refuse what another one takes
_LOOK = 5.0  #: seconds between looks at a modem that tells nothing by itself
REGISTER_INDICATIONS, SERVING_SYSTEM = 0x0003, 0x0024  #: messages of NAS
_DENIED = "registration-denied"
_STATES = {
    "not-registered": "not registered",
    "not-registered-searching": "searching for a network",
    _DENIED: "refused by the network",
    "unknown": "not registered",
}


class NotTaken(ConnectError):
    """No network takes the modem now."""


class Registration:
    """How one modem stands with the operators; `tell` takes each new state, for people."""

    def __init__(
        self, context: DriverContext, qmicli: Qmicli, line: Line, tell: Callable[[str], None]
    ) -> None:
        self._context = context
        self._qmicli = qmicli
        self._line = line
        self._tell = tell

    async def will_do(self, *, roaming: bool) -> bool:
        """Tell whether the modem is registered where it may dial. Raises ConnectError."""
        found = await self._look()
        return found.registered and (roaming or not found.roaming)

    async def wait(
        self, until: float, known: Serving | None = None, *, roaming: bool, section: str
    ) -> Serving:
        """Wait until the modem is registered, up to a time of the context's clock.

        `known` is how it stood just now; `roaming` says whether a foreign network will do. Raises
        ConnectError.
        """
        found = known or await self._look()
        if not found.registered:
            async with self._changes() as changed:
                found = await self._until_registered(until, changed)
        if found.roaming and not roaming:
            raise ConnectError(
                Reason.MISCONFIGURED,
                f"the modem is abroad in {network(found)}, where data may cost a lot; to use it all"
                f" the same write roaming = yes in {section}",
            )
        return found

    async def _until_registered(self, until: float, changed: asyncio.Event) -> Serving:
        denied: float | None = None
        while True:
            changed.clear()
            found = await self._look()
            if found.registered:
                return found
            self._tell(state_of(found))
            now = self._context.now()
            if found.state != _DENIED:
                denied = None
            elif denied is None:
                denied = now
            elif now - denied >= DENIED_FOR:
                raise await self._refused()
            if now >= until:
                raise NotTaken(Reason.NOT_REGISTERED, _no_network(found))
            await until_news(self._context, changed, min(_LOOK, until - now))

    async def _look(self) -> Serving:
        return qmitext.serving(await self._qmicli.ask("--nas-get-serving-system"))

    async def _refused(self) -> NotTaken:
        causes: list[str] = []
        with contextlib.suppress(Declined):  # the details are a help, no more
            causes = qmitext.refusals(await self._qmicli.ask("--nas-get-system-info"))
        why = f" ({', '.join(causes)})" if causes else ""
        return NotTaken(
            Reason.REJECTED,
            f"the network refuses the SIM card{why}; ask the operator whether it is active and"
            " may use data here",
        )

    @contextlib.asynccontextmanager
    async def _changes(self) -> AsyncIterator[asyncio.Event]:
        """Give an event that is set when the modem tells that its registration has changed."""
        changed = asyncio.Event()
        client = await self._line.allocate(Service.NAS)

        def hear(message: Message) -> None:
            if (message.service, message.number) == (Service.NAS, SERVING_SYSTEM):
                changed.set()

        self._line.heard.append(hear)
        try:
            with contextlib.suppress(ConnectError):  # then it is looked at every few seconds
                wanted = {0x13: b"\x01"}
                await self._line.ask(Service.NAS, client, REGISTER_INDICATIONS, wanted)
            yield changed
        finally:
            self._line.heard.remove(hear)
            await self._line.release(Service.NAS, client)


def state_of(found: Serving) -> str:
    """Return how the modem stands, in words."""
    if found.state == "registered":
        return "registered" if found.attached is not False else "registered, without data"
    return _STATES.get(found.state, "not registered")


def network(found: Serving) -> str:
    """Return the network for a sentence."""
    return found.operator or found.plmn or "an unknown network"


def _no_network(found: Serving) -> str:
    what = state_of(found)
    return f"no operator has taken the modem ({what}); check its antenna and the place where it is"

"""Dials a serial modem: its card, its registration, the access point, and then the call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from conman_core import ConnectError, Connection, DriverContext, Reason
from conman_core.errors import SystemFault, ToolMissing
from conman_core.tools import find_tool
from conman_plugins.cellular.apns import ApnMemory, candidates, tried
from conman_plugins.cellular.dialling import Wishes
from conman_plugins.cellular.pin import MEMORY, PinRule
from conman_plugins.cellular.plan import Plan
from conman_plugins.cellular.pppcall import PppCall
from conman_plugins.cellular.pppd import Call
from conman_plugins.cellular.sakisprogram import SakisCall
from conman_plugins.cellular.serialmodem import SerialModem
from conman_plugins.cellular.serialports import Opener, find_port

REGISTERED_WITHIN = 75.0  #: seconds; some modems need 44 after power on

_PORTS, _WORKED = "ports", "worked"  # what is noted: which port answered, which APN worked
_MOST_MODEMS = 32
#: failures that another access point may cure; networks tell a wrong one in many ways, or in none
_ANOTHER_APN = frozenset(
    {
        *(Reason.WRONG_APN, Reason.WRONG_KEY, Reason.NO_ADDRESS, Reason.REJECTED),
        *(Reason.TIMEOUT, Reason.LOST, Reason.MISCONFIGURED),
    }
)


class Dialled(Protocol):
    """A call that is up, or was."""

    @property
    def terminal(self) -> str: ...
    async def start(self) -> Connection: ...
    async def end(self) -> None: ...


@dataclass(slots=True)
class Line:
    """One modem to be dialled over one of `paths`; `ids` are what is remembered of its kind.

    `lost` is called when a call that was up has ended by itself, `progress` with what goes on.
    """

    paths: tuple[str, ...]
    ids: str
    lost: Callable[[Reason, str], None]
    progress: Callable[[str], None]
    call: Dialled | None = field(default=None)

    @property
    def terminal(self) -> str:
        """The port of the call, empty without one."""
        return self.call.terminal if self.call else ""

    async def end(self) -> None:
        """Hang up. Never raises."""
        if self.call:
            await self.call.end()


class Dialler:
    """Dials; one for all modems of a driver."""

    def __init__(self, context: DriverContext, opener: Opener) -> None:
        self._context = context
        self._opener = opener
        self._memory = ApnMemory(context.store)
        self._tried: dict[str, Plan] = {}  # by card: where a time limit ended the last attempt

    async def dial(self, line: Line, wishes: Wishes) -> Connection:
        """Get a modem online. Raises ConnectError, ToolMissing; then nothing is left behind."""
        program = self.program()
        found = await find_port(line.paths, self._opener, self._last_port(line))
        try:
            modem = SerialModem(self._context, found.port, line.progress)
            await modem.prepare()
            rule = PinRule(self._context.shared(MEMORY), wishes.place)
            await modem.unlock(rule, wishes.pin, wishes.place)
            until = self._context.now() + REGISTERED_WITHIN
            place = wishes.place
            await modem.wait_registered(until, roaming=wishes.roaming, section=place)
            card, plans = await self._plans(modem, wishes)
            plans = behind(plans, self._tried.pop(card, None))
            await modem.use_apn(plans[0].apn)
        finally:
            found.port.close()
        self._note(_PORTS, line, line.paths.index(found.path))
        for number, plan in enumerate(plans):
            if number:
                await self._change_apn(found.path, plan)
            call = self._call(program, found.path, line, wishes, plan)
            self._tried[card] = plan
            try:
                connection = await call.start()
            except ConnectError as error:
                del self._tried[card]
                if error.reason in _ANOTHER_APN and number + 1 < len(plans):
                    line.progress(f"{plan.named}: {error.sentence}")
                    continue
                raise await self._explain(found.path, line, error, plans[: number + 1]) from None
            del self._tried[card]
            line.call = call
            self._note_worked(card, plan)
            self._note(_WORKED, line, plan.apn)
            return connection
        raise AssertionError("there is always a plan")

    def program(self) -> str:
        """Return what dials: pppd or sakis3g. Raises ConnectError."""
        wanted: str = self._context.settings["dialer"]
        if wanted == "pppd":
            return wanted
        try:
            find_tool("sakis3g")
        except ToolMissing:
            if wanted == "auto":
                return "pppd"
            raise ConnectError(
                Reason.NO_TOOL,
                "sakis3g is not installed, and no distribution has it; put it into /usr/local/sbin,"
                " or write dialer = pppd in [conman:sakis3g]",
            ) from None
        return "sakis3g"

    def _call(self, program: str, path: str, line: Line, wishes: Wishes, plan: Plan) -> Dialled:
        auth = plan.auth if plan.auth in ("pap", "chap") else "auto"
        call = Call(path, wishes.number, plan.user, plan.password, auth, wishes.baud)
        if program == "pppd":
            return PppCall(self._context, call, line.lost)
        return SakisCall(self._context, call, plan.apn, line.ids, line.lost)

    async def _plans(self, modem: SerialModem, wishes: Wishes) -> tuple[str, list[Plan]]:
        """Return the card's number and how to dial, the likeliest first. Raises ConnectError."""
        if (plan := wishes.plan) is not None:
            return "", [plan]
        card, owner = await modem.card_number(), await modem.home()
        for digits in (5, 6):  # how long the operator's number is, the owner's does not tell
            plmn = f"{owner[:3]}-{owner[3:digits]}" if owner else ""
            found = candidates(plmn, card, self._memory)
            if len(found) > 1:
                break
        return card, found

    async def _change_apn(self, path: str, plan: Plan) -> None:
        found = await find_port((path,), self._opener)
        try:
            await SerialModem(self._context, found.port).use_apn(plan.apn)
        finally:
            found.port.close()

    async def _explain(
        self, path: str, line: Line, error: ConnectError, plans: list[Plan]
    ) -> ConnectError:
        """Return an error with what the modem and the settings have to say of a failed call."""
        reason, words = error.reason, error.sentence
        if reason in (Reason.WRONG_APN, Reason.TIMEOUT):
            try:
                found = await find_port((path,), self._opener)
                try:
                    modem = SerialModem(self._context, found.port)
                    standing, refused = await modem.standing(), await modem.data_refused()
                    why = await modem.cause()
                finally:
                    found.port.close()
            except ConnectError:  # it has told all that it will
                return error
            if not standing.registered:
                reason, words = Reason.NOT_REGISTERED, f"{words}; it is {standing.words}"
            elif refused:
                reason = Reason.REJECTED
                words = (
                    f"{words}; it refuses data, ask the operator whether the SIM card may use it"
                )
            elif why:
                words = f"{words}: {why}"
        cure = plans[-1].cure(reason)
        if reason is Reason.WRONG_APN:
            words = f"{words} with {tried(plans)}"
            if self._noted(_WORKED).get(line.ids) == plans[-1].apn:  # then the modem may hang
                reason, words = Reason.TIMEOUT, f"{words}, which has worked before"
        return ConnectError(reason, f"{words}{cure}")

    # -- what is remembered of a kind of modem

    def _last_port(self, line: Line) -> str:
        place = self._noted(_PORTS).get(line.ids)
        if not isinstance(place, int) or not 0 <= place < len(line.paths):
            return ""
        return line.paths[place]

    def _note(self, kind: str, line: Line, value: int | str) -> None:
        known = self._noted(kind)
        if line.ids and known.get(line.ids) != value:
            kept = dict(list(known.items())[1 - _MOST_MODEMS :]) | {line.ids: value}
            try:
                self._context.store.save(self._context.store.load() | {kind: kept})
            except SystemFault as error:
                self._not_kept(error)

    def _note_worked(self, card: str, plan: Plan) -> None:
        try:
            self._memory.worked(card, plan)
        except SystemFault as error:
            self._not_kept(error)

    def _not_kept(self, error: SystemFault) -> None:
        """A full disk is no reason to be offline."""
        self._context.log.warning("what works is not kept for the next time: %s", error)

    def _noted(self, kind: str) -> dict[str, Any]:
        found = self._context.store.load().get(kind)
        return found if isinstance(found, dict) else {}


def behind(plans: list[Plan], last: Plan | None) -> list[Plan]:
    """Return the plans from the one behind `last` on, and then those before; all if it is none."""
    start = plans.index(last) + 1 if last in plans else 0
    return plans[start:] + plans[:start]

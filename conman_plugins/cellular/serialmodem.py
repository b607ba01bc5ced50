"""A modem behind AT commands: its card, its PIN, its registration, and what it tells of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TypeVar

from conman_core import ConnectError, DriverContext, Reason
from conman_plugins.cellular import atfacts
from conman_plugins.cellular.at import Reply, Terminal
from conman_plugins.cellular.atfacts import WRONG_PASSWORD, Standing
from conman_plugins.cellular.cards import unusable
from conman_plugins.cellular.pauses import until_news
from conman_plugins.cellular.pin import PinRule

T = TypeVar("T")
CARD_WITHIN = 20.0  #: seconds from power on until a card has said what it is
DENIED_FOR = 5.0  #: seconds: one kind of network may refuse what another one takes

_LOOK = 3.0  #: seconds between looks at a modem that tells nothing by itself
_PAUSE = 1.0
_SLOW = 20.0  #: seconds for what a modem asks the network or the card
_RADIO = 15.0  #: seconds for +CFUN
_AREAS = ("CREG", "CGREG", "CEREG")
_CARD_NUMBERS = ("AT+CCID", "AT^ICCID?", "AT+ICCID", "AT+QCCID", "AT+CCID?")
_TRIES = ("AT+CPINR", "AT^CPIN?", 'AT+QPINC="SC"')


class SerialModem:
    """One modem, over one of its ports. `tell` takes each new state, for people."""

    def __init__(
        self, context: DriverContext, port: Terminal, tell: Callable[[str], None] = lambda _: None
    ) -> None:
        self._context = context
        self._port = port
        self._tell = tell

    async def prepare(self) -> None:
        """Have errors told by number. Raises ConnectError."""
        await self._port.ask("AT+CMEE=1")

    # -- the card ---------------------------------------------------------------------------------

    async def unlock(self, rule: PinRule, pin: str, section: str) -> None:
        """Return once the card is ready; enter its PIN if it asks. Raises ConnectError."""
        state = await self._settled()
        if state == "pin":
            await self._enter(rule, pin, section)
            state = await self._settled()
        if state != "ready":
            raise unusable(state)

    async def card_number(self) -> str:
        """Return the card's ICCID, empty if the modem does not tell."""
        return await self._first(_CARD_NUMBERS, atfacts.iccid) or ""

    async def home(self) -> str:
        """Return the number of the card's owner (IMSI), empty if the modem does not tell."""
        return atfacts.home(await self._port.ask("AT+CIMI"))

    async def _settled(self) -> str:
        """Wait until the card has said what it is."""
        until = self._context.now() + CARD_WITHIN
        while True:
            state = atfacts.card(await self._port.ask("AT+CPIN?", _SLOW))
            if state != "waiting" or self._context.now() >= until:
                return state
            await self._context.sleep(_PAUSE)

    async def _enter(self, rule: PinRule, pin: str, section: str) -> None:
        left = await self._first(_TRIES, atfacts.tries)
        if not pin:
            known = "" if left is None else f" ({left} tries left)"
            raise ConnectError(
                Reason.PIN_REQUIRED, f"the SIM card asks for its PIN{known}; set pin in {section}"
            )
        await rule.enter(await self.card_number(), pin, left, lambda: self._verify(pin))

    async def _verify(self, pin: str) -> bool:
        reply = await self._port.ask(f'AT+CPIN="{pin}"', _SLOW, shown="AT+CPIN=...")
        if reply.ok:
            return True
        if reply.code in {WRONG_PASSWORD, 12}:  # the card may want its PUK by now
            return False
        sentence = f"the modem did not try the PIN: {reply.end}"
        raise ConnectError(Reason.PIN_REQUIRED, sentence)

    # -- the network ------------------------------------------------------------------------------

    async def wait_registered(self, until: float, *, roaming: bool, section: str) -> Standing:
        """Wait until the modem is registered, up to a time of the context's clock.

        `roaming` says whether a foreign network will do. Raises ConnectError.
        """
        found = await self.standing()
        if not found.registered:
            found = await self._until_registered(found, until)
        if found.roaming and not roaming:
            raise ConnectError(
                Reason.MISCONFIGURED,
                "the modem is abroad, where data may cost a lot; to use it all the same write"
                f" roaming = yes in {section}",
            )
        return found

    async def standing(self, areas: tuple[str, ...] = _AREAS) -> Standing:
        """Ask how the modem stands with the networks. Raises ConnectError."""
        replies: list[Reply] = []
        for area in areas:
            replies.append(await self._port.ask(f"AT+{area}?"))
            if (found := atfacts.standing(replies)).registered:
                return found
        return atfacts.standing(replies)

    async def data_refused(self) -> bool:
        """Ask whether the network takes the modem, but not for data. Raises ConnectError."""
        return (await self.standing(_AREAS[1:])).state == "denied"

    async def _until_registered(self, found: Standing, until: float) -> Standing:
        changed = asyncio.Event()

        def hear(line: str) -> None:
            if line.startswith(tuple(f"+{area}:" for area in _AREAS)):
                changed.set()

        for area in _AREAS:  # those that a modem does not have are answered by ERROR
            await self._port.ask(f"AT+{area}=1")
        self._port.heard.append(hear)
        denied: float | None = None
        told = ""
        try:
            while True:
                now = self._context.now()
                if found.words != told:
                    told = found.words
                    self._tell(told)
                denied = (denied or now) if found.state == "denied" else None
                if denied is not None and now - denied >= DENIED_FOR:
                    raise ConnectError(
                        Reason.REJECTED,
                        "the network refuses the SIM card; ask the operator whether it is active"
                        " and may use data here",
                    )
                if now >= until:
                    raise ConnectError(
                        Reason.NOT_REGISTERED,
                        f"no operator has taken the modem ({found.words}); check its antenna and"
                        " the place where it is",
                    )
                await until_news(self._context, changed, min(_LOOK, until - now))
                changed.clear()
                found = await self.standing()
                if found.registered:
                    return found
        finally:
            self._port.heard.remove(hear)

    async def use_apn(self, apn: str) -> None:
        """Say through which access point a call goes. Raises ConnectError."""
        reply = await self._port.ask(f'AT+CGDCONT=1,"IP","{apn}"')
        if not reply.ok:
            raise ConnectError(
                Reason.WRONG_APN, f"the modem does not take the APN {apn}: {reply.end}"
            )

    async def cause(self) -> str:
        """Return why the last call ended, empty if the modem does not tell."""
        return atfacts.cause(await self._port.ask("AT+CEER"))

    # -- what helps, and what people want to know -------------------------------------------------

    async def airplane(self) -> None:
        """Switch the radio off and on. Raises ConnectError."""
        reply = await self._port.ask("AT+CFUN=4", _RADIO)
        if not reply.ok:
            await self._port.ask("AT+CFUN=0", _RADIO)
        if not (reply := await self._port.ask("AT+CFUN=1", _RADIO)).ok:
            raise ConnectError(
                Reason.WEDGED, f"the modem does not switch its radio on: {reply.end}"
            )

    async def reset(self) -> None:
        """Have the modem start anew; it leaves the bus for a while. Raises ConnectError."""
        reply = await self._port.ask("AT+CFUN=1,1", _RADIO)
        if not reply.ok and not (reply := await self._port.ask("AT^RESET", _RADIO)).ok:
            raise ConnectError(Reason.WEDGED, f"the modem does not start anew: {reply.end}")

    async def facts(self) -> Mapping[str, str]:
        """Return what people want to know. Raises ConnectError."""
        standing = await self.standing()
        strength = atfacts.signal(await self._port.ask("AT+CSQ"))
        name, technology = atfacts.operator(await self._port.ask("AT+COPS?"))
        found = {
            "signal": strength,
            "operator": name,
            "technology": technology,
            "registration": standing.words,
            "roaming": ("yes" if standing.roaming else "no") if standing.registered else "",
        }
        return {key: text for key, text in found.items() if text}

    async def _first(self, commands: tuple[str, ...], read: Callable[[Reply], T]) -> T | None:
        """Return what the first command tells that tells anything: each make has its own."""
        for command in commands:
            reply = await self._port.ask(command)
            if reply.ok and (found := read(reply)):
                return found
        return None

"""The SIM card in a modem that speaks QMI: whether it is ready, and its PIN."""

from __future__ import annotations

import contextlib

from conman_core import ConnectError, DriverContext, Reason
from conman_plugins.cellular import qmitext
from conman_plugins.cellular.cards import unusable
from conman_plugins.cellular.line import Line, Refused
from conman_plugins.cellular.pin import PinRule
from conman_plugins.cellular.qmicli import Declined, Qmicli
from conman_plugins.cellular.qmitext import Card, Garbled
from conman_plugins.cellular.qmux import Service

READY_WITHIN = 10.0  #: seconds from power on until a card has said what it is
_PAUSE = 1.0
_UIM_VERIFY, _DMS_VERIFY = 0x0026, 0x0028
_INCORRECT, _NO_EFFECT, _NO_CARD = 12, 26, frozenset({37, 102})  #: QMI errors (qmi-errors.h)
_BLOCKED = frozenset({35, 36})
_PIN1 = 1
_SLOT_1 = 6  #: a session with the card in slot 1, as qmicli has it


class SimCard:
    """The card of one modem."""

    def __init__(self, context: DriverContext, qmicli: Qmicli) -> None:
        self._context = context
        self._qmicli = qmicli
        self._uim: bool | None = None  #: whether the modem has that service; None: not known

    async def number(self) -> str:
        """Return the card's ICCID, empty if it cannot be read. Raises ConnectError."""
        with contextlib.suppress(Declined, Garbled):
            return qmitext.iccid(await self._qmicli.ask("--dms-uim-get-iccid"))
        return ""

    async def home(self) -> str:
        """Return the operator of the card as MCC-MNC, empty if it is not told."""
        with contextlib.suppress(Declined):
            return qmitext.plmn(await self._qmicli.ask("--nas-get-home-network"))
        return ""

    async def unlock(self, line: Line, rule: PinRule, pin: str, section: str) -> None:
        """Return once the card is ready; enter its PIN if it asks. Raises ConnectError."""
        card = await self._settled()
        if card.state == "pin":
            await self._enter(line, rule, pin, card, section)
            card = await self._settled()
        if card.state not in {"ready", "waiting"}:
            raise unusable(card.state)

    async def state(self) -> Card:
        """Ask how the card is. Raises ConnectError."""
        if self._uim is not False:
            try:
                return qmitext.card(await self._qmicli.ask("--uim-get-card-status"))
            except Declined as declined:
                if not declined.unknown:
                    raise
                self._uim = False
        try:
            return qmitext.pin_status(await self._qmicli.ask("--dms-uim-get-pin-status"))
        except Declined as declined:
            if declined.code in _NO_CARD:
                return Card("absent")
            raise

    async def _settled(self) -> Card:
        """Wait until the card has said what it is."""
        until = self._context.now() + READY_WITHIN
        while (card := await self.state()).state == "waiting":
            if self._context.now() >= until:
                break
            await self._context.sleep(_PAUSE)
        return card

    async def _enter(self, line: Line, rule: PinRule, pin: str, card: Card, section: str) -> None:
        if card.slot != 1:  # nor would its number be known, by which tries are counted
            what = f"the SIM card in slot {card.slot} asks for its PIN"
            raise ConnectError(
                Reason.PIN_REQUIRED,
                f"{what}, which conman enters in slot 1 only; put the card there, or switch its"
                " PIN off with a phone",
            )
        if not pin:
            left = "" if card.left is None else f" ({card.left} tries left)"
            raise ConnectError(
                Reason.PIN_REQUIRED,
                f"the SIM card asks for its PIN{left}; set pin in {section}",
            )
        await rule.enter(await self.number(), pin, card.left, lambda: self._verify(line, pin))

    async def _verify(self, line: Line, pin: str) -> bool:
        """Have the card check a PIN; it goes over the line, where nobody else sees it."""
        info = bytes([_PIN1, len(pin)]) + pin.encode()
        service = Service.DMS if self._uim is False else Service.UIM
        client = await line.allocate(service)
        try:
            if service is Service.UIM:
                tlvs = {0x01: bytes([_SLOT_1, 0]), 0x02: info}
                await line.ask(service, client, _UIM_VERIFY, tlvs)
            else:
                await line.ask(service, client, _DMS_VERIFY, {0x01: info})
        except Refused as refused:
            if refused.code in {_INCORRECT, *_BLOCKED}:
                return False
            if refused.code != _NO_EFFECT:  # the card has it already
                raise
        finally:
            await line.release(service, client)
        return True

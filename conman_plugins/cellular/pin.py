"""The PIN of a SIM card: when it may be tried. For all drivers of this distribution.

A card is blocked after three wrong tries, and then wants a code that nobody has at hand. So:

- never with fewer than three tries left, or an unknown number of them;
- a value once for each card; again only if the card took it, as it asks after each reboot;
- nor one that may have been tried on the same card when its number could not be read;
- noted on disk before it is tried, so that a power cut cannot make it two.

A value whose try was cut short counts as tried. One that the card took the time before is the
exception, as long as the card still has all its tries: a power cut at the wrong moment must not
keep a device in the field offline.
"""

from __future__ import annotations

import os
from _blake2 import blake2s  # hashlib would bring OpenSSL: 4 MiB
from collections.abc import Awaitable, Callable
from typing import Any

from conman_core import ConnectError, Reason
from conman_core.driver import SharedStore
from conman_core.errors import SystemFault

MEMORY = "cellular-pins"  #: the name of the shared memory
ENOUGH = 3  #: tries that must be left
MOST_CARDS = 1000
MOST_VALUES = 32  #: remembered of one card; more were never tried by a person
_RIGHT, _WRONG, _CUT = "right", "wrong", "cut short"
_AGAIN = "right, cut short"  #: it was right the time before


class PinRule:
    """What is known of the PINs that were tried; `section` is where a person corrects one."""

    def __init__(self, memory: SharedStore, section: str) -> None:
        self._memory = memory
        self._section = section

    async def enter(
        self, card: str, pin: str, left: int | None, attempt: Callable[[], Awaitable[bool]]
    ) -> None:
        """Let `attempt` try a PIN if it may be tried; it returns whether the card took it.

        `card` is the ICCID, empty if it cannot be read; `left` the number of tries that the card
        tells. Raises ConnectError with what a person must do, and whatever `attempt` raises: the
        PIN then counts as tried.
        """
        card = card.rstrip("Ff")  # some tell what fills up the last byte, too
        mark = self._begin(card, pin, left)
        if await attempt():
            self._note(card, mark, _RIGHT)
            return
        self._note(card, mark, _WRONG)
        raise _no(Reason.PIN_WRONG, f"the SIM card refused the PIN: {self._by_phone}")

    def _begin(self, card: str, pin: str, left: int | None) -> str:
        if left is None:
            what = "the modem does not tell how many tries the SIM card has left"
            raise _no(Reason.PIN_REQUIRED, f"{what}, so no PIN is tried; {_SWITCH_OFF}")
        if left < ENOUGH:
            tries = "1 try" if left == 1 else f"{left} tries"
            what = f"the SIM card has {tries} left, which conman leaves to you"
            raise _no(Reason.PIN_WRONG, f"{what}: {self._by_phone}")
        try:
            with self._memory.changing() as values:
                mark = _fingerprint(values, card, pin)
                known = _tried(values, card)
                state = str(known.pop(mark, ""))
                state = _elsewhere(values, card, pin) or state
                if (state and state not in {_RIGHT, _AGAIN}) or len(known) >= MOST_VALUES:
                    raise self._spent(state)
                known[mark] = _AGAIN if state else _CUT
        except SystemFault as fault:
            what = f"a PIN is noted before it is tried, so none was: {fault}"
            raise _no(Reason.PIN_REQUIRED, what) from fault
        return mark

    def _spent(self, state: str) -> ConnectError:
        if state == _WRONG:
            what = "the SIM card has refused this PIN before"
        elif state:
            what = "this PIN was tried, but the SIM card's answer was not heard"
        else:
            what = f"{MOST_VALUES} PINs were tried on this SIM card"
        return _no(Reason.PIN_WRONG, f"{what}; it is not tried again: {self._correct}")

    def _note(self, card: str, mark: str, state: str) -> None:
        try:
            with self._memory.changing() as values:
                _tried(values, card)[mark] = state
        except SystemFault as fault:  # it stays noted as cut short, which is the safe side
            raise _no(Reason.PIN_REQUIRED, str(fault)) from fault

    @property
    def _correct(self) -> str:
        return f"correct pin in {self._section}, or {_SWITCH_OFF}"

    @property
    def _by_phone(self) -> str:
        return (
            "put it into a phone and enter its PIN there once, which gives it all tries back,"
            f" then correct pin in {self._section}"
        )


_SWITCH_OFF = "switch the card's PIN off with a phone"


def _no(reason: Reason, sentence: str) -> ConnectError:
    return ConnectError(reason, sentence)


def _tried(values: dict[str, Any], card: str) -> dict[str, Any]:
    """Return the values tried on a card, by fingerprint, to be changed. Raises ConnectError.

    None is ever forgotten: it could be tried a second time then.
    """
    cards = values.get("cards")
    if not isinstance(cards, dict):
        cards = values["cards"] = {}
    if card not in cards and len(cards) >= MOST_CARDS:
        raise _no(Reason.PIN_REQUIRED, f"PINs of {MOST_CARDS} SIM cards were tried; no more are")
    known = cards.get(card)
    if not isinstance(known, dict):
        known = cards[card] = {}
    found: dict[str, Any] = known
    return found


def _elsewhere(values: dict[str, Any], card: str, pin: str) -> str:
    """Return the state of a value that was not right on what may have been the same card.

    A number that can be read now may have been unreadable then, and the other way round.
    """
    cards = values["cards"]
    for other in [""] if card else list(cards):
        known = cards.get(other)
        state = known.get(_fingerprint(values, other, pin)) if isinstance(known, dict) else None
        if other != card and state is not None and state not in {_RIGHT, _AGAIN}:
            return str(state)
    return ""


def _fingerprint(values: dict[str, Any], card: str, pin: str) -> str:
    """Return what stands for a PIN on disk; the salt is made with the first one."""
    salt = values.get("salt")
    if not isinstance(salt, str) or len(salt) != 32:
        salt = values["salt"] = os.urandom(16).hex()
    return str(blake2s(f"{card}\0{pin}".encode(), key=salt.encode(), digest_size=16).hexdigest())

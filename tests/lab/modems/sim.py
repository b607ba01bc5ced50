"""The card in a modem. What a card remembers without power is in a file, which outlives a modem."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

PIN_TRIES, PUK_TRIES = 3, 10


class CardError(Exception):
    """The card says no."""


class WrongCode(CardError):
    """That was not the PIN, or not the PUK; a try is gone."""


class NoTriesLeft(CardError):
    """The card takes no PIN, or no PUK, any more."""


class NothingToDo(CardError):
    """The card wants no PIN, or has it already."""


@dataclass
class Sim:
    """`pin` is what the card wants to hear, None if it wants nothing."""

    present: bool = True
    pin: str | None = None
    puk: str = "12345678"
    retries: int = PIN_TRIES
    puk_retries: int = PUK_TRIES
    iccid: str = "8930012345678901234"
    imsi: str = "202011234567890"
    verified: bool = field(default=False, compare=False)  #: until the power goes

    @property
    def state(self) -> str:
        """One of: absent, ready, pin, puk, blocked."""
        if not self.present:
            return "absent"
        if self.puk_retries == 0:
            return "blocked"
        if self.pin is not None and self.retries == 0:
            return "puk"
        return "ready" if self.pin is None or self.verified else "pin"

    def verify(self, pin: str) -> None:
        """Try a PIN. Raises CardError."""
        self._usable()
        if self.pin is None or self.verified:
            raise NothingToDo
        if self.retries == 0:
            raise NoTriesLeft
        if pin != self.pin:
            self.retries -= 1
            raise WrongCode
        self.retries, self.verified = PIN_TRIES, True

    def unblock(self, puk: str, pin: str) -> None:
        """Try a PUK, to set a new PIN. Raises CardError."""
        self._usable()
        if self.puk_retries == 0:
            raise NoTriesLeft
        if puk != self.puk:
            self.puk_retries -= 1
            raise WrongCode
        self.pin, self.retries, self.puk_retries, self.verified = pin, PIN_TRIES, PUK_TRIES, True

    def protect(self, pin: str, *, wanted: bool, current: str | None) -> None:
        """Ask for the PIN from now on, or never again. Raises CardError."""
        self._usable()
        if self.retries == 0:
            raise NoTriesLeft
        if current is not None and pin != current:
            self.retries -= 1
            raise WrongCode
        self.pin, self.retries, self.verified = (pin if wanted else None), PIN_TRIES, True

    def _usable(self) -> None:
        if not self.present:
            raise CardError


def read(path: Path) -> dict[str, Any]:
    """What a card remembers."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def write(path: Path, card: dict[str, Any]) -> None:
    """Let a card remember; a reader sees the old or the new."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(card))
    fresh.rename(path)


def remembered(sim: Sim) -> dict[str, Any]:
    """What is kept of a card when the power goes."""
    return asdict(sim) | {"verified": False}


def load(path: Path) -> Sim:
    known = {item.name for item in fields(Sim)}
    return Sim(**{name: value for name, value in read(path).items() if name in known})

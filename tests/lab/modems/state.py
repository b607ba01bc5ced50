"""What a modem knows and does, whatever the language in which it is asked: QMI, AT or web pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tests.lab.modems import sim as cards
from tests.lab.modems.loop import Loop, Timer
from tests.lab.modems.sim import CardError, Sim

#: of a call that ends: (type, reason) as QMI has them (libqmi, qmi-enums-wds.h); 6 is 3GPP, 24.008
REGULAR_DEACTIVATION = (6, 36)
UNKNOWN_APN, WRONG_USER, ONLY_IPV4 = (6, 27), (6, 29), (6, 50)
NO_SERVICE, CLIENT_END = (3, 2001), (2, 202)
MOST_CALLS = 60  # of one modem; the addresses are used one after the other


@dataclass
class Settings:
    """What a test can change at any time, with how a healthy modem has it."""

    registration: str = "home"  #: home roaming denied searching slow none
    registers_after: float = 44.0  #: seconds that `slow` is searching
    reject_cause: int = 11  #: of denied: 3GPP 24.008, 10.5.5.14; 11 is «PLMN not allowed»
    operator: str = "Lab Mobile"
    home: str = "20201"  #: MCC and MNC
    abroad: str = "22201"  #: when roaming
    technology: str = "lte"  #: lte umts gsm
    signal: int = -65  #: RSSI in dBm
    apns: list[str] = field(default_factory=lambda: ["internet"])  #: empty: any will do
    user: str = ""  #: wanted with the APN
    password: str = ""
    refusal: list[int] = field(default_factory=lambda: list(UNKNOWN_APN))  #: of a wrong APN
    ipv6: bool = False  #: the carrier has it
    mtu: int = 1500
    dial: str = "fine"  #: fine busy error silent, «no carrier», «no dialtone»
    dial_time: float = 0.0  #: seconds from the dial to the answer
    control: str = "fine"  #: fine silent garbage
    data: str = "fine"  #: fine silent
    carrier_detect: bool = True  #: a serial port tells when the call ends
    reboot_time: float = 1.0  #: seconds without the device after a reset


class Refused(Exception):
    """There is no call; `reason` is (type, reason)."""

    def __init__(self, reason: tuple[int, int]) -> None:
        super().__init__(f"call end reason {reason}")
        self.reason = reason


@dataclass
class Call:
    """A session of one address family."""

    family: int  #: 4 or 6
    apn: str
    address: str
    gateway: str
    started: float = field(default_factory=time.monotonic)
    #: packets and bytes, sent by the device and received
    counts: dict[str, list[int]] = field(default_factory=lambda: {"tx": [0, 0], "rx": [0, 0]})

    def count(self, way: str, size: int) -> None:
        self.counts[way][0] += 1
        self.counts[way][1] += size


class Modem:
    """One modem. `listeners` are called with what has changed: sim mode registration call."""

    def __init__(self, loop: Loop, number: int, card: Path, **settings: Any) -> None:
        self.loop = loop
        self.number = number
        self.imei = f"86073{number:02d}0000000{number % 10}"
        self.settings = Settings(**settings)
        self.listeners: list[Callable[[str], object]] = []
        self.calls: dict[int, Call] = {}
        self.last_reason: tuple[int, int] | None = None
        self.reboot: Callable[[], object] = lambda: None
        self.mode = "online"  #: online low-power offline
        self.contexts: dict[int, str] = {}  #: APNs by number, as AT+CGDCONT sets them
        self._card_file = card
        self._made = 0
        self.sim = cards.load(card)
        self._timer: Timer | None = None
        self._search()

    # -- the card ---------------------------------------------------------------------------------

    def card(self, action: Callable[[Sim], object]) -> None:
        """Do something with the card; it remembers what came of it. Raises CardError."""
        before = self.sim.state
        try:
            action(self.sim)
        finally:
            cards.write(self._card_file, cards.remembered(self.sim))
            if self.sim.state != before:
                self._card_changed()

    def reload_card(self) -> None:
        """Another card, or the same as if just put in."""
        self.sim = cards.load(self._card_file)
        self._card_changed()

    def _card_changed(self) -> None:
        self._tell("sim")
        self._search()

    # -- registration -----------------------------------------------------------------------------

    @property
    def registration(self) -> str:
        """One of: home roaming denied searching none."""
        wanted = self.settings.registration
        if self.sim.state != "ready" or self.mode != "online":
            return "none"
        if wanted == "slow":
            return "home" if self._timer is None else "searching"
        return wanted

    @property
    def registered(self) -> bool:
        return self.registration in ("home", "roaming")

    @property
    def network(self) -> str:
        """MCC and MNC of the network around."""
        settings = self.settings
        return settings.abroad if settings.registration == "roaming" else settings.home

    def _search(self) -> None:
        """Begin a search; what it finds is in the settings."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if self.settings.registration == "slow":
            self._timer = self.loop.later(self.settings.registers_after, self._found)
        self._registration_changed()

    def _found(self) -> None:
        self._timer = None
        self._registration_changed()

    def _registration_changed(self) -> None:
        if not self.registered:
            self.end_calls(NO_SERVICE)
        self._tell("registration")

    # -- what is wanted of it ---------------------------------------------------------------------

    def change(self, **settings: Any) -> None:
        """Take other settings. Raises ValueError."""
        known = {item.name for item in fields(Settings)}
        if unknown := settings.keys() - known:
            raise ValueError(f"no such setting: {', '.join(sorted(unknown))}")
        for name, value in settings.items():
            setattr(self.settings, name, value)
        if settings.keys() & {"registration", "registers_after"}:
            self._search()
        elif settings.keys() & {"technology", "operator", "signal"}:
            self._tell("registration")

    def set_mode(self, mode: str) -> None:
        if mode == "reset":
            self.end_calls(NO_SERVICE)
            self.reboot()
        elif mode != self.mode:
            self.mode = mode
            self._tell("mode")
            self._search()

    def power_on(self) -> None:
        """As after the power has been away."""
        self.mode = "online"
        self.sim.verified = False
        self.calls.clear()
        self._search()

    # -- calls ------------------------------------------------------------------------------------

    def dial(self, apn: str, family: int, user: str = "", password: str = "") -> Call:
        """Start a session. Raises Refused."""
        settings = self.settings
        if not self.registered:
            raise Refused(NO_SERVICE)
        if settings.apns and apn.lower() not in settings.apns:
            raise Refused((settings.refusal[0], settings.refusal[1]))
        if settings.user and (user, password) != (settings.user, settings.password):
            raise Refused(WRONG_USER)
        if family == 6 and not settings.ipv6:
            raise Refused(ONLY_IPV4)
        self._made = self._made % MOST_CALLS + 1
        if family == 4:
            net = f"10.64.{self.number}"
            call = Call(4, apn, f"{net}.{self._made + 1}", f"{net}.1")
        else:
            prefix = f"2001:db8:64:{self.number:x}{self._made:02x}"
            call = Call(6, apn, f"{prefix}::{self._made + 1:x}", f"{prefix}::1")
        self.calls[family] = call
        self.last_reason = None
        self._tell("call")
        return call

    def hang_up(self, family: int, reason: tuple[int, int] = CLIENT_END) -> None:
        """End a session."""
        if self.calls.pop(family, None):
            self.last_reason = reason
            self._tell("call")

    def end_calls(self, reason: tuple[int, int] = REGULAR_DEACTIVATION) -> None:
        """End all sessions, for a reason that the network has."""
        for family in list(self.calls):
            self.hang_up(family, reason)

    def belongs(self, address: str) -> bool:
        """Whether an address was given to a session that is up."""
        return any(call.address == address for call in self.calls.values())

    def _tell(self, what: str) -> None:
        for listener in self.listeners:
            listener(what)


__all__ = ["Call", "CardError", "Modem", "Refused", "Settings", "Sim"]

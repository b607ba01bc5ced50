"""What a serial modem is dialled with: setup.cfg, /etc/sakis3g.conf, what a person entered."""

from __future__ import annotations

import re
from _blake2 import blake2s  # hashlib would bring OpenSSL: 4 MiB
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from conman_core import BadValue
from conman_core.driver import Store
from conman_plugins.cellular.plan import Plan
from conman_plugins.cellular.sakisconf import FILE, SakisConf

SECTION = "[conman:sakis3g]"
AUTO = "auto"
NUMBER = "*99#"

_APN = re.compile(r"[A-Za-z0-9._-]{1,100}")
_PIN = re.compile("[0-9]{4,8}", re.ASCII)
_NUMBER = re.compile(r"[0-9*#+]{1,32}", re.ASCII)
#: printable, and nothing that a shell acts upon: the script would run it
_NAME = re.compile(r"[^\x00-\x20\x7f$`\"'\\;&|<>]{1,100}")
_PORT = re.compile(r"/dev/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")
_KEYS = ("apn", "user", "password", "pin")
_ENTERED = "entered"


@dataclass(frozen=True, slots=True)
class Wishes:
    """One set of wishes. `place` is where they are written, for a sentence."""

    apn: str = AUTO
    user: str = ""
    password: str = ""
    auth: str = AUTO
    pin: str = ""
    number: str = NUMBER
    roaming: bool = False
    port: str = ""  #: such as /dev/ttyUSB0; empty: the one that answers
    ids: str = ""  #: of the modem on USB; empty: any
    baud: int = 115200
    place: str = SECTION

    @property
    def plan(self) -> Plan | None:
        """How to dial; None if that has to be found out."""
        if self.apn == AUTO:
            return None
        return Plan(self.apn, self.user, self.password, self.auth, self.place)

    def with_entered(self, values: Mapping[str, Any]) -> Wishes:
        """Return them with what a person entered in their place."""
        known = {key: str(values[key]).strip() for key in _KEYS if values.get(key)}
        if "apn" in known:  # another operator's user is of no use
            known = {"user": "", "password": "", **known}
        return replace(self, **known)  # type: ignore[arg-type]

    def with_file(self, conf: SakisConf) -> Wishes:
        """Return them with those of /etc/sakis3g.conf in their place."""
        apn = conf.get("APN")
        apn = conf.get("CUSTOM_APN") if apn == "CUSTOM_APN" else apn
        found = {
            "apn": apn,
            "user": conf.get("APN_USER"),
            "password": conf.get("APN_PASS"),
            "pin": conf.get("SIM_PIN"),
            "number": conf.get("DIAL"),
            "port": conf.get("CUSTOM_TTY"),
            "ids": conf.get("USBMODEM").lower(),
        }
        known: dict[str, Any] = {key: text for key, text in found.items() if text}
        if not known:
            return self
        if baud := conf.get("BAUD"):
            known["baud"] = int(baud)
        return replace(self, **known, place=str(FILE))


class Entered:
    """What a person entered, in the driver's store.

    It counts until what it was entered beside is edited: setup.cfg, or /etc/sakis3g.conf.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def over(self, written: Wishes) -> Wishes:
        """Return what counts, if so much is written."""
        note = self._store.load().get(_ENTERED)
        if not isinstance(note, dict) or note.get("beside") != _beside(written):
            return written
        return written.with_entered(note)

    def keep(self, written: Wishes, values: Mapping[str, str]) -> None:
        """Have a person's values count from now on. Raises SystemFault."""
        note = {key: values.get(key, "") for key in _KEYS} | {"beside": _beside(written)}
        self._store.save(self._store.load() | {_ENTERED: note})


def _beside(written: Wishes) -> str:
    values = [getattr(written, key) for key in _KEYS]
    return str(blake2s(repr(values).encode(), digest_size=16).hexdigest())


def wishes_of(settings: Mapping[str, Any]) -> Wishes:
    """Return what setup.cfg asks for."""
    return Wishes(
        apn=settings["apn"] or AUTO,
        user=settings["user"] or "",
        password=settings["password"] or "",
        auth=settings["auth"],
        pin=settings["pin"] or "",
        number=settings["number"] or NUMBER,
        roaming=settings["roaming"],
        port=settings["port"] or "",
    )


def faults(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what cannot be used in the settings, with its key; never a secret."""
    if (number := settings["number"]) and not _NUMBER.fullmatch(number):
        yield "number", f"number = {number} is none; write one such as *99# or *99***1#"
    if (port := settings["port"]) and not _PORT.fullmatch(port):
        yield "port", f"port = {port} is no port; write one such as /dev/ttyUSB0"
    entered = {key: settings[key] or "" for key in _KEYS}
    if entered["apn"] == AUTO and (settings["user"] or settings["password"]):
        yield "user", "user and password have no effect with apn = auto; write the apn, too"
    yield from unusable(entered)


def unusable(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what cannot be used of what was written or entered, with its key; never a secret."""
    apn = values.get("apn", "")
    if apn and apn != AUTO and not _APN.fullmatch(apn):
        yield "apn", "an APN has letters, digits, dots and dashes, such as internet"
    if (pin := values.get("pin", "")) and not _PIN.fullmatch(pin):
        yield "pin", "a PIN has 4 to 8 digits"
    for key in ("user", "password"):
        if (text := values.get(key, "")) and not _NAME.fullmatch(text):
            yield (
                key,
                f"the {key} has blanks, or one of $ ` \" ' \\ ; & | < >, or is longer than 100"
                " characters; ask the operator for another one",
            )
    if bool(values.get("user")) != bool(values.get("password")):
        yield "user", "user and password go together; write both or none"


def must_be_usable(values: Mapping[str, str]) -> None:
    """Raise BadValue for the first thing that cannot be used."""
    for key, sentence in unusable(values):
        raise BadValue(key, sentence)

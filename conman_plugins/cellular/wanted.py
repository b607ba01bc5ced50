"""What the user wants of a QMI modem: the settings, and what a person entered into the form."""

from __future__ import annotations

from _blake2 import blake2s  # hashlib would bring OpenSSL: 4 MiB
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from conman_core import BadValue, Family, FormField
from conman_core.driver import Store
from conman_plugins.cellular.plan import Plan
from conman_plugins.cellular.wwanoptions import AUTO, NONE, apn_fault, pin_fault, text_fault

SECTION = "[conman:wwan]"
_KEY = "entered"
_FIELDS = ("apn", "user", "password", "pin")
FORM: Sequence[FormField] = (
    FormField("apn", "APN (empty: found by itself)", required=False),
    FormField("user", "User", required=False),
    FormField("password", "Password", "secret", required=False),
    FormField("pin", "PIN of the SIM card", "secret", required=False),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One set of wishes."""

    apn: str = AUTO
    user: str = ""
    password: str = ""
    auth: str = "auto"
    pin: str = ""
    families: tuple[Family, ...] = (Family.IPV4,)
    roaming: bool = False

    @property
    def plan(self) -> Plan | None:
        """How to dial; None if that has to be found out."""
        if self.apn == AUTO:
            return None
        apn = "" if self.apn == NONE else self.apn
        return Plan(apn, self.user, self.password, self.auth, SECTION)

    @property
    def key(self) -> str:
        """What a session is asked for with it; one for something else is not taken over."""
        return repr(replace(self, password="", pin=""))


def wanted_by(settings: Mapping[str, Any]) -> Wanted:
    """Return what the settings ask for."""
    families = tuple(Family(int(each)) for each in settings["ip-type"].split("v"))
    return Wanted(
        settings["apn"] or AUTO,
        settings["user"] or "",
        settings["password"] or "",
        settings["auth"],
        settings["pin"] or "",
        families,
        settings["roaming"],
    )


class Entered:
    """What a person entered, in the driver's store.

    It counts until the settings that it was entered beside are edited: then these do again.
    """

    def __init__(self, store: Store, settings: Mapping[str, Any]) -> None:
        self._store = store
        self._settings = wanted_by(settings)

    @property
    def wanted(self) -> Wanted:
        """What counts now."""
        note = self._store.load().get(_KEY)
        if not isinstance(note, dict) or note.get("beside") != self._beside():
            return self._settings
        apn, user, password, pin = (str(note.get(name) or "") for name in _FIELDS)
        return replace(self._settings, apn=apn or AUTO, user=user, password=password, pin=pin)

    def with_values(self, values: Mapping[str, str]) -> Wanted:
        """Return what counts if a person's values do. Raises BadValue."""
        found = {name: values.get(name, "").strip() for name in _FIELDS}
        for name, why in (
            ("apn", apn_fault(found["apn"])),
            ("user", text_fault(found["user"])),
            ("password", text_fault(found["password"])),
            ("pin", pin_fault(found["pin"])),
        ):
            if why:
                raise BadValue(name, f"the {_LABELS[name]} {_READABLE.get(why, why)}")
        apn = found["apn"] or AUTO
        if apn == AUTO and (found["user"] or found["password"]):
            raise BadValue("apn", "user and password need an APN; enter it, too")
        now = self.wanted
        return replace(
            now,
            apn=apn,
            user=found["user"],
            password=found["password"],
            pin=found["pin"] or now.pin,
        )

    def keep(self, wanted: Wanted) -> None:
        """Have a person's values count from now on. Raises SystemFault."""
        note = {name: getattr(wanted, name) for name in _FIELDS}
        note["beside"] = self._beside()
        self._store.save(self._store.load() | {_KEY: note})

    def _beside(self) -> str:
        values = [getattr(self._settings, name) for name in _FIELDS]
        return str(blake2s(repr(values).encode()).hexdigest())


_LABELS = {"apn": "APN", "user": "user", "password": "password", "pin": "PIN"}
_READABLE = {apn_fault(" "): "may have letters, digits, dots and hyphens"}

"""What qmicli prints, read into values. Pure; each function raises `Garbled` and nothing else.

Facts: qmicli-dms.c, -uim.c, -nas.c, -wds.c and -wda.c of libqmi 1.32. Lines are `key: 'value'`,
more indented below a heading. Modems leave out what they do not know, so all may be missing but
what a function is named after.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_address

from conman_core import ConnectError, Family, Reason
from conman_core.lane import one_line
from conman_core.model import IPAddress, IPInterface

_LINE = re.compile(r"([ \t]*)(?:\[[^\]\n]{0,200}\] )?([^:\n]{1,80}?)[ \t]*:(?:[ \t]+(.*))?")
_MOST_LINES = 2000
_LONGEST = 60  #: characters of an operator's name
_MTU = range(68, 65536)
_DIGITS = re.compile(r"[0-9]{1,9}")


class Garbled(ConnectError):
    """qmicli printed something else than it was asked for."""

    def __init__(self, what: str) -> None:
        super().__init__(Reason.BROKEN, f"the modem's answer about {what} is not understood")


@dataclass(frozen=True, slots=True)
class Mode:
    """Whether the modem's radio is on; `locked` is a switch on the device that keeps it off."""

    name: str  #: online, low-power, offline, ...
    locked: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """The SIM card: `state` is ready, pin, puk, absent, broken or waiting."""

    state: str
    left: int | None = None  #: tries of the PIN
    slot: int = 1


@dataclass(frozen=True, slots=True)
class Serving:
    """The network that serves the modem. `state` is as qmicli has it, such as `registered`."""

    state: str
    attached: bool | None = None  #: to its packet service
    roaming: bool = False
    operator: str = ""
    plmn: str = ""  #: MCC-MNC
    technology: str = ""

    @property
    def registered(self) -> bool:
        return self.state == "registered" and self.attached is not False


@dataclass(frozen=True, slots=True)
class Settings:
    """What a session has of one address family."""

    address: IPInterface
    gateway: IPAddress | None
    dns: tuple[IPAddress, ...]
    mtu: int | None


def mode(text: str) -> Mode:
    """Read --dms-get-operating-mode."""
    name = _first(text, "Mode")
    if not name:
        raise Garbled("its operating mode")
    return Mode(name, _first(text, "HW restricted") == "yes")


def imei(text: str) -> str:
    """Read --dms-get-ids; empty if the modem has none."""
    return next((value for key, value in _pairs(text) if key == "IMEI"), "")


def iccid(text: str) -> str:
    """Read --dms-uim-get-iccid."""
    found = _first(text, "ICCID")
    if not re.fullmatch("[0-9A-Fa-f]{10,22}", found):
        raise Garbled("the number of its SIM card")
    return found


_CARD_STATES = {
    "ready": "ready",
    "pin1-or-upin-pin-required": "pin",
    "puk1-or-upin-puk-required": "puk",
    "pin1-blocked": "puk",
    "illegal": "broken",
}


def card(text: str) -> Card:
    """Read --uim-get-card-status: the first slot that has a card, and the application in use."""
    state, left, upin, slot = "", None, None, 0
    replaced = used = False
    for key, value in _pairs(text):
        if key == "Card state":
            if used:
                break
            slot += 1
            state = "absent" if value == "absent" else "broken" if value[:5] == "error" else ""
        elif key == "UPIN retries":
            upin = _number(value)
        elif key == "Application type":
            if used:
                break
            used = value.startswith(("usim", "sim"))
        elif used and key == "Application state":
            state = _CARD_STATES.get(value, "waiting")
        elif used and key == "UPIN replaces PIN1":
            replaced = value == "yes"
        elif used and key == "PIN1 retries":
            left = _number(value)
    if not state and "Card state" not in text:
        raise Garbled("its SIM card")
    return Card(state or "waiting", upin if replaced else left, slot or 1)


_PIN_STATES = {
    "enabled-not-verified": "pin",
    "blocked": "puk",
    "permanently-blocked": "broken",
    "not-initialized": "waiting",
}


def pin_status(text: str) -> Card:
    """Read --dms-uim-get-pin-status, of modems that have no UIM service."""
    status = _first(text, "Status")  # that of PIN1, which comes first
    if not status:
        raise Garbled("the PIN of its SIM card")
    return Card(_PIN_STATES.get(status, "ready"), _number(_first(text, "Verify")))


def serving(text: str) -> Serving:
    """Read --nas-get-serving-system."""
    state = _first(text, "Registration state")
    if not state:
        raise Garbled("its registration")
    attached = {"attached": True, "detached": False}.get(_first(text, "PS"))
    return Serving(
        state,
        attached,
        roaming=_first(text, "Roaming status") not in {"", "off"},
        operator=one_line(_first(text, "Description"))[:_LONGEST],
        plmn=plmn(text),
        technology=_radio(text),
    )


def plmn(text: str) -> str:
    """Return the network that a text names first, as MCC-MNC; empty if it names none."""
    country, network = _number(_first(text, "MCC")), _number(_first(text, "MNC"))
    return "" if country is None or network is None else f"{country:03}-{network:02}"


def refusals(text: str) -> list[str]:
    """Read --nas-get-system-info: why networks refused the modem, in qmicli's words."""
    found = [value for key, value in _pairs(text) if key == "Registration reject"]
    causes = [one_line(value.rpartition("(")[2].rstrip(")'").replace("-", " ")) for value in found]
    causes = [f"cause {cause}" if cause.isdecimal() else cause for cause in causes]
    if not causes and any(pair == ("Forbidden", "yes") for pair in _pairs(text)):
        causes = ["network not allowed"]
    return list(dict.fromkeys(causes))


SIGNALS = {"signal": "RSSI", "RSRP": "RSRP", "RSRQ": "RSRQ", "SNR": "SNR", "Ec/Io": "ECIO"}


def signal(text: str) -> dict[str, str]:
    """Read --nas-get-signal-info: for people, of the first radio that it names."""
    names = {key: name for name, key in SIGNALS.items()}
    return {
        names[key]: value
        for key, value in reversed(list(_pairs(text)))
        if key in names and re.fullmatch(r"-?[0-9.]{1,6} dBm?", value)
    }


def raw_ip(text: str) -> bool:
    """Read --wda-get-data-format: whether packets come bare, not in Ethernet frames."""
    protocol = _first(text, "Link layer protocol")
    if protocol not in {"raw-ip", "802-3"}:
        raise Garbled("its data format")
    return protocol == "raw-ip"


def settings(text: str, family: Family) -> Settings:
    """Read --wds-get-current-settings."""
    name = f"IPv{family:d}"
    try:
        if family is Family.IPV4:
            mask = _first(text, "IPv4 subnet mask") or "32"
            address: IPInterface = IPv4Interface(f"{_first(text, 'IPv4 address')}/{mask}")
        else:
            address = IPv6Interface(_first(text, "IPv6 address"))
        gateway = _first(text, f"{name} gateway address").partition("/")[0]
        servers = [_first(text, f"{name} {which} DNS") for which in ("primary", "secondary")]
        router = ip_address(gateway) if gateway else None
        dns = tuple(ip_address(server) for server in servers if server)
    except ValueError:
        raise Garbled(f"the {name} address of the session") from None
    if address.ip.is_unspecified:
        raise Garbled(f"the {name} address of the session")
    mtu = _number(_first(text, "MTU"))
    return Settings(
        address,
        None if router is None or router.is_unspecified else router,
        tuple(server for server in dns if not server.is_unspecified),
        mtu if mtu in _MTU else None,
    )


def _radio(text: str) -> str:
    lines = text.partition("Radio interfaces:")[2].splitlines()[1:2]
    found = next(iter(lines), "").partition("]: ")[2].strip().strip("'")
    return "" if found in {"none", "unknown"} or len(found) > 20 else found


def _first(text: str, key: str) -> str:
    return next((value for name, value in _pairs(text) if name == key), "")


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield keys and values, without quotes; a heading has an empty one."""
    for line in text.split("\n", _MOST_LINES)[:_MOST_LINES]:
        if found := _LINE.fullmatch(line.rstrip("\r ")):
            yield found[2], (found[3] or "").strip().strip("'")


def _number(text: str) -> int | None:
    return int(text) if _DIGITS.fullmatch(text) else None

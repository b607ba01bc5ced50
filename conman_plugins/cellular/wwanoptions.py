"""The settings of section `[conman:wwan]`, and what may be wrong with them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from conman_core import Kind, Option

AUTO, NONE = "auto", "none"  #: words in place of an APN
LONGEST = 127  #: bytes of user and password (3GPP TS 27.007, +CGAUTH)
_APN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_PIN = re.compile(r"[0-9]{4,8}", re.ASCII)

OPTIONS: tuple[Option, ...] = (
    Option(
        "apn",
        Kind.TEXT,
        AUTO,
        "The operator's access point, which came with the SIM card. "
        "auto finds it in a list of operators, none leaves it to the network.",
    ),
    Option("user", Kind.TEXT, "", "User name that goes with the APN, if the operator wants one."),
    Option("password", Kind.SECRET, "", "Password that goes with it."),
    Option(
        "auth",
        Kind.CHOICE,
        "auto",
        "How user and password are sent: auto lets the modem choose between pap and chap.",
        ("auto", "pap", "chap", "none"),
    ),
    Option(
        "pin",
        Kind.SECRET,
        "",
        "PIN of the SIM card. Each one is tried once, and never with fewer than 3 tries left.",
    ),
    Option(
        "ip-type",
        Kind.CHOICE,
        "4",
        "Addresses to ask for: IPv4, IPv6, or both.",
        ("4", "6", "4v6"),
    ),
    Option("roaming", Kind.SWITCH, "no", "Whether foreign networks are used, which may be dear."),
)


def faults(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what cannot be used, with the key that it is about."""
    apn, user, password = (settings[name] or "" for name in ("apn", "user", "password"))
    if why := apn_fault(apn):
        yield "apn", f"apn = {apn} is not allowed; {why}"
    for name, value in (("user", user), ("password", password)):
        if why := text_fault(value):
            yield name, f"{name} {why}"
    if (user or password) and apn in {"", AUTO}:
        yield (
            "user" if user else "password",
            "user and password have no effect without an apn; write that too",
        )
    if why := pin_fault(settings["pin"] or ""):
        yield "pin", f"pin {why}"


def apn_fault(apn: str) -> str:
    """Return what is wrong with an APN, empty if nothing is."""
    if not apn or _APN.fullmatch(apn):
        return ""
    return "allowed: letters, digits, dots and hyphens, or auto, or none"


def text_fault(value: str) -> str:
    """Return what is wrong with a user name or a password, empty if nothing is."""
    if len(value.encode(errors="surrogateescape")) > LONGEST:
        return f"has more than {LONGEST} bytes; check that it is the operator's"
    if not value.isprintable():
        return "has characters that cannot be typed; write it anew"
    return ""


def pin_fault(pin: str) -> str:
    """Return what is wrong with a PIN, empty if nothing is."""
    return "" if not pin or _PIN.fullmatch(pin) else "must have 4 to 8 digits"

"""The settings of section `[conman:accesspoint]`."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, ip_address
from typing import Any

from conman_core import Kind, Option
from conman_core.errors import ConfigError
from conman_plugins.accesspoint.led import Led

NAME = "accesspoint"
SECTION = f"conman:{NAME}"
AUTO, OPEN = "auto", "open"  #: what may stand in place of a key
ATTENTION = 120.0  #: seconds that somebody who was seen counts as being there
LEAST_TIMEOUT, LEAST_LOOK = 10.0, 5.0  #: seconds; a phone needs that to join, a radio to look
_PREFIX = 24
_PASSPHRASE = re.compile(r"[ -~]{8,63}")  # IEEE 802.11-2020, J.4.1
_PLACES = ("{hostname}", "{serial}", "{mac}")

OPTIONS = (
    Option(
        "ssid",
        Kind.TEXT,
        "ContinuumBridge",
        "The name that phones list; {hostname}, {serial} and {mac} stand for this device's own.",
    ),
    Option(
        "passphrase",
        Kind.SECRET,
        "auto",
        "The key of the access point, 8 to 63 characters; auto makes one for this device "
        "(shown by `sudo conman provision`), open has none.",
    ),
    Option("address", Kind.TEXT, "10.0.0.1", "The page's address; its network has a prefix of 24."),
    Option(
        "portal-address",
        Kind.TEXT,
        "192.0.2.1",
        "What every name is answered with: some phones distrust private addresses there; "
        "none uses the page's own address.",
    ),
    Option("interface", Kind.TEXT, "", "The radio to use; without it any that is free."),
    Option(
        "country",
        Kind.TEXT,
        "",
        "Where the device is, as two letters such as GB; without it the kernel's country holds.",
    ),
    Option(
        "together",
        Kind.CHOICE,
        "auto",
        "Whether a radio is access point and client at once: auto if it says it can; "
        "no for one that does not keep that promise.",
        ("auto", "no"),
    ),
    Option(
        "timeout", Kind.DURATION, "5m", "How long it stays without anybody there; 10s at least."
    ),
    Option(
        "look-every",
        Kind.DURATION,
        "3m",
        "How often it goes for a moment to look for known networks, while nobody is there, "
        "on a radio that cannot do both; 5s at least.",
    ),
    Option(
        "led",
        Kind.TEXT,
        "",
        "A lamp such as /sys/class/leds/ACT: it blinks while somebody is waited for, and is on "
        "while the device is online.",
    ),
    Option(
        "boot-note",
        Kind.SWITCH,
        "yes",
        "Write name and key into a file on the boot partition, for who holds the SD card.",
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings, checked; times in seconds."""

    ssid: str
    passphrase: str  #: as it was written: auto, open, or the key itself
    address: IPv4Interface
    portal: IPv4Address | None
    interface: str
    country: str
    together: bool
    timeout: float
    look_every: float
    led: str
    boot_note: bool
    attention: float = ATTENTION

    def lamp(self, log: logging.Logger) -> Led:
        """Return the lamp."""
        return Led(self.led, log)


class WrongSetting(ConfigError):
    """What a setting has cannot be used; `sentence` says so, without its section."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(f"[{SECTION}] {sentence}")
        self.key = key
        self.sentence = sentence


def faults(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield key and sentence of each parsed option that cannot be used."""
    for key, check in _CHECKS.items():
        try:
            check(values[key])
        except WrongSetting as error:
            yield error.key, error.sentence


def read(values: Mapping[str, Any]) -> Settings:
    """Check the parsed options. Raises ConfigError with a sentence."""
    address, portal = _address(values["address"]), _portal(values["portal-address"])
    if portal is not None and portal in address.network:
        portal = None  # the page's own network serves both
    return Settings(
        ssid=_ssid(values["ssid"]),
        passphrase=_passphrase(values["passphrase"]),
        address=address,
        portal=portal,
        interface=_interface(values["interface"]),
        country=_country(values["country"]),
        together=values["together"] != "no",
        timeout=_timeout(values["timeout"]),
        look_every=_look_every(values["look-every"]),
        led=values["led"] or "",
        boot_note=bool(values["boot-note"]),
    )


def _ssid(text: str | None) -> str:
    text = text or ""
    for place in re.findall(r"\{[^{}]*\}", text):
        if place not in _PLACES:
            raise _wrong("ssid", text, f"a name, with {', '.join(_PLACES)} where these are wanted")
    if not text:
        raise _wrong("ssid", text, "a name of at most 32 bytes")
    return text


def _passphrase(text: str | None) -> str:
    if text in {AUTO, OPEN} or _PASSPHRASE.fullmatch(text or ""):
        return text or ""
    allowed = "auto, open, or 8 to 63 characters as on an English keyboard"
    raise WrongSetting("passphrase", f"passphrase is not allowed; allowed: {allowed}")


def _address(text: str | None) -> IPv4Interface:
    try:
        found = IPv4Interface(f"{text}/{_PREFIX}")
    except ValueError:
        raise _wrong("address", text, "an IPv4 address such as 10.0.0.1") from None
    if found.ip in (found.network.network_address, found.network.broadcast_address):
        raise _wrong("address", text, "an address of a host, such as 10.0.0.1")
    if not _may_be_hosts(found.ip):
        raise _wrong("address", text, "an address of a host, such as 10.0.0.1")
    return found


def _may_be_hosts(ip: IPv4Address) -> bool:
    special = ip.is_loopback or ip.is_multicast or ip.is_reserved
    return not special and ip.packed[0] != 0  # "this network", RFC 1122, 3.2.1.3


def _portal(text: str | None) -> IPv4Address | None:
    if text in (None, "", "none"):
        return None
    try:
        found = ip_address(str(text))
    except ValueError:
        found = None
    if not isinstance(found, IPv4Address) or not _may_be_hosts(found):
        raise _wrong("portal-address", text, "an IPv4 address such as 192.0.2.1, or none")
    return found


def _interface(text: str | None) -> str:
    if not re.fullmatch(r"[\w.+-]{0,15}", text or "", re.ASCII):  # IFNAMSIZ, linux/if.h
        raise _wrong("interface", text, "the name of one radio such as wlan0")
    return text or ""


def _country(text: str | None) -> str:
    country = (text or "").upper()
    if not re.fullmatch("([A-Z]{2})?", country):
        raise _wrong("country", country, "two letters such as GB")
    return country


def _timeout(seconds: float | None) -> float:
    return _at_least("timeout", seconds, LEAST_TIMEOUT, "a day is 24h")


def _look_every(seconds: float | None) -> float:
    return _at_least("look-every", seconds, LEAST_LOOK, "so seldom that it is never is 24h")


def _at_least(name: str, seconds: float | None, least: float, hint: str) -> float:
    if seconds is None or seconds < least:
        text = "" if seconds is None else f"{seconds:g}s"
        raise _wrong(name, text, f"a duration of at least {least:g}s; {hint}")
    return seconds


def _wrong(name: str, text: object, allowed: str) -> WrongSetting:
    return WrongSetting(name, f"{name} = {text} is not allowed; allowed: {allowed}")


_CHECKS: Mapping[str, Callable[[Any], object]] = {
    "ssid": _ssid,
    "passphrase": _passphrase,
    "address": _address,
    "portal-address": _portal,
    "interface": _interface,
    "country": _country,
    "timeout": _timeout,
    "look-every": _look_every,
}

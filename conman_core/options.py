"""Settings that describe themselves: name, kind, default, help; one list serves everywhere.

From it come validation, `conman drivers --help-options` and the tables of the READMEs.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_interface
from typing import Any

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?(kb|mb|gb)"
_TIMES = {"kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000}
_WORDS = {"yes": True, "on": True, "true": True, "1": True}
_WORDS |= {"no": False, "off": False, "false": False, "0": False}
_LONGEST = 365 * 86400.0
#: a name as the kernel has it (dev_valid_name), of characters that need no quoting anywhere, or a
#: pattern as fnmatch has it, which may stand for any name
_INTERFACE = re.compile(r"([\w.+*?-]|\[!?[\w.+-]+\])+", re.ASCII)
_PATTERN = frozenset("*?[")
_LONGEST_NAME = 15  # IFNAMSIZ - 1, linux/if.h


class Kind(enum.Enum):
    """What a setting holds; the value is what a person reads in an error."""

    TEXT = "text"
    SECRET = "text that is kept out of logs"  # noqa: S105 - a description, not a secret
    NUMBER = "a whole number"
    SWITCH = "yes or no"
    DURATION = "a time such as 500ms, 10s, 12m, 2h"
    LIST = "names separated by commas"
    INTERFACES = "interfaces separated by commas: names such as eth0, patterns such as en*"
    CHOICE = "one of the words listed"
    ADDRESS = "an IP address such as 192.168.1.1"
    ADDRESSES = "IP addresses separated by commas"
    INTERFACE_ADDRESS = "an address with its prefix such as 192.168.1.20/24"
    BYTES = "an amount of data such as 800kB, 500MB, 1.5GB"


@dataclass(frozen=True, slots=True)
class Option:
    """One setting. `default` is text, as a user would write it; empty means not set (None)."""

    name: str
    kind: Kind
    default: str
    help: str
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What may be written, for an error message."""
        return ", ".join(self.choices) if self.choices else self.kind.value

    def parse(self, text: str) -> Any:
        """Turn the text of a settings file into a value.

        Durations become seconds (float), lists become tuples, an empty text becomes None, or an
        empty tuple for lists. Raises ValueError with no further explanation: `allowed` explains.
        """
        text = text.strip()
        if self.kind in LISTS:
            items = [item.strip() for item in text.split(",")]
            return tuple(_PARSERS[self.kind](item) for item in items if item)
        if not text:
            return None
        if self.choices and text not in self.choices:
            raise ValueError(text)
        return _PARSERS[self.kind](text)


#: Looks at all values of a section; tells what is wrong with them as pairs of key and sentence.
Check = Callable[[Mapping[str, Any]], Iterable[tuple[str, str]]]


@dataclass(frozen=True, slots=True)
class Declared:
    """What a driver or plugin says of its section: the options, and a check of their values."""

    options: tuple[Option, ...] = ()
    check: Check | None = None


def parse_duration(text: str) -> float:
    """Return the seconds in `10s`, `1m 30s`, `500ms` (at most a year); a bare 0 needs no unit."""
    text = text.strip().lower()
    if text == "0":
        return 0.0
    parts = _DURATION.findall(text)
    if not parts or _DURATION.sub("", text).strip():
        raise ValueError(text)
    seconds: float = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if seconds > _LONGEST:
        raise ValueError(text)
    return seconds


def parse_bytes(text: str) -> int:
    """Return the bytes in `500MB`, `1.5 GB`; 1 kB are 1000, as on bills. Raises ValueError."""
    match = re.fullmatch(_BYTES, text.strip().lower(), re.ASCII)
    if not match:
        raise ValueError(text)
    return round(float(match[1]) * _TIMES[match[2]])


def _parse_switch(text: str) -> bool:
    try:
        return _WORDS[text.lower()]
    except KeyError:
        raise ValueError(text) from None


def _parse_number(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ValueError(text)
    return int(text)


def is_pattern(interface: str) -> bool:
    """Tell whether what is written for an interface may stand for several."""
    return not _PATTERN.isdisjoint(interface)


def _parse_interface(text: str) -> str:
    if not _INTERFACE.fullmatch(text) or (len(text) > _LONGEST_NAME and not is_pattern(text)):
        raise ValueError(text)
    return text


def _parse_interface_address(text: str) -> Any:
    if "/" not in text:  # ipaddress would take it as /32, never what a person means
        raise ValueError(text)
    return ip_interface(text)


_PARSERS: Mapping[Kind, Callable[[str], Any]] = {
    Kind.TEXT: str,
    Kind.SECRET: str,
    Kind.NUMBER: _parse_number,
    Kind.SWITCH: _parse_switch,
    Kind.DURATION: parse_duration,
    Kind.LIST: str,
    Kind.INTERFACES: _parse_interface,
    Kind.CHOICE: str,
    Kind.ADDRESS: ip_address,
    Kind.ADDRESSES: ip_address,
    Kind.INTERFACE_ADDRESS: _parse_interface_address,
    Kind.BYTES: parse_bytes,
}
LISTS = frozenset({Kind.LIST, Kind.INTERFACES, Kind.ADDRESSES})  #: may take several lines


def defaults(options: tuple[Option, ...]) -> dict[str, Any]:
    """Return the values that a section has when the user wrote nothing."""
    return {option.name: option.parse(option.default) for option in options}

"""/etc/sakis3g.conf, read without running it: the script evaluates it, and conman never does.

A value that could make the script run something is a fault with its line, not a value.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from conman_core import ConnectError, Reason

FILE = Path("/etc/sakis3g.conf")

_LARGEST = 1 << 16
_LINE = re.compile(r"""([A-Za-z_][A-Za-z0-9_]*)=(?:"([^"]*)"|'([^']*)'|([^\s"']*))\s*(?:\#.*)?""")
_SWITCH = re.compile(r"--[A-Za-z0-9-]+")
#: what a shell would act upon inside a value
_UNSAFE = re.compile(r"[$`\"'\\;&|<>(){}*?~!\x00-\x1f\x7f]")
#: what may be in a dial string
_SPOKEN = {"DIAL": re.compile(r"[0-9*#+]{1,32}"), "SIM_PIN": re.compile("[0-9]{4,8}")}
_SPOKEN |= {"USBMODEM": re.compile("[0-9a-fA-F]{4}:[0-9a-fA-F]{4}"), "BAUD": re.compile("[0-9]+")}
_SPOKEN |= {"CUSTOM_TTY": re.compile("/dev/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*")}
_SPOKEN |= {"APN": re.compile(r"[A-Za-z0-9._-]{1,100}|CUSTOM_APN")}
_SPOKEN |= {"CUSTOM_APN": re.compile(r"[A-Za-z0-9._-]{1,100}")}
#: commands that root would run; the user may want them, conman must know of them
_COMMANDS = frozenset({"CONNECTION_HOOK", "HOOK"})
#: what conman gives the script itself: the file's would count more
_CONMANS = frozenset({"PPPD_OPTIONS", "PPPD_PEERS", "PPPINT", "MODEM", "OTHER"})
#: values of these that are conman's, too
_HARMLESS = {"MODEM": frozenset({"OTHER"}), "OTHER": frozenset({"CUSTOM_TTY"})}


@dataclass(frozen=True, slots=True)
class SakisConf:
    """The settings of the file; `faults` are sentences, each with its line.

    `overriding` are those of lines that only the script heeds, and heeds more than conman.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    overriding: tuple[str, ...] = ()

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    def must_be_sound(self, path: Path = FILE, *, for_script: bool = True) -> None:
        """Raise ConnectError if this file may not be used, or not by the script itself."""
        if faults := self.faults + (self.overriding if for_script else ()):
            raise ConnectError(Reason.MISCONFIGURED, f"{path}: {'; '.join(faults)}")


def read(path: Path = FILE) -> SakisConf:
    """Return what the file says; nothing if there is none. Raises ConnectError."""
    try:
        with path.open("rb") as file:
            about = os.fstat(file.fileno())
            text = file.read(_LARGEST).decode(errors="replace")
    except FileNotFoundError:
        return SakisConf()
    except OSError as error:
        sentence = f"{path} cannot be read: {error.strerror}"
        raise ConnectError(Reason.MISCONFIGURED, sentence) from error
    parsed = parse(text)
    if about.st_uid or about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        fault = f"others than root may change it; chown root {path} && chmod 600 {path}"
        return replace(parsed, faults=(*parsed.faults, fault))
    return parsed


def parse(text: str) -> SakisConf:
    """Return what a file says. Never raises."""
    values: dict[str, str] = {}
    faults, overriding = [], []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#") or _SWITCH.fullmatch(line):
            continue
        found = _LINE.fullmatch(line)
        if not found:
            faults.append(f'line {number} is not NAME="value"')
            continue
        name, value = found[1], next((part for part in found.groups()[1:] if part is not None), "")
        if why := _why_not(name, value):
            faults.append(f"line {number}: {name} {why}")
        elif name.upper() in _CONMANS and value not in _HARMLESS.get(name, ()):
            why = "counts more than what conman tells the script; delete the line"
            overriding.append(f"line {number}: {name} {why}")
        else:
            values[name] = value
    return SakisConf(values, tuple(faults), tuple(overriding))


def _why_not(name: str, value: str) -> str:
    """Return why a value cannot be used, empty if it can; the value itself may be a secret."""
    if name.upper() in _COMMANDS:  # it takes some names in small letters, too
        return "would run a command as root; delete the line"
    if _UNSAFE.search(value) and name != "DIAL":
        return "has characters that a shell acts upon; write it without them"
    if value and name in _SPOKEN and not _SPOKEN[name].fullmatch(value):
        return "has a value that a modem does not take"
    return ""

"""Why wpa_supplicant would refuse a network block. Pure.

As wpa_config_read_network and wpa_config_validate_network of 2.10 (config_file.c).
"""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass

from conman_plugins.wifi.wpablock import Block, Entry
from conman_plugins.wifi.wpafields import NAMES, check
from conman_plugins.wifi.wpavalue import number, shown, words

DEFAULT_KEY_MGMT = frozenset({b"WPA-PSK", b"WPA-EAP"})  #: of wpa_supplicant


@dataclass(frozen=True, slots=True)
class Problem:
    """What a person should know about a line of the file. Never has a key."""

    line: int
    sentence: str
    note: bool = False  #: nothing is wrong: wpa_supplicant takes it, but there is nothing to join


def refusal(block: Block) -> Problem | None:
    """Return the first reason to refuse the block; None if there is none."""
    if block.strays:
        return Problem(block.strays[0][0], _stray(block.strays[0][1]))
    seen: dict[str, bytes] = {}
    for entry in block.entries:
        sentence = _entry_fault(entry, seen)
        if sentence:
            return Problem(entry.line, sentence)
    if block.closing < 0:
        return Problem(
            block.line, "the block that starts here is never closed: a line with } is missing"
        )
    return _clash(block)


def _entry_fault(entry: Entry, seen: dict[str, bytes]) -> str:
    name = shown(entry.name)
    if name not in NAMES:
        return _unknown(name)
    fault = "a quote is not closed" if _open_quote(entry.value) else ""
    fault = fault or check(name, entry.value, before=seen.get(name))
    seen[name] = entry.value
    if fault and entry.value[:1] in {b" ", b"\t"}:
        fault = "there must be no space after ="
    return f"{name}: {fault}" if fault else ""


def _open_quote(value: bytes) -> bool:
    return value.startswith(b'"') and b'"' not in value[1:]


@functools.lru_cache(maxsize=256)
def _unknown(name: str) -> str:
    if name.strip() in NAMES:
        return f"{name.strip()}: there must be no space before ="
    near = difflib.get_close_matches(name[:40].lower(), sorted(NAMES), 1, 0.7)
    hint = f"; did you mean {near[0]}?" if near else ""
    return f"wpa_supplicant knows no variable of this name{hint}"


def _stray(line: bytes) -> str:
    if line.startswith(b"}") or line.endswith(b"}"):
        return "the } that closes a block must stand on a line of its own"
    return "this line is not of the form variable=value"


def _clash(block: Block) -> Problem | None:
    """Return what is wrong with the variables together: `wpa_config_validate_network`."""
    values: dict[str, int] = {}
    akm: frozenset[bytes] = DEFAULT_KEY_MGMT
    for entry in block.entries:
        name = entry.name.decode()
        if name in {"mode", "ocv", "ieee80211w"}:
            values[name] = number(entry.value) or 0
            if name == "ocv" and values["ocv"] and values.get("ieee80211w") == 0:
                values["ieee80211w"] = 1
        elif name == "key_mgmt":
            akm = frozenset(words(entry.value))
    if values.get("mode") == 5 and akm not in ({b"NONE"}, {b"SAE"}):
        return Problem(block.line, "a mesh (mode=5) needs key_mgmt=NONE or key_mgmt=SAE")
    if values.get("ocv") and values.get("ieee80211w") == 0:
        return Problem(block.line, "ocv=1 does not go with ieee80211w=0")
    return None

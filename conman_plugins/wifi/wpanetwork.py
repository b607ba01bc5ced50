"""What a network block means: a network to join, or a sentence why it is none. Pure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace

from conman_plugins.wifi.network import LONGEST_SSID, Network, Pairs, is_passphrase
from conman_plugins.wifi.psk import psk
from conman_plugins.wifi.wpablock import Block, Entry
from conman_plugins.wifi.wpafault import DEFAULT_KEY_MGMT, Problem, refusal
from conman_plugins.wifi.wpavalue import number, shown, text, words

Values = dict[str, bytes]

_PSK = frozenset({b"WPA-PSK", b"WPA-PSK-SHA256"})
_SAE = frozenset({b"SAE"})
_BY_KEY = _PSK | _SAE | {b"FT-PSK", b"FT-SAE"}
_EAP = frozenset({b"WPA-EAP", b"WPA-EAP-SHA256"})
_LOGIN = frozenset({"eap", "identity", "client_cert", "private_key", "pcsc"})
_MODES = {1: "a network without an access point", 2: "an access point", 5: "a mesh"}
_TAKEN = frozenset(
    {"ssid", "psk", "sae_password", "key_mgmt", "scan_ssid", "priority", "disabled", "mode"}
)


def interpret(block: Block) -> Network | Problem:
    """Return the network of a block, or why there is none."""
    fault = refusal(block)
    if fault:
        return replace(fault, sentence=f"{_whose(block)} is skipped: {fault.sentence}")
    values = {entry.name.decode(): entry.value for entry in block.entries}
    ssid = text(values.get("ssid", b"NULL")) or b""
    akm = frozenset(words(values["key_mgmt"])) if "key_mgmt" in values else DEFAULT_KEY_MGMT
    key, password = _keys(values, ssid)
    why_not = _why_not(values, ssid) or _why_no_key(values, akm, key, password)
    if why_not:
        return Problem(block.line, f"{_whose(block)} is skipped: {why_not}", note=True)
    make = functools.partial(
        Network,
        ssid,
        hidden=bool(_number(values, "scan_ssid")),
        priority=_number(values, "priority"),
        disabled=bool(_number(values, "disabled")),
        line=block.line,
    )
    if _is_special(values, akm):
        return make(raw=_pairs(block.entries))
    extras = _pairs(entry for entry in block.entries if entry.name.decode() not in _TAKEN)
    if akm & _BY_KEY:
        return _with_key(make, akm, key, password, extras)
    if b"NONE" in akm:
        return make(extras=extras)
    return make(security="owe", extras=_without_pmf(extras))


def _whose(block: Block) -> str:
    """Return which network a block is about."""
    for entry in block.entries:
        ssid = text(entry.value) if entry.name == b"ssid" else None
        if ssid and len(ssid) <= LONGEST_SSID:
            return f"the network {Network(ssid).name}"
    return "a network"


def _why_not(values: Values, ssid: bytes) -> str:
    """Return why nothing can be joined by this block; empty if something can."""
    mode = _number(values, "mode")
    if mode:
        what = _MODES.get(mode, "a direct connection (P2P)")
        return f"mode={mode} describes {what}, not one to join"
    if _number(values, "disabled") == 2:
        return "disabled=2 describes a direct connection (P2P), not one to join"
    return "" if ssid else "it has no ssid, and only networks with a name are joined"


def _why_no_key(
    values: Values, akm: frozenset[bytes], key: str | bytes | None, password: str | None
) -> str:
    """Return why wpa_supplicant would never try this block: `wpas_network_disabled`."""
    if akm & _BY_KEY and key is None and not (akm & {b"SAE", b"FT-SAE"} and password):
        if _LOGIN & set(values):
            return "it has a login, but key_mgmt does not say so: write key_mgmt=WPA-EAP"
        return "it has no psk: write one, or key_mgmt=NONE if the network is open"
    if not akm & _PSK and akm & _SAE and not (password or isinstance(key, str)):
        return "WPA3 (key_mgmt=SAE) needs the password itself: write sae_password"
    return ""


def _is_special(values: Values, akm: frozenset[bytes]) -> bool:
    """Tell whether it is beyond a network that is open or has one key for all."""
    if any(text(values.get(f"wep_key{n}", b"")) for n in range(4)):
        return True
    if akm & _EAP and _LOGIN & set(values):
        return True
    return not (akm <= {b"NONE", b"OWE"} or (akm <= _PSK | _SAE | _EAP and akm & _BY_KEY))


def _with_key(
    make: Callable[..., Network],
    akm: frozenset[bytes],
    key: str | bytes | None,
    password: str | None,
    extras: Pairs,
) -> Network:
    if akm & _PSK and key is not None:
        other = password if password and password != key else None
        return make(key=key, password=other, extras=extras)
    return make(key=password or key, security="sae", extras=_without_pmf(extras))


def _keys(values: Values, ssid: bytes) -> tuple[str | bytes | None, str | None]:
    """Return the WPA key and the WPA3 password; the key as text if the password makes it."""
    key: str | bytes | None = None
    written = values.get("psk")
    if written is not None:
        quoted = written.startswith(b'"')
        key = shown(written[1:].rpartition(b'"')[0]) if quoted else bytes.fromhex(written.decode())
    found = text(values.get("sae_password", b"NULL"))
    if found is None:
        return key, None
    secret = found.split(b"\0", 1)[0]  # it is a C string
    password = shown(secret)
    if isinstance(key, bytes) and is_passphrase(password) and psk(secret, ssid) == key:
        key = password
    return key, password


def _without_pmf(extras: Pairs) -> Pairs:
    """Leave out what such a network cannot do without."""
    return tuple(pair for pair in extras if pair[0] != "ieee80211w")


def _number(values: Values, name: str) -> int:
    return number(values.get(name, b"0")) or 0


def _pairs(entries: Iterable[Entry]) -> Pairs:
    return tuple((entry.name.decode(), shown(entry.value)) for entry in entries)

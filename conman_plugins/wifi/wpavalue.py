"""The values in a wpa_supplicant.conf: text in quotes, in hex, numbers. Pure.

Read from wpa_supplicant 2.10: wpa_config_parse_string, printf_decode, hwaddr_aton and hexstr2bin
in src/utils/common.c; strtol(3) for numbers.
"""

from __future__ import annotations

import re

_NUMBER = re.compile(rb"[ \t\n\v\f\r]*([+-]?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]*)|([1-9][0-9]*))")
_HEX = re.compile(rb"(?:[0-9a-fA-F]{2})*")
_MAC = re.compile(rb"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}")
_ESCAPE = re.compile(
    rb"\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|([\\\"nrte])|x?)",  # anything else: no backslash
)
_PLAIN = {b"\\": b"\\", b'"': b'"', b"n": b"\n", b"r": b"\r", b"t": b"\t", b"e": b"\x1b"}
_LONG = 1 << 63


def text(value: bytes) -> bytes | None:
    r"""Return what a text value stands for: `"text"`, `P"text\n"` or `74657874`; None if neither.

    Quotes inside need no backslash: the last one ends it, and nothing may follow.
    """
    if value.startswith((b'"', b'P"')):
        inside = value[value.index(b'"') + 1 :]
        if not inside.endswith(b'"'):
            return None
        return _ESCAPE.sub(_unescaped, inside[:-1]) if value[:1] == b"P" else inside[:-1]
    return bytes.fromhex(value.decode()) if _HEX.fullmatch(value) else None


def _unescaped(found: re.Match[bytes]) -> bytes:
    by_hex, by_octal, plain = found.groups()
    if by_hex:
        return bytes([int(by_hex, 16)])
    if by_octal:
        return bytes([int(by_octal, 8) & 0xFF])
    return _PLAIN[plain] if plain else b""


def number(value: bytes) -> int | None:
    """Return the number as a C program on a 64-bit machine gets it; nothing at all is 0."""
    if not value:
        return 0
    found = _NUMBER.fullmatch(value)
    if not found:
        return None
    sign, by_hex, by_octal, decimal = found.groups()
    if len(value) > 40:  # beyond any type, and int() refuses some thousand digits
        whole = _LONG
    else:
        whole = int(by_hex, 16) if by_hex else int(by_octal, 8) if by_octal else int(decimal)
    whole = max(-whole, -_LONG) if sign == b"-" else min(whole, _LONG - 1)
    return (whole + (1 << 31)) % (1 << 32) - (1 << 31)


def is_hex(value: bytes, count: int) -> bool:
    """Tell whether it is `count` bytes in hex, and nothing else."""
    return len(value) == 2 * count and bool(_HEX.fullmatch(value))


def starts_with_mac(value: bytes) -> bool:
    """Tell whether it starts with a MAC address; wpa_supplicant ignores what follows."""
    return bool(_MAC.match(value))


def words(value: bytes) -> list[bytes]:
    """Return the words of a list."""
    return [word for word in re.split(rb"[ \t]+", value) if word]


def shown(value: bytes) -> str:
    """Return a value as text that `as_written` turns back, whatever the bytes."""
    return value.decode("utf-8", "surrogateescape")


def as_written(value: str) -> bytes:
    """Return the bytes of a value that `shown` made text of."""
    return value.encode("utf-8", "surrogateescape")

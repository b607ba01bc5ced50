"""The key that WPA makes of a passphrase, without OpenSSL: that would cost the daemon 4.4 MiB."""

from __future__ import annotations

import functools

try:
    from _sha1 import sha1  # type: ignore[import-not-found] # what hashlib itself uses where there is no OpenSSL
except ImportError:  # a Python built without it
    from hashlib import sha1

_BLOCK = 64  #: bytes that SHA-1 takes at once (FIPS 180-4)
_ROUNDS = 4096
_INNER = bytes(byte ^ 0x36 for byte in range(256))  #: RFC 2104
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


@functools.lru_cache(maxsize=64)  # it takes half a second on the slowest boards
def psk(passphrase: bytes, ssid: bytes) -> bytes:
    """Return 32 bytes: PBKDF2 with HMAC-SHA-1 (IEEE 802.11-2020, J.4.1; RFC 8018, 5.2).

    `passphrase` has at most 64 bytes.
    """
    key = passphrase.ljust(_BLOCK, b"\0")
    inner = sha1(key.translate(_INNER))  # noqa: S324 - WPA chose it
    outer = sha1(key.translate(_OUTER))  # noqa: S324

    def mac(data: bytes) -> bytes:
        first, second = inner.copy(), outer.copy()
        first.update(data)
        second.update(first.digest())
        return bytes(second.digest())

    found = b""
    for number in (1, 2):
        value = mac(ssid + number.to_bytes(4, "big"))
        total = int.from_bytes(value, "big")
        for _ in range(_ROUNDS - 1):
            value = mac(value)
            total ^= int.from_bytes(value, "big")
        found += total.to_bytes(20, "big")
    return found[:32]

"""What keeps strangers out and the page alive: tokens, origins, limits. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

TOKEN_LIFE = 3600.0
RATE, BURST = 20.0, 40.0  #: requests a second of one client, and at once
_MOST_CLIENTS = 256  #: remembered; there are 254 addresses
_DIGEST = 16


class Tokens:
    """Tokens that only this page can have given, to this client, for this form.

    They are signed, not stored, and not in a cookie: the small browsers that phones open for such
    pages lose cookies. So a page works that was loaded before this process began, too.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, client: str, form: str, now: float) -> str:
        """Return a token that holds for an hour."""
        issued = f"{int(now):x}"
        return f"{issued}.{self._sign(issued, client, form)}"

    def good(self, token: str, client: str, form: str, now: float) -> bool:
        """Tell whether a token was made for this client and form, not too long ago."""
        issued, _, signature = token.partition(".")
        if not hmac.compare_digest(
            signature.encode(errors="replace"), self._sign(issued, client, form).encode()
        ):
            return False
        return 0 <= now - int(issued, 16) <= TOKEN_LIFE

    def _sign(self, issued: str, client: str, form: str) -> str:
        text = "\n".join((issued, client, form)).encode(errors="replace")
        return hashlib.blake2s(text, key=self._key, digest_size=_DIGEST).hexdigest()


def same_site(headers: Mapping[str, str], hosts: Collection[str]) -> bool:
    """Tell whether a request that changes something comes from our own page.

    Browsers say so in Origin (RFC 6454) and Sec-Fetch-Site; what is absent is not held against
    old ones, as the token decides.
    """
    if headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
        return False
    origin = headers.get("Origin")
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
        return parts.scheme == "http" and (parts.hostname or "") in hosts
    except ValueError:
        return False


class Rate:
    """Requests of each client, as a bucket that fills while they are quiet."""

    def __init__(self) -> None:
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def allow(self, client: str, now: float) -> bool:
        """Count a request; False: too many."""
        level, since = self._buckets.pop(client, (BURST, now))
        level = min(BURST, level + (now - since) * RATE)
        self._buckets[client] = max(level - 1, 0.0), now
        if len(self._buckets) > _MOST_CLIENTS:
            self._buckets.popitem(last=False)
        return level >= 1

"""Who is at the access point, by what the radio knows. Pure: the caller passes the time.

The page tells when a person does something, but its process may be in evil hands: its word counts
only while the radio hears a phone, and not for ever.
"""

from __future__ import annotations

from collections.abc import Iterable

from conman_plugins.accesspoint.hostapd import Client

ACTIVE = 15.0  #: seconds since its last frame within which a phone may have asked for the page
LONGEST = 3600.0  #: seconds that the page's word counts after the last phone that was new


class Presence:
    """The phones of one session."""

    def __init__(self) -> None:
        self._new_at = float("-inf")
        self._known: set[str] = set()  #: that were there before
        self._joined: set[str] = set()  #: and have not left

    def begin(self) -> None:
        """Take that the access point is opened: all who were there have to join again."""
        self._joined.clear()

    def came(self, mac: str, now: float) -> bool:
        """Take a phone that joined; tell whether it is a new one."""
        self._joined.add(mac)
        if mac in self._known:
            return False  # a forgotten one that joins again and again is nobody
        self._known.add(mac)
        self._new_at = now
        return True

    def went(self, mac: str) -> None:
        """Take a phone that left."""
        self._joined.discard(mac)

    def likely(self, clients: Iterable[Client] | None, now: float) -> bool:
        """Tell whether it may be true that a person is at the page.

        `clients` None: the radio lists none, so it has to be one that joined and has not left. Of
        one whose last frame is not known that it is joined is enough.
        """
        if now - self._new_at > LONGEST:
            return False
        if clients is None:
            return bool(self._joined)
        return any(client.idle is None or client.idle <= ACTIVE for client in clients)

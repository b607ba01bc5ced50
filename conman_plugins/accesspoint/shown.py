"""What people see of a session, and when somebody was there."""

from __future__ import annotations

from collections.abc import Sequence

from conman_core import Form, PluginContext
from conman_core.plugin import OnAir
from conman_plugins.accesspoint.hostapd import Client
from conman_plugins.accesspoint.options import Settings
from conman_plugins.accesspoint.page.state import Attempt, State
from conman_plugins.accesspoint.presence import Presence


class Shown:
    """Makes the page's state, and tells the core what is on the air."""

    def __init__(self, context: PluginContext, settings: Settings) -> None:
        self._context = context
        self._settings = settings
        self._lamp = settings.lamp(context.log)
        self._name = ""
        self._interface = ""
        self._clients = 0
        self._presence = Presence()
        self._seen = float("-inf")

    @property
    def attended(self) -> bool:
        """Somebody was there a moment ago, and is not interrupted without need."""
        return self._context.now() - self._seen < self._settings.attention

    def begin(self, ssid: bytes, interface: str) -> None:
        """Take under which name, and where, the access point is opened."""
        self._name, self._interface = ssid.decode(errors="replace"), interface
        self._presence.begin()

    def state(
        self, forms: tuple[Form, ...], attempt: Attempt | None, *, looking: bool, leaves: bool
    ) -> State:
        """Return what the page shows."""
        portal = self._settings.portal
        return State(
            device=self._name,
            address=str(self._settings.address.ip),
            portal=str(portal) if portal else "",
            forms=forms,
            leaves=leaves,
            attempt=attempt,
            looking=looking,
        )

    def tell(self, *, attended: bool = False) -> None:
        """Tell the core what a person finds; `attended`: somebody was just there."""
        if attended:
            self._seen = self._context.now()
        self._lamp.waiting()
        what = OnAir(
            self._name,
            self._interface,
            str(self._settings.address.ip),
            self._clients,
            self._settings.timeout,
        )
        self._context.on_air(what, attended=attended)

    def count(self, clients: Sequence[Client] | None) -> None:
        """Take which phones are there."""
        number = 0 if clients is None else len(clients)
        if number != self._clients:
            self._clients = number
            self.tell()

    def came(self, mac: str) -> None:
        """Take a phone that joined: somebody, if it is a new one."""
        if self._presence.came(mac, self._context.now()):
            self.tell(attended=True)

    def went(self, mac: str) -> None:
        """Take a phone that left."""
        self._presence.went(mac)

    def likely(self, clients: Sequence[Client] | None) -> bool:
        """Tell whether the page's word that a person is there can be true."""
        return self._presence.likely(clients, self._context.now())

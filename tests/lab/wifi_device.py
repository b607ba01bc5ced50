"""conman with WiFi on the lab's device: its settings, its list of networks, what its links say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab.wifi_world import WifiWorld, wifi_world
from tests.netns.device import Daemon

NETWORKS = "/run/networks.conf"  #: on the device
SETTINGS = f"""\
[conman]
priority = ethernet, wifi

[conman:ethernet]
interfaces = eth0

[conman:wifi]
country = GB
networks = {NETWORKS}
"""
KEY = "correct horse"
LONG = 60.0  #: seconds; emulation is slow


def block(ssid: bytes, key: str | None = KEY, **more: object) -> str:
    """A block of the list as somebody would write it."""
    secret = "key_mgmt=NONE" if key is None else f'psk="{key}"'
    others = "".join(f"\t{name}={value}\n" for name, value in more.items())
    return f"network={{\n\tssid={ssid.hex()}\n\t{secret}\n{others}}}\n"


class WifiDevice:
    """A world, and conman on its device."""

    def __init__(self, world: WifiWorld) -> None:
        self.world = world
        self.device = world.device
        self.list = world.device.folder / NETWORKS.lstrip("/")
        self.daemon: Daemon

    def knows(self, *blocks: str) -> None:
        """Write the list of known networks."""
        self.list.write_text("".join(blocks))

    def run(self, settings: str = SETTINGS) -> Daemon:
        """Start conman."""
        self.daemon = self.device.run_conman(settings)
        return self.daemon

    def wifi(self, status: dict[str, Any], interface: str = "wlan0") -> dict[str, Any]:
        """The record of a radio's link, empty if there is none yet."""
        name = f"wifi:{interface}"
        return next((link for link in status["links"] if link["name"] == name), {})

    def online(self, limit: float = LONG) -> dict[str, Any]:
        """Wait until the radio carries the traffic and that is verified."""
        return self.daemon.wait(
            lambda s: s["uplink"] == "wifi:wlan0" and s["state"] == "online", limit
        )

    def failed(self, reason: str, limit: float = LONG) -> str:
        """Wait until the radio's link has failed for a reason; return the sentence."""
        status = self.daemon.wait(lambda s: self.wifi(s).get("reason") == reason, limit)
        return str(self.wifi(status)["sentence"])

    def network(self) -> str:
        """The network that wpa_supplicant is in now, empty if none."""
        said = self.device.run("sh", "-c", "iw dev wlan0 link")
        return next((line.split(": ", 1)[1] for line in said.splitlines() if "SSID:" in line), "")

    def conman(self, *words: str, stdin: str | None = None) -> str:
        """Run a command of conman's on the device; its output, errors too."""
        Path(self.device.folder / "run/stdin").write_text(stdin or "")
        return str(self.device.run("sh", "-c", 'exec "$@" </run/stdin 2>&1', "sh", *words))


@contextmanager
def wifi_device(**world: Any) -> Iterator[WifiDevice]:
    """Give a device with WiFi that is removed whatever happens."""
    with wifi_world(**world) as made:
        yield WifiDevice(made)

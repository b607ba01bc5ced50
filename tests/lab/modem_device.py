"""conman with a modem on the lab's device: its settings, and what its link says."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.lab.modems.modem import Modem
from tests.lab.modems.world import ModemWorld, modem_world
from tests.lab.test_modems import wait_for
from tests.netns.device import Daemon

LONG = 60.0  #: seconds; emulation is slow


def settings(driver: str = "wwan", priority: str = "", **values: str) -> str:
    """A settings file for one driver; `ip_type` stands for ip-type."""
    lines = [f"{name.replace('_', '-')} = {value}" for name, value in values.items()]
    head = f"[conman]\npriority = {priority or driver}\nmetered-after = 0\n"
    return f"{head}\n[conman:{driver}]\n" + "".join(f"{line}\n" for line in lines)


class ModemDevice:
    """A world, and conman on its device."""

    def __init__(self, world: ModemWorld) -> None:
        self.world = world
        self.device = world.device
        self.daemon: Daemon

    @property
    def modem(self) -> Modem:
        return self.world.modem

    def run(self, text: str) -> Daemon:
        """Start conman."""
        self.daemon = self.device.run_conman(text)
        return self.daemon

    def link(self, status: dict[str, Any], name: str) -> dict[str, Any]:
        """The record of a link, empty if there is none yet."""
        return next((link for link in status["links"] if link["name"] == name), {})

    def online(self, name: str = "wwan:cdc-wdm0", limit: float = LONG) -> dict[str, Any]:
        """Wait until a link carries the traffic and that is verified; return its record."""
        status = self.daemon.wait(lambda s: s["uplink"] == name and s["state"] == "online", limit)
        return self.link(status, name)

    def failed(self, reason: str, name: str = "wwan:cdc-wdm0", limit: float = LONG) -> str:
        """Wait until a link has failed for a reason; return the sentence."""
        status = self.daemon.wait(lambda s: self.link(s, name).get("reason") == reason, limit)
        return str(self.link(status, name)["sentence"])

    def details(self, *wanted: str, name: str = "wwan:cdc-wdm0") -> dict[str, str]:
        """What `conman status` tells of a link, once it has all that is wanted."""
        found: dict[str, str] = {}

        def there() -> bool:
            said = json.loads(self.device.conman("status", "--json").stdout)
            found.update(self.link(said, name)["details"])
            return all(word in found for word in wanted)

        wait_for(there, f"{wanted} in the status", LONG)
        return found

    def wait_log(self, words: str, limit: float = LONG, times: int = 1) -> None:
        """Wait until conman has logged something so often."""
        wait_for(lambda: self.daemon.log().count(words) >= times, words, limit)

    def end_proxy(self) -> None:
        """Have qmi-proxy crash."""
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (folder / "comm").read_text() == "qmi-proxy\n":
                    os.kill(int(folder.name), signal.SIGKILL)


@contextmanager
def modem_device(model: str | None = "ec25", **world: Any) -> Iterator[ModemDevice]:
    """Give a device with a modem that is removed whatever happens."""
    with modem_world(model, **world) as made:
        yield ModemDevice(made)

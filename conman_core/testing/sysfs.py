"""A folder that looks like /sys/class/net, filled by a test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from conman_core.inventory import Inventory


class FakeSysfs:
    """Interfaces in a folder; `inventory` reads them as it would read the machine's own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.inventory = Inventory(root, lambda: os.listdir(root))  # noqa: PTH208 - names
        self._last_index = 1

    def add(
        self,
        name: str,
        *,
        driver: str | None = "smsc95xx",
        carrier: bool | None = True,
        arp_type: int = 1,
        devtype: str | None = None,
        master: str | None = None,
        folders: Sequence[str] = (),
        files: Mapping[str, str] | None = None,
    ) -> Path:
        """Make an interface and return its folder.

        `driver` is the kernel driver of its device, None for a virtual interface; a `carrier` of
        None means that the interface is down; `arp_type` is ARPHRD_* of linux/if_arp.h.
        """
        self._last_index += 1
        folder = self.root / name
        folder.mkdir()
        uevent = [f"DEVTYPE={devtype}"] if devtype else []
        uevent += [f"INTERFACE={name}", f"IFINDEX={self._last_index}"]
        content = {
            "ifindex": f"{self._last_index}",
            "type": f"{arp_type}",
            "address": f"02:00:00:00:00:{self._last_index:02x}",
            "operstate": "up" if carrier else "down",
            "uevent": "\n".join(uevent),
            **(files or {}),
        }
        for file, text in content.items():
            (folder / file).write_text(f"{text}\n", errors="surrogateescape")
        self.set_carrier(name, carrier)
        if driver:
            (folder / "device").mkdir()
            (folder / "device" / "driver").symlink_to(f"../../../../bus/drivers/{driver}")
        if master:
            (folder / "master").symlink_to(f"../{master}")
        for extra in folders:
            (folder / extra).mkdir()
        return folder

    def set_carrier(self, name: str, carrier: bool | None) -> None:
        """Plug the cable in or out, or (None) set the interface down."""
        path = self.root / name / "carrier"
        if carrier is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(f"{carrier:d}\n")

    def remove(self, name: str) -> None:
        """Take the device away."""
        shutil.rmtree(self.root / name)

"""A note with name and key on the boot partition, for whoever holds the device's SD card."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from conman_core.errors import SystemFault
from conman_core.paths import Paths
from conman_core.store import remove_torn, write_atomic
from conman_plugins.accesspoint.credentials import expand_ssid, passphrase
from conman_plugins.accesspoint.options import Settings

NAME = "conman-accesspoint.txt"
MOUNTS = Path("/proc/self/mountinfo")
FOLDERS = (Path("/boot/firmware"), Path("/boot"))
_TEXT = """\
When this device has no way to the internet it opens a WiFi network of its own.

Network: {ssid}
Key:     {key}

Join it with a phone or a computer. If no page opens by itself, type http://{address}/
into the browser. There you can enter what the device needs to get online.

conman wrote this file. boot-note = no in [conman:accesspoint] of its settings removes it.
"""


def keep_note(settings: Settings, log: logging.Logger, paths: Paths | None = None) -> None:
    """Write the note, or remove it if it is not wanted. What goes wrong is only logged."""
    folder = next(_boot_partitions(), None)
    if folder is None:
        return
    path = folder / NAME
    remove_torn(path)
    try:
        if not settings.boot_note:
            path.unlink(missing_ok=True)
            return
        key = passphrase(settings, paths or Paths.from_environment())
        text = _TEXT.format(
            ssid=expand_ssid(settings.ssid, settings.interface).decode(errors="replace"),
            key=key or "none, it is open",
            address=settings.address.ip,
        ).encode()
        if not path.exists() or path.read_bytes() != text:  # each write wears the card
            write_atomic(path, text)
    except (SystemFault, OSError) as error:
        done = "written" if settings.boot_note else "removed"
        log.warning("the note for who holds the card is not %s: %s", done, error)


def _boot_partitions() -> Iterator[Path]:
    """Find the boot partition: a FAT file system, which another computer can read (proc(5))."""
    try:
        lines = os.fsdecode(MOUNTS.read_bytes()).splitlines()
    except OSError:
        return
    mounted = set()
    for line in lines:
        fields, _, more = line.partition(" - ")
        if more.startswith(("vfat ", "msdos ")) and len(fields.split()) > 4:
            mounted.add(fields.split()[4])
    for folder in FOLDERS:
        if str(folder) in mounted:
            yield folder

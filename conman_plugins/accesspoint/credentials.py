"""The access point's name and key: as the settings have them, or made once for this device."""

from __future__ import annotations

import logging
import random
import re
import socket
from collections.abc import Callable
from pathlib import Path

from conman_core.errors import SystemFault
from conman_core.paths import Paths
from conman_core.store import remove_torn, write_atomic, write_fault
from conman_plugins.accesspoint.options import AUTO, OPEN, Settings
from conman_plugins.accesspoint.wanted import Wanted

log = logging.getLogger(__name__)

LONGEST_SSID = 32  #: bytes, IEEE 802.11-2020, 9.4.2.2
#: no letters and digits that look alike; of 31 there are 79 bits in 16
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _LENGTH = 4, 4
_MADE = re.compile(rf"(?:[{_ALPHABET}]{{{_LENGTH}}}-){{{_GROUPS - 1}}}[{_ALPHABET}]{{{_LENGTH}}}")
_SYSFS = Path("/sys/class/net")
_SERIALS = (
    Path("/proc/device-tree/serial-number"),
    Path("/sys/class/dmi/id/product_serial"),
    Path("/etc/machine-id"),
)


def key_file(paths: Paths) -> Path:
    """Return where the key that was made for this device is kept."""
    return paths.state / "accesspoint.key"


def passphrase(settings: Settings, paths: Paths) -> str | None:
    """Return the key of the access point, None if it is open; make it if there is none yet.

    Raises SystemFault if it can neither be read nor be kept.
    """
    if settings.passphrase == OPEN:
        return None
    if settings.passphrase != AUTO:
        return settings.passphrase
    path = key_file(paths)
    try:
        kept = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        kept = ""
    except OSError as error:
        denied = isinstance(error, PermissionError)
        remedy = "as root it can" if denied else "once it is removed a new one is made"
        raise SystemFault(
            f"the access point's key in {path} cannot be read: {error.strerror}; {remedy}"
        ) from error
    if _MADE.fullmatch(kept):
        return kept
    if kept:
        log.warning("%s is damaged: the access point has a new key", path)
    return _make(path)


def _make(path: Path) -> str:
    chance = random.SystemRandom()  # as `secrets` has it, which would load OpenSSL for hashes
    groups = ("".join(chance.choice(_ALPHABET) for _ in range(_LENGTH)) for _ in range(_GROUPS))
    made = "-".join(groups)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise write_fault(path, error) from error
    remove_torn(path)
    write_atomic(path, made.encode() + b"\n")
    return made


def expand_ssid(template: str, interface: str = "") -> bytes:
    """Return the name with its placeholders filled in, cut to what a name may have."""
    name = template
    for place, value in (
        ("{hostname}", socket.gethostname),
        ("{serial}", _serial),
        ("{mac}", lambda: _mac(interface)),
    ):
        if place in name:
            name = name.replace(place, value())
    encoded = name.encode("utf-8", "replace")[:LONGEST_SSID]
    return encoded.decode("utf-8", "ignore").encode() or b"conman"


def _serial() -> str:
    for path in _SERIALS:
        try:
            text = path.read_text(encoding="ascii", errors="ignore")
        except OSError:
            continue
        if found := re.sub(r"[^A-Za-z0-9]", "", text):
            return found[-8:]
    return "conman"


def _mac(interface: str) -> str:
    """Return the last six digits of a radio's address; without one, of the first that there is."""
    radios = [interface] if interface else sorted(p.parent.name for p in _SYSFS.glob("*/phy80211"))
    for name in radios:
        try:
            return (_SYSFS / name / "address").read_text().strip().replace(":", "")[-6:]
        except OSError:
            continue
    return "000000"


def wanted_of(settings: Settings) -> Callable[[str], Wanted]:
    """Return what the settings want of each radio. Raises SystemFault if the key cannot be had."""
    key = passphrase(settings, Paths.from_environment())

    def wanted(interface: str) -> Wanted:
        return Wanted(
            expand_ssid(settings.ssid, interface),
            key,
            settings.country,
            settings.address,
            settings.portal,
        )

    return wanted

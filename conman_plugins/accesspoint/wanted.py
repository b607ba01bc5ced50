"""What the settings ask of the access point."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings ask for. `passphrase` None: open; `portal` None: as `address`."""

    ssid: bytes
    passphrase: str | None
    country: str
    address: IPv4Interface
    portal: IPv4Address | None

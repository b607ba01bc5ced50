"""What there is to say about the network that a radio is in."""

from __future__ import annotations

from collections.abc import Mapping

from conman_plugins.wifi.station import Station


async def details(station: Station) -> Mapping[str, str]:
    """Return network, signal and the like; empty if it is in none. Raises ConnectError."""
    network = station.network
    if not network or not station.supplicant.running:
        return {}
    status = _pairs(await station.supplicant.request("STATUS"))
    signal = _pairs(await station.supplicant.request("SIGNAL_POLL"))
    found = {
        "network": network.name,
        "signal": f"{signal['RSSI']} dBm" if "RSSI" in signal else "",
        "speed": f"{signal['LINKSPEED']} Mbit/s" if "LINKSPEED" in signal else "",
        "frequency": f"{status['freq']} MHz" if "freq" in status else "",
        "security": status.get("key_mgmt", ""),
        "access point": status.get("bssid", ""),
    }
    return {name: value for name, value in found.items() if value}


def _pairs(text: str) -> dict[str, str]:
    """Read `name=value` lines."""
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)

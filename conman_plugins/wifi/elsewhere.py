"""Another network than the one that the radio is in, when that does not reach the internet."""

from __future__ import annotations

from conman_plugins.wifi.station import Station


async def elsewhere(station: Station) -> bool:
    """Tell whether another known network is in sight; the next connect prefers it then.

    Also one that failed before: it may work by now. Raises ConnectError.
    """
    async with station.turn:
        network = station.network
        if network is None:
            return False
        found = await station.sight.look(everywhere=True)
        if all(each.network.ssid == network.ssid or each.misfit for each in found):
            return False
        station.sight.failed.clear()
        station.sight.failed.add(network.ssid)
        return True

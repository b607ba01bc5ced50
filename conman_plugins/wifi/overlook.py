"""A fresh look at all networks around, because a person wants to choose one."""

from __future__ import annotations

from conman_core import ConnectError
from conman_plugins.wifi.station import Station


async def look_around(station: Station) -> None:
    """Look at all channels with one radio; what it sees is in its `sight` then.

    A radio that is switched off, or that another program works, sees nothing.
    """

    async def look() -> None:
        async with station.turn:
            await station.start()
            await station.sight.look(everywhere=True)

    try:
        await station.give_way(look())
    except ConnectError:  # whoever needs it for more than looking is told why
        return

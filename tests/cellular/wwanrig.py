"""A wwan driver with a modem in the same process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from conman_core import ConnectError, Connection, Link, Reason, Unavailable
from conman_core.testing import run
from conman_plugins.cellular.wwan import WwanDriver
from tests.cellular.fakemodem import FakeModem, ModemContext
from tests.lab.modems.qmux import WDS

DATABASE = """
<serviceproviders format="2.0"><country code="gr"><provider><name>Lab</name><gsm>
 <network-id mcc="202" mnc="01"/>
 <apn value="mms.lab"><usage type="mms"/></apn>
 <apn value="first.lab"><usage type="internet"/></apn>
 <apn value="second.lab"><usage type="internet"/><username>u</username><password>p</password></apn>
</gsm></provider></country></serviceproviders>
"""


class Rig:
    """A driver, its modem, and its context."""

    def __init__(self, folder: Path, settings: dict[str, str], **modem: Any) -> None:
        self.modem = FakeModem(folder, **modem)
        self.context = ModemContext(WwanDriver, self.modem, settings)
        self.restart()

    def restart(self) -> None:
        """Have a new driver, as after the start of conman."""
        self.driver = WwanDriver(self.context, self.modem.machine)

    async def crash(self) -> None:
        """End conman without a word to the modem, and start it again."""
        await self.driver.close()
        self.restart()

    @property
    def link(self) -> Link:
        links = self.driver.probe()
        assert not isinstance(links, Unavailable), links
        return links[0]

    def on(self, work: Awaitable[Any]) -> Any:
        """Do something with the driver, and end what it runs."""

        async def both() -> Any:
            try:
                return await work
            finally:
                await self.driver.close()
                await self.modem.close()

        return run(both())

    async def connect(self) -> Connection:
        return await self.driver.connect(self.link)

    async def fails(self, reason: Reason) -> str:
        """The sentence of a try that fails, and leaves no session behind."""
        with pytest.raises(ConnectError) as caught:
            await self.connect()
        assert caught.value.reason is reason, caught.value
        assert not self.modem.modem.calls
        assert not self.modem.qmi.of(WDS)
        return caught.value.sentence

    async def event(self) -> Any:
        """What the driver tells next."""
        return await asyncio.wait_for(self.driver._watch._events.get(), 5)

    def change(self, **settings: Any) -> None:
        self.modem.modem.change(**settings)

"""What a person enters is tried with a modem that is online already."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from conman_core import ConnectError, Lost, Reason, Retry
from tests.cellular.wwanrig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, {"apn": "internet"}, apns=["internet", "entered"])


def test_the_core_hears_of_a_session_that_gives_way_and_when_to_come_again(rig: Rig) -> None:
    async def check() -> None:
        await rig.connect()
        await rig.driver.apply({"apn": "entered"})
        assert isinstance(await rig.event(), Lost)
        assert isinstance(await rig.event(), Retry)
        assert not rig.modem.modem.calls

    rig.on(check())


def test_so_it_does_if_what_was_entered_does_not_work(rig: Rig) -> None:
    async def check() -> None:
        await rig.connect()
        with pytest.raises(ConnectError, match="refuses APN wrong"):
            await rig.driver.apply({"apn": "wrong"})
        assert isinstance(await rig.event(), Lost)
        assert isinstance(await rig.event(), Retry)

    rig.on(check())


def test_what_the_core_does_about_it_does_not_disturb_the_trial(rig: Rig) -> None:
    async def check() -> None:
        await rig.connect()
        trial = asyncio.ensure_future(rig.driver.apply({"apn": "entered"}))
        assert isinstance(await rig.event(), Lost)
        async with asyncio.timeout(1):
            await rig.driver.disconnect(rig.link)
            with pytest.raises(ConnectError, match="other settings are tried") as caught:
                await rig.connect()
        assert caught.value.reason is Reason.LOST
        assert not trial.done()
        await trial

    rig.on(check())

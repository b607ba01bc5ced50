"""Each way in which hostapd fails, or ends, is told with the reason; nothing stays behind."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from conman_core import ConnectError, Reason
from conman_core.errors import ToolMissing
from conman_core.testing import FakeRunning
from conman_plugins.accesspoint import hostapd
from tests.accesspoint.kit import Core, a_core, turns
from tests.accesspoint.onair import Air, failure, story, text


@pytest.fixture
def core() -> Iterator[Core]:
    with a_core() as made:
        yield made


@pytest.mark.parametrize("event", ["AP-DISABLED ", "INTERFACE-DISABLED "])
def test_a_radio_that_is_switched_off_is_told(core: Core, event: str) -> None:
    async def tale(air: Air) -> None:
        await air.one.start(text())
        await air.tell(event)

    (said,) = story(core, tale).heard
    assert said == f"the access point on ap0 was switched off ({event.strip()})"


def test_one_that_dies_is_told_with_the_line_that_explains_it(core: Core) -> None:
    async def tale(air: Air) -> None:
        await air.one.start(text())
        core.started[0].say("ap0: nl80211: Failed to set beacon parameters")
        core.started[0].say("ap0: AP-DISABLED")
        core.started[0].end(1)
        await turns(10)

    assert story(core, tale).heard == [
        "hostapd on ap0 ended: ap0: nl80211: Failed to set beacon parameters"
    ]


def ends(program: FakeRunning) -> None:
    program.say("Using interface ap0 with hwaddr 02:00 and ssid Box")
    program.say("nl80211: Could not configure driver mode")
    program.say("Failed to initialize driver 'nl80211'")
    program.say("ap0: interface state UNINITIALIZED->DISABLED")
    program.end(1)


def test_one_that_ends_at_once_is_told_with_what_it_said(core: Core) -> None:
    error = failure(core, ends)
    assert error.reason is Reason.BROKEN
    assert error.sentence == "hostapd ended at once: nl80211: Could not configure driver mode"


def test_one_that_says_nothing_is_told_too(core: Core) -> None:
    assert failure(core, lambda program: program.end(1)).sentence == "hostapd ended at once"


def test_one_that_never_has_a_socket_is_ended(core: Core) -> None:
    error = failure(core, lambda program: None)
    assert error.sentence == f"hostapd did not get on the air within {hostapd.START_LIMIT:g} s"


def test_one_that_never_gets_on_the_air_is_ended(core: Core) -> None:
    async def tale(air: Air) -> None:
        with pytest.raises(ConnectError, match="did not get on the air within 10 s"):
            await air.one.start(text())
        assert core.running == []

    story(core, tale, status=b"state=HT_SCAN\n")


def test_one_that_is_not_installed_says_so(core: Core) -> None:
    async def tale(air: Air) -> None:
        del core.programs["hostapd"]
        with pytest.raises(ToolMissing, match="hostapd is not installed"):
            await air.one.start(text())

    story(core, tale)


@pytest.mark.parametrize("when", [*range(20), 40])
def test_cancelled_at_any_moment_it_does_not_run(core: Core, when: int) -> None:
    async def tale(air: Air) -> None:
        starting = asyncio.create_task(air.one.start(text()))
        await turns(when)
        starting.cancel()
        await asyncio.wait({starting})
        if not starting.cancelled():
            starting.result()
            await air.one.stop()
        assert core.running == []
        assert [path.name for path in core.runtime.iterdir() if path.is_socket()] == []

    story(core, tale)

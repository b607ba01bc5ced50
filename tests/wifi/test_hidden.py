"""A network that is entered is saved as hidden only if it is: else its name is sent out."""

from __future__ import annotations

import pytest

from conman_core import ConnectError, Reason
from tests.wifi.air import AccessPoint
from tests.wifi.test_driver import KNOWN, Make, Room, room

__all__ = ["room"]

KEY = "right-key"


def asks(room: Room) -> list[bool]:
    """Of each look, whether names were asked for."""
    looks = [command for command in room.air.commands if command.startswith("SCAN ")]
    return [" ssid " in command for command in looks]


@pytest.mark.parametrize("ticked", ["yes", "no", ""])
@pytest.mark.parametrize("is_hidden", [True, False])
def test_what_the_radio_finds_counts_and_not_what_is_ticked(
    room: Make, ticked: str, is_hidden: bool
) -> None:
    async def test(room: Room) -> None:
        await room.driver.apply({"ssid": "New", "key": KEY, "hidden": ticked})
        assert ("scan_ssid=1" in room.list.read_text()) is is_hidden
        assert 'ssid="New"' in room.list.read_text()
        assert asks(room)[0] is False, "nobody hears of a name that is in sight"
        assert asks(room)[-1] is is_hidden

    room(AccessPoint(b"New", KEY, hidden=is_hidden)).go(test)


@pytest.mark.parametrize(
    ("ticked", "looks"), [("no", [False, False, True]), ("yes", [False, True, True])]
)
def test_one_that_is_nowhere_is_looked_for_three_times(
    room: Make, ticked: str, looks: list[bool]
) -> None:
    async def test(room: Room) -> None:
        with pytest.raises(ConnectError) as caught:
            await room.driver.apply({"ssid": "Absent", "key": KEY, "hidden": ticked})
        assert caught.value.reason is Reason.NOT_FOUND
        assert asks(room)[:3] == looks
        assert room.list.read_text() == KNOWN

    room(AccessPoint(b"New", KEY)).go(test)

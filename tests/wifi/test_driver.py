"""The WiFi driver against a wpa_supplicant of memory: what it joins, says, keeps and gives back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from conman_core import ConnectError, Connection, Link, Lost, Reason, Unavailable
from conman_core.model import DriverEvent, Retry
from conman_core.net.rfkill import Switches
from conman_core.testing import SILENCE, FakeContext, run
from conman_plugins.wifi import lookout, membership
from conman_plugins.wifi.driver import WifiDriver
from conman_plugins.wifi.machine import Machine
from tests.wifi.air import AccessPoint, Air

WLAN0 = Link("wifi", "wlan0", "wlan0")
HOME = AccessPoint(b"Home", "right-key")
KNOWN = 'country=GB\nnetwork={\n\tssid="Home"\n\tpsk="right-key"\n}\n'


class FakeRadio(Switches):
    """The switches of a radio."""

    def __init__(self) -> None:
        super().__init__("wlan0")
        self.block: Literal["soft", "hard"] | None = None
        self.land = ""

    def blocked(self) -> Literal["soft", "hard"] | None:
        return self.block

    def unblock(self) -> None:
        self.block = None

    def country(self) -> str:
        return self.land


@dataclass
class Room:
    """A device with a radio, in an air that the test fills."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)
    air: Air = field(default_factory=Air)
    radio: FakeRadio = field(default_factory=FakeRadio)
    radios: list[str] = field(default_factory=lambda: ["wlan0"])
    busy: str | None = None

    def __post_init__(self) -> None:
        self.list = self.folder / "wpa_supplicant.conf"
        self.list.write_text(KNOWN)
        self.context = self.air.supply(
            FakeContext(WifiDriver, {"networks": str(self.list), **self.settings})
        )
        machine = Machine(
            stations=lambda _: list(self.radios),
            radio=lambda _: self.radio,  # type: ignore[arg-type, return-value]
            rival=lambda _: self.busy,
        )
        self.driver = WifiDriver(self.context, machine)
        self.events: list[DriverEvent] = []

    def go(self, test: Callable[[Room], Coroutine[Any, Any, None]]) -> None:
        """Run a test on one loop, with the driver's events collected; end all that it left."""

        async def all_of_it() -> None:
            collecting = asyncio.create_task(self._collect(self.driver.events()))
            try:
                await test(self)
            finally:
                collecting.cancel()
                await self.driver.close()

        run(all_of_it(), limit=20)
        assert not [each.name for each in self.context.started if each.running]
        assert not self.context.leftovers()

    async def _collect(self, events: AsyncIterator[DriverEvent]) -> None:
        async for event in events:
            self.events.append(event)

    async def connect(self) -> Connection:
        return await self.driver.connect(WLAN0)

    async def refused(self) -> ConnectError:
        with pytest.raises(ConnectError) as caught:
            await self.connect()
        return caught.value

    async def told(self, kind: type[DriverEvent]) -> Any:
        """Wait for an event of a kind, and take it off the list."""
        async with asyncio.timeout(10):
            while not (found := [each for each in self.events if isinstance(each, kind)]):
                await asyncio.sleep(0.01)
        self.events.remove(found[0])
        return found[0]


@pytest.fixture
def room(tmp_path: Path) -> Callable[..., Room]:
    def make(*points: AccessPoint, **settings: str) -> Room:
        made = Room(tmp_path, {key.replace("_", "-"): value for key, value in settings.items()})
        made.air.access_points = list(points)
        return made

    return make


Make = Callable[..., Room]


class TestJoining:
    def test_the_known_network_in_sight_is_joined_and_gives_an_address(self, room: Make) -> None:
        async def test(room: Room) -> None:
            connection = await room.connect()
            assert connection.interface == "wlan0"
            assert (await room.driver.details(WLAN0))["network"] == "Home"
            assert room.air.running
            assert "country=GB" in room.air.running.settings

        room(HOME).go(test)

    def test_no_secret_reaches_wpa_supplicants_file_or_argv(self, room: Make) -> None:
        async def test(room: Room) -> None:
            await room.connect()
            (program,) = room.context.started
            assert "right-key" not in " ".join(program.argv)
            assert "right-key" not in " ".join(room.air.commands)
            files = [each for each in room.context.runtime.rglob("*") if each.is_file()]
            assert files
            assert all(b"right-key" not in each.read_bytes() for each in files)

        room(HOME).go(test)

    def test_the_channel_where_it_was_met_is_looked_at_first(self, room: Make) -> None:
        async def test(room: Room) -> None:
            await room.connect()
            await room.driver.disconnect(WLAN0)
            room.air.commands.clear()
            room.driver._stations["wlan0"].sight._looked = float("-inf")
            await room.connect()
            scans = [each for each in room.air.commands if each.startswith("SCAN")]
            assert scans[0] == "SCAN TYPE=ONLY freq=2412"

        room(HOME).go(test)

    def test_a_hidden_network_is_asked_for_by_name(self, room: Make) -> None:
        async def test(room: Room) -> None:
            room.list.write_text(
                'network={\n\tssid="Home"\n\tscan_ssid=1\n\tpsk="right-key"\n}\ncountry=GB\n'
            )
            await room.connect()
            assert f"SCAN TYPE=ONLY ssid {b'Home'.hex()}" in room.air.commands

        room(AccessPoint(b"Home", "right-key", hidden=True)).go(test)

    def test_the_next_network_is_tried_when_one_refuses(self, room: Make) -> None:
        async def test(room: Room) -> None:
            room.list.write_text(
                KNOWN + 'network={\n\tssid="Spare"\n\tpsk="spare-key"\n\tpriority=-1\n}\n'
            )
            await room.connect()
            assert (await room.driver.details(WLAN0))["network"] == "Spare"

        changed = AccessPoint(b"Home", "another-key", signal=-30)
        room(changed, AccessPoint(b"Spare", "spare-key", signal=-80)).go(test)


class TestFailures:
    def test_a_wrong_key_is_tried_twice_and_said(self, room: Make) -> None:
        async def test(room: Room) -> None:
            error = await room.refused()
            assert error.reason is Reason.WRONG_KEY
            assert error.sentence == "wrong key for Home: it refused the key twice"
            assert room.air.count("SELECT_NETWORK") == 2
            assert room.list.read_text() == KNOWN

        room(AccessPoint(b"Home", "another-key")).go(test)

    def test_nothing_known_in_sight(self, room: Make) -> None:
        async def test(room: Room) -> None:
            error = await room.refused()
            assert error.reason is Reason.NOT_FOUND
            assert "Home is not in sight (1 other in sight)" in error.sentence

        room(AccessPoint(b"Neighbour", "their-key")).go(test)

    def test_a_refusal_is_said_in_words(self, room: Make) -> None:
        async def test(room: Room) -> None:
            error = await room.refused()
            assert error.reason is Reason.REJECTED
            assert "Home refused this device" in error.sentence

        room(AccessPoint(b"Home", "right-key", status=17)).go(test)

    def test_silence_is_a_timeout(self, room: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(membership, "JOIN_LIMIT", 0.2)

        async def test(room: Room) -> None:
            assert (await room.refused()).reason is Reason.TIMEOUT

        room(AccessPoint(b"Home", "right-key", silent=True)).go(test)

    def test_joined_without_an_address(self, room: Make) -> None:
        async def test(room: Room) -> None:
            room.context.script_dhcp(SILENCE)
            error = await room.refused()
            assert error.reason is Reason.NO_ADDRESS
            assert error.sentence.startswith("joined Home, but its router gave no address")

        room(HOME, dhcp_timeout="100ms").go(test)

    def test_an_open_twin_is_not_joined(self, room: Make) -> None:
        async def test(room: Room) -> None:
            assert (await room.refused()).reason is Reason.REJECTED
            assert room.air.count("SELECT_NETWORK") == 0

        room(AccessPoint(b"Home", None, "open")).go(test)

    def test_no_country_is_said_before_anything_is_sent(self, room: Make) -> None:
        async def test(room: Room) -> None:
            room.list.write_text(KNOWN.replace("country=GB\n", ""))
            error = await room.refused()
            assert error.reason is Reason.NO_COUNTRY
            assert "country = GB" in error.sentence
            assert room.air.starts == 0

        room(HOME).go(test)

    def test_a_soft_block_is_lifted_a_hard_one_is_said(self, room: Make) -> None:
        async def test(room: Room) -> None:
            room.radio.block = "hard"
            assert (await room.refused()).reason is Reason.RF_KILLED
            room.radio.block = "soft"
            await room.connect()
            assert room.radio.block is None

        room(HOME).go(test)

    def test_a_radio_that_another_program_works_is_left_alone(self, room: Make) -> None:
        async def test(room: Room) -> None:
            room.busy = "another wpa_supplicant (pid 7) has wlan0"
            error = await room.refused()
            assert (error.reason, error.sentence) == (Reason.BUSY, room.busy)
            assert room.air.starts == 0

        room(HOME).go(test)

    def test_no_program_and_no_radio(self, room: Make) -> None:
        async def test(room: Room) -> None:
            room.context.programs.clear()
            assert (await room.refused()).reason is Reason.NO_TOOL
            room.radios.clear()
            found = room.driver.probe()
            assert isinstance(found, Unavailable)
            assert found.reason is Reason.NO_DEVICE

        room(HOME).go(test)

    def test_a_radio_that_refuses_to_scan(self, room: Make) -> None:
        async def test(room: Room) -> None:
            room.air.scans_fail = True
            error = await room.refused()
            assert error.reason is Reason.BROKEN
            assert "refused to scan (error -16)" in error.sentence

        room(HOME).go(test)


class TestLoss:
    def test_a_network_that_stays_away_is_lost_within_seconds(
        self, room: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(membership, "REJOIN_LIMIT", 0.1)

        async def test(room: Room) -> None:
            await room.connect()
            assert room.air.running
            room.air.running.drop()
            lost = await room.told(Lost)
            assert (lost.link, lost.reason) == ("wifi:wlan0", Reason.LOST)
            assert "Home is lost" in lost.sentence

        room(HOME).go(test)

    def test_a_break_that_heals_itself_is_no_loss(
        self, room: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(membership, "REJOIN_LIMIT", 0.3)

        async def test(room: Room) -> None:
            await room.connect()
            assert room.air.running
            room.air.running.drop()
            room.air.running.tell(
                f"CTRL-EVENT-CONNECTED - Connection to {HOME.bssid} completed [id=0 id_str=]"
            )
            await asyncio.sleep(0.5)
            assert not [each for each in room.events if isinstance(each, Lost)]

        room(HOME).go(test)

    def test_a_wpa_supplicant_that_dies_is_started_again_by_the_next_connect(
        self, room: Make
    ) -> None:
        async def test(room: Room) -> None:
            await room.connect()
            room.context.started[0].say("nl80211: something broke")
            room.context.started[0].end(-11)
            lost = await room.told(Lost)
            assert "ended with code -11" in lost.sentence
            assert "something broke" in lost.sentence
            await room.driver.disconnect(WLAN0)
            await room.connect()
            assert room.air.starts == 2

        room(HOME).go(test)

    def test_a_known_network_that_appears_is_told(
        self, room: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lookout, "FIRST_LOOK", 0.0)

        async def test(room: Room) -> None:
            await room.refused()
            room.air.access_points.append(HOME)
            await pass_time()
            assert "Home is in sight (-50 dBm)" in (await room.told(Retry)).sentence
            await room.connect()

        room().go(test)

    def test_one_that_failed_does_not_ask_for_another_try_by_being_there(self, room: Make) -> None:
        async def test(room: Room) -> None:
            await room.refused()
            await pass_time()
            assert room.events == []

        room(AccessPoint(b"Home", "another-key")).go(test)

    def test_a_list_that_was_edited_is_worth_a_try(self, room: Make) -> None:
        async def test(room: Room) -> None:
            await room.refused()
            room.list.write_text(KNOWN.replace("right-key", "another-key"))
            await pass_time()
            assert "has changed" in (await room.told(Retry)).sentence
            await room.connect()

        room(AccessPoint(b"Home", "another-key")).go(test)

    def test_a_radio_that_is_switched_on_again_is_worth_a_try(self, room: Make) -> None:
        async def test(room: Room) -> None:
            room.radio.block = "hard"
            await room.refused()
            room.radio.block = None
            await pass_time()
            assert "was switched on" in (await room.told(Retry)).sentence

        room(HOME).go(test)


class TestTrials:
    def values(self, ssid: str = "New", key: str = "right-key", hidden: str = "no") -> Any:
        return {"ssid": ssid, "key": key, "hidden": hidden}

    def test_a_network_that_works_is_saved_and_connected(self, room: Make) -> None:
        async def test(room: Room) -> None:
            await room.driver.apply(self.values())
            assert 'ssid="New"' in room.list.read_text()
            assert room.list.read_text().startswith(KNOWN)
            await room.told(Retry)
            selected = room.air.count("SELECT_NETWORK")
            await room.connect()
            assert room.air.count("SELECT_NETWORK") == selected
            assert (await room.driver.details(WLAN0))["network"] == "New"

        room(HOME, AccessPoint(b"New", "right-key", signal=-70)).go(test)

    @pytest.mark.parametrize(
        ("ssid", "key", "reason"),
        [
            ("New", "wrong-key", Reason.WRONG_KEY),
            ("Absent", "right-key", Reason.NOT_FOUND),
            ("Home", "wrong-key", Reason.WRONG_KEY),
        ],
    )
    def test_one_that_fails_costs_nothing_that_was_known(
        self, room: Make, ssid: str, key: str, reason: Reason
    ) -> None:
        async def test(room: Room) -> None:
            await room.connect()
            with pytest.raises(ConnectError) as caught:
                await room.driver.apply(self.values(ssid, key))
            assert caught.value.reason is reason
            assert room.list.read_text() == KNOWN
            await room.told(Lost)
            await room.told(Retry)
            await room.driver.disconnect(WLAN0)
            await room.connect()
            assert (await room.driver.details(WLAN0))["network"] == "Home"

        room(HOME, AccessPoint(b"New", "right-key")).go(test)

    def test_the_cores_disconnect_does_not_end_the_trial_that_caused_it(self, room: Make) -> None:
        async def test(room: Room) -> None:
            await room.connect()
            trial = asyncio.create_task(room.driver.apply(self.values()))
            await room.told(Lost)
            await room.driver.disconnect(WLAN0)
            await trial
            await room.connect()
            assert (await room.driver.details(WLAN0))["network"] == "New"

        room(HOME, AccessPoint(b"New", "right-key")).go(test)

    def test_a_trial_does_not_wait_for_a_network_that_does_not_answer(self, room: Make) -> None:
        async def test(room: Room) -> None:
            connecting = asyncio.create_task(room.connect())
            while not room.air.count("SELECT_NETWORK"):
                await asyncio.sleep(0.01)
            await room.driver.apply(self.values())
            with pytest.raises(ConnectError, match="needed to try a network out"):
                await connecting

        silent = AccessPoint(b"Home", "right-key", silent=True)
        room(silent, AccessPoint(b"New", "right-key")).go(test)

    def test_what_cannot_be_a_network_is_said_and_not_tried(self, room: Make) -> None:
        async def test(room: Room) -> None:
            with pytest.raises(ValueError, match="8 to 63"):
                await room.driver.apply(self.values(key="short"))
            assert room.air.starts == 0

        room(HOME).go(test)

    def test_the_form_offers_what_was_seen_the_strongest_first(self, room: Make) -> None:
        async def test(room: Room) -> None:
            await room.refused()
            ssid, key, hidden = await room.driver.form()
            assert [choice.value for choice in ssid.choices] == ["Near", "Far"]
            assert (key.kind, hidden.kind) == ("secret", "switch")

        near, far = AccessPoint(b"Near", "k" * 8, signal=-30), AccessPoint(b"Far", "k" * 8)
        room(far, near).go(test)


class TestRepairs:
    def test_the_first_step_associates_again(self, room: Make) -> None:
        async def test(room: Room) -> None:
            await room.connect()
            assert await room.driver.recover(WLAN0, 0)
            assert room.air.count("REASSOCIATE") == 1

        room(HOME).go(test)

    def test_the_second_starts_wpa_supplicant_anew_and_the_core_hears_of_it(
        self, room: Make
    ) -> None:
        async def test(room: Room) -> None:
            await room.connect()
            assert await room.driver.recover(WLAN0, 1)
            assert "started anew" in (await room.told(Lost)).sentence
            assert room.air.starts == 2

        room(HOME).go(test)

    def test_there_is_no_fourth(self, room: Make) -> None:
        async def test(room: Room) -> None:
            assert not await room.driver.recover(WLAN0, 3)

        room(HOME).go(test)


def test_the_readme_has_every_setting_and_every_reason() -> None:
    page = Path(__file__).parents[2] / "conman_plugins/wifi/README.md"
    text = page.read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    for option, row in zip(WifiDriver.options(), rows, strict=False):
        default = f"`{option.default}`" if option.default else ""
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells == [f"`{option.name}`", default, option.help]
    code = "".join(file.read_text() for file in page.parent.glob("*.py"))
    for reason in Reason:
        if f"Reason.{reason.name}" in code:
            assert f"`{reason.name}`" in text
    for wanted in ("## Removal", "## Known limitations", "Grade: bronze"):
        assert f"\n{wanted}" in text


async def pass_time() -> None:
    """Let the driver's pauses pass; on the fake clock they take no time of ours."""
    await asyncio.sleep(0.3)


class TestElsewhere:
    def test_another_known_network_is_taken_where_one_does_not_reach_the_internet(
        self, room: Make
    ) -> None:
        async def test(room: Room) -> None:
            room.list.write_text(KNOWN + 'network={\n\tssid="Spare"\n\tpsk="spare-key"\n}\n')
            await room.connect()
            assert (await room.driver.details(WLAN0))["network"] == "Home"
            assert await room.driver.alternative(WLAN0)
            await room.driver.disconnect(WLAN0)
            await room.connect()
            assert (await room.driver.details(WLAN0))["network"] == "Spare"
            assert await room.driver.alternative(WLAN0)
            await room.driver.disconnect(WLAN0)
            await room.connect()
            assert (await room.driver.details(WLAN0))["network"] == "Home"

        spare = AccessPoint(b"Spare", "spare-key", frequency=5260, signal=-80)
        room(AccessPoint(b"Home", "right-key", signal=-30), spare).go(test)

    def test_the_only_network_is_kept(self, room: Make) -> None:
        async def test(room: Room) -> None:
            assert not await room.driver.alternative(WLAN0)
            await room.connect()
            assert not await room.driver.alternative(WLAN0)

        room(HOME, AccessPoint(b"Neighbour", "their-key")).go(test)

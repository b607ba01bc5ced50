"""The WiFi driver among odd neighbours, on a broken machine, and in the hands of the hasty."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from conman_core import ConnectError, Lost, Reason
from conman_core.errors import SystemFault
from conman_core.model import Retry
from conman_core.results import check_form
from conman_plugins.wifi import membership, supplicant
from conman_plugins.wifi.knownfile import KnownFile
from tests.wifi.air import AccessPoint, FakeWpa
from tests.wifi.test_driver import HOME, KNOWN, WLAN0, Make, Room, pass_time

NEW = AccessPoint(b"New", "right-key", signal=-70)
VALUES = {"ssid": "New", "key": "right-key"}


@pytest.fixture
def room(tmp_path: Path) -> Callable[..., Room]:
    def make(*points: AccessPoint, **settings: str) -> Room:
        made = Room(tmp_path, {key.replace("_", "-"): value for key, value in settings.items()})
        made.air.access_points = list(points)
        return made

    return make


def full_disk(*_: Any) -> None:
    raise SystemFault("cannot write: the disk is full; free some space, see: df -h /etc")


class TestSettings:
    def test_a_folder_in_the_lists_place_is_said(self, room: Make) -> None:
        async def test(room: Room) -> None:
            room.list.unlink()
            room.list.mkdir()
            error = await room.refused()
            assert error.reason is Reason.MISCONFIGURED
            assert "is not a file" in error.sentence
            with pytest.raises(ConnectError, match="is not a file"):
                await room.driver.recover(WLAN0, 1)

        room(HOME).go(test)

    @pytest.mark.parametrize("country", ["Germany", "G", "G!", "Ö1"])
    def test_what_is_no_country_is_said_and_never_taken_for_another(
        self, room: Make, country: str
    ) -> None:
        async def test(room: Room) -> None:
            error = await room.refused()
            assert error.reason is Reason.NO_COUNTRY
            assert country in error.sentence
            assert room.air.starts == 0

        room(HOME, country=country).go(test)

    def test_small_letters_will_do(self, room: Make) -> None:
        async def test(room: Room) -> None:
            await room.connect()
            assert room.air.running
            assert "country=DE" in room.air.running.settings

        room(HOME, country="de").go(test)


class TestNeighbours:
    def test_the_form_holds_among_hundreds_of_networks(self, room: Make) -> None:
        async def test(room: Room) -> None:
            await room.refused()
            fields = check_form(await room.driver.form())
            assert fields[0].choices[0].value == "Crowd 0"

        crowd = [AccessPoint(f"Crowd {n}".encode(), "k" * 8, signal=-40) for n in range(400)]
        room(*crowd).go(test)

    def test_a_name_in_an_old_alphabet_can_be_chosen(self, room: Make) -> None:
        async def test(room: Room) -> None:
            await room.refused()
            choice = (await room.driver.form())[0].choices[0].value
            await room.driver.apply({"ssid": choice, "key": "right-key"})
            assert ssid.hex() in room.list.read_text()

        ssid = "Гостиница Ромашка".encode("koi8-r")
        room(AccessPoint(ssid, "right-key")).go(test)


class TestBrokenMachines:
    def test_a_full_disk_costs_only_the_memory_of_channels(self, room: Make) -> None:
        async def test(room: Room) -> None:
            room.context.store.save = full_disk  # type: ignore[method-assign]
            assert (await room.connect()).interface == "wlan0"

        room(HOME).go(test)

    def test_a_network_that_works_but_cannot_be_saved(
        self, room: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def test(room: Room) -> None:
            monkeypatch.setattr(room.driver._known, "add", full_disk)
            with pytest.raises(ConnectError, match=r"New works, but is not saved.*disk is full"):
                await room.driver.apply(VALUES)
            assert room.list.read_text() == KNOWN

        room(NEW).go(test)

    def test_a_channel_that_this_radio_has_not_is_no_obstacle(
        self, room: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was met with another radio, or in another country."""

        def scan(self: FakeWpa, rest: str) -> str:
            if "freq=5180" not in rest:
                return plain(self, rest)
            self._later(lambda: self.tell("CTRL-EVENT-SCAN-FAILED ret=-22"))
            return "OK"

        plain = FakeWpa._scan
        monkeypatch.setattr(FakeWpa, "_scan", scan)

        async def test(room: Room) -> None:
            room.driver._memory.met(b"Home", [5180])
            await room.connect()

        room(HOME).go(test)

    def test_the_word_that_it_is_joined_may_get_lost(
        self, room: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its queue is short, and hundreds of access points make many events."""

        def tell(self: FakeWpa, event: str) -> None:
            if "CTRL-EVENT-CONNECTED" not in event:
                return plain(self, event)
            asyncio.get_running_loop().call_later(
                0.05, room_.driver._stations["wlan0"].supplicant._missed
            )
            return None

        plain = FakeWpa.tell
        monkeypatch.setattr(FakeWpa, "tell", tell)
        monkeypatch.setattr(
            FakeWpa, "_status", lambda self, _: f"id=0\nwpa_state={self.joined and 'COMPLETED'}"
        )
        monkeypatch.setattr(membership, "JOIN_LIMIT", 2.0)

        async def test(room: Room) -> None:
            await room.connect()

        room_ = room(HOME)
        room_.go(test)

    def test_a_wpa_supplicant_that_hangs_is_started_anew(
        self, room: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(supplicant, "_PING_LIMIT", 0.2)

        async def test(room: Room) -> None:
            await room.connect()
            await room.driver.disconnect(WLAN0)
            assert room.air.running
            asyncio.get_running_loop().remove_reader(room.air.running.socket)
            await room.connect()
            assert room.air.starts == 2

        room(HOME).go(test)

    def test_a_trial_whose_network_died_before_the_core_took_it_is_no_connection(
        self, room: Make
    ) -> None:
        async def test(room: Room) -> None:
            await room.driver.apply(VALUES)
            room.context.started[0].end(-9)
            await asyncio.sleep(0.1)
            await room.connect()
            assert room.air.starts == 2

        room(NEW).go(test)

    def test_a_trial_whose_network_went_away_before_the_core_took_it_is_no_connection(
        self, room: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(membership, "REJOIN_LIMIT", 0.05)

        async def test(room: Room) -> None:
            await room.driver.apply(VALUES)
            assert room.air.running
            room.air.running.drop()
            room.air.access_points.clear()
            await room.told(Lost)
            assert (await room.refused()).reason is Reason.NOT_FOUND

        room(NEW).go(test)


def test_who_may_not_write_the_list_is_told_to_become_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "wpa_supplicant.conf"
    path.write_text(KNOWN)
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(SystemFault, match="run conman as root"):
        KnownFile(path).forget(b"Home")
    assert path.read_text() == KNOWN


class TestHaste:
    def test_a_radio_that_goes_while_its_program_starts_leaves_no_program(
        self, room: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def test(room: Room) -> None:
            begun, go_on = asyncio.Event(), asyncio.Event()
            start = room.context.start

            async def slow(*args: Any, **more: Any) -> Any:
                begun.set()
                await go_on.wait()
                return await start(*args, **more)

            monkeypatch.setattr(room.context, "start", slow)
            trial = asyncio.create_task(room.driver.apply(VALUES))
            await begun.wait()
            room.radios.clear()
            room.driver.probe()
            await asyncio.sleep(0.01)
            go_on.set()
            with pytest.raises(ConnectError):
                await trial
            await room.driver.close()
            assert not [each for each in room.context.started if each.running]

        room(NEW).go(test)

    def test_a_disconnect_that_takes_its_time_does_not_end_a_later_trial(
        self, room: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def test(room: Room) -> None:
            await room.connect()
            (lease,) = room.context.leases
            release, go_on = lease.release, asyncio.Event()

            async def slow() -> None:
                await go_on.wait()
                await release()

            monkeypatch.setattr(lease, "release", slow)
            leaving = asyncio.create_task(room.driver.disconnect(WLAN0))
            await asyncio.sleep(0.01)
            trial = asyncio.create_task(room.driver.apply(VALUES))
            await asyncio.sleep(0.3)
            go_on.set()
            await leaving
            await trial
            assert room.air.running
            assert room.air.running.joined is NEW

        room(HOME, NEW).go(test)

    def test_an_impatient_caller_leaves_no_program_behind(
        self, room: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The core cancels up to three times within a second."""

        async def test(room: Room) -> None:
            await room.connect()
            station = room.driver._stations["wlan0"]
            stopping = asyncio.create_task(station.supplicant.stop())
            await asyncio.sleep(0)
            stopping.cancel()
            await asyncio.wait({stopping})
            await asyncio.sleep(0.3)
            assert not room.context.started[0].running

        room(HOME).go(test)

    def test_an_impatient_caller_leaves_no_lease_and_no_network_behind(self, room: Make) -> None:
        async def test(room: Room) -> None:
            await room.connect()
            leaving = asyncio.create_task(room.driver.disconnect(WLAN0))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            leaving.cancel()
            await asyncio.wait({leaving})
            await asyncio.sleep(0.1)
            assert not room.context.leases[0].running
            assert room.air.running
            assert not room.air.running.networks

        room(HOME).go(test)

    def test_a_connection_that_a_trial_overtakes_is_not_handed_out(self, room: Make) -> None:
        async def test(room: Room) -> None:
            connecting = asyncio.create_task(room.connect())
            await asyncio.sleep(0)
            (work,) = room.driver._stations["wlan0"]._works
            values = {**VALUES, "key": "wrong-key"}
            while not work.done():
                await asyncio.sleep(0)
            with pytest.raises(ConnectError, match="wrong key"):
                await room.driver.apply(values)
            with pytest.raises(ConnectError, match="lost its network at once"):
                await connecting

        room(HOME, NEW).go(test)

    def test_two_trials_at_once_come_one_after_the_other(self, room: Make) -> None:
        async def test(room: Room) -> None:
            other: Mapping[str, str] = {"ssid": "Home", "key": "right-key"}
            await asyncio.gather(room.driver.apply(VALUES), room.driver.apply(other))
            assert 'ssid="New"' in room.list.read_text()
            await room.connect()
            assert (await room.driver.details(WLAN0))["network"] == "Home"

        room(HOME, NEW).go(test)

    def test_a_look_around_never_delays_a_trial_for_long(self, room: Make) -> None:
        """A radio that does not answer a scan is waited for twenty seconds."""

        async def test(room: Room) -> None:
            await room.refused()
            assert room.air.running
            room.air.running._scan = lambda _: "OK"  # type: ignore[method-assign]
            station = room.driver._stations["wlan0"]
            station.sight._looked = float("-inf")
            for _ in range(200):
                await asyncio.sleep(0.01)
                if station.turn.locked():
                    break
            assert station.turn.locked()
            del room.air.running._scan
            room.air.access_points = [NEW]
            async with asyncio.timeout(5):
                await room.driver.apply(VALUES)

        room().go(test)


def test_a_list_that_is_edited_during_a_try_is_worth_another(room: Make) -> None:
    async def test(room: Room) -> None:
        connecting = asyncio.create_task(room.connect())
        while not room.air.count("SELECT_NETWORK"):
            await asyncio.sleep(0.01)
        room.list.write_text(KNOWN.replace("right-key", "another-key"))
        await pass_time()
        assert not room.events
        assert room.air.running
        room.air.running.tell("CTRL-EVENT-EAP-FAILURE EAP authentication failed")
        with pytest.raises(ConnectError):
            await connecting
        assert "has changed" in (await room.told(Retry)).sentence

    room(AccessPoint(b"Home", "another-key", silent=True)).go(test)


def test_a_cancelled_start_leaves_no_socket(room: Make) -> None:
    """It is cancelled just when wpa_supplicant has answered."""

    async def test(room: Room) -> None:
        starting = asyncio.create_task(room.connect())
        while not room.air.count("ATTACH"):
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        starting.cancel()
        await asyncio.wait({starting})
        await pass_time()
        assert not [each for each in room.context.started if each.running]
        left = [each.name for each in room.context.runtime.iterdir() if "wlan0." in each.name]
        assert left == ["wlan0.conf"]

    room(HOME).go(test)

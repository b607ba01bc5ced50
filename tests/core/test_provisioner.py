"""The core has a person asked when nothing works: radios are lent, settings tried, links come back.

A plugin stands here that does what it is told; the engine is the real one, in virtual time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from conman_core.context import Claims
from conman_core.errors import BadValue, ConmanError, ConnectError
from conman_core.forms import Forms
from conman_core.lender import Lender
from conman_core.model import FormField, Link, Reason, Retry, Verdict
from conman_core.offers import settle
from conman_core.plugin import OnAir
from conman_core.provisioner import Provisioner
from conman_core.provisioning import Rules, When
from tests.core.machine import FakeGuard, Machine, run_virtual, until

SHOWN = OnAir("ContinuumBridge", "wlan0", "10.0.0.1", timeout=300.0)
BOOT = Rules(When.BOOT, 60.0)
KEYS = {"ssid": "Home", "key": "secret-key"}


class Radio(FakeGuard):
    """A driver with a form; `right` says what the network takes."""

    name = "wifi"
    right: Mapping[str, str] | None = None
    lends = True

    async def call(self, method: str, *args: Any) -> Any:
        at = asyncio.get_running_loop().time()
        self.calls.append((method, str(args[:1]), at))
        if method == "form":
            return (FormField("ssid", "Network"), FormField("key", "Key", "secret"))
        if method == "validate" and len(args[0].get("key", "")) < 8:
            raise BadValue("key", "the key is too short")
        if method == "apply":
            await asyncio.sleep(3.0)
            if args[0] != self.right:
                raise ConnectError(Reason.WRONG_KEY, "wrong key for Home")
        if method == "lend":
            return self.lends
        return None


class Place:
    """A machine with a cable on eth0 and a radio wlan0, and a plugin that is told."""

    def __init__(self, it: Machine, folder: Path, rules: Rules) -> None:
        self.it = it
        self.radio = Radio(it.network)
        self.radio.outcome = lambda link: ConnectError(Reason.NOT_FOUND, "no network is known")
        it.guards["wifi"] = self.radio
        it.network.plug("wlan0")
        self.claims = Claims()
        self.lender = Lender(it.engine, self.claims, self.settle, lambda name: name == "wlan0")
        self.told: list[str] = []
        self.walled = False
        it.offers["wifi"] = (Link("wifi", "wlan0", "wlan0"),)
        it.order = ("eth", "wifi")
        self.settle()
        self.core = Provisioner(
            it.engine,
            self,  # type: ignore[arg-type]
            Forms(self, self.lender.holds),  # type: ignore[arg-type]
            self.lender,
            rules=lambda: rules,
            firewalled=lambda entry: self.walled and entry.link.driver == "eth",
            been_online=folder / "been-online",
        )

    @property
    def guards(self) -> dict[str, Any]:
        return {"wifi": self.radio}

    def settle(self) -> None:
        links = [link for offer in self.it.offers.values() for link in offer]  # type: ignore[union-attr]
        settled = settle(links, self.it.order, self.claims.all())
        guards: Any = self.it.guards
        self.it.engine.roster.offers_changed(settled, guards, lambda _: self.it.wishes)
        self.it.engine.poke()

    # -- the announcer

    def has(self, hook: str) -> bool:
        return hook == "conman_provision"

    def tell(self, hook: str, to: str | None = None, **facts: Any) -> None:
        self.told.append(hook)
        if hook == "conman_provision_end":
            self.core.on_air(None, attended=False)

    @property
    def radio_entry(self) -> Any:
        return self.it.entry("wifi:wlan0")

    async def borrow(self, *, share: bool = False) -> list[str]:
        seen: list[str] = []
        await self.core.borrow("accesspoint", "wlan0", share=share, wanted=seen.append)
        return seen


def story(tmp_path: Path, *, rules: Rules = BOOT) -> Any:
    def run(tale: Any) -> None:
        async def all_of_it() -> None:
            async with Machine("eth0") as it:
                it.carrier("eth0", False)
                place = Place(it, tmp_path, rules)
                await tale(place, it)
                place.core.close()

        run_virtual(all_of_it())

    return run


def test_a_person_is_asked_when_nothing_has_worked_for_a_minute(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        took = await until(lambda: "conman_provision" in place.told, 90)
        assert 59 < took < 62
        place.core.on_air(SHOWN, attended=False)
        await until(lambda: it.herald.state == "provisioning")
        assert (place.core.status() or {})["ssid"] == "ContinuumBridge"

    story(tmp_path)(tale)


def test_a_cable_that_works_ends_it_at_once(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await until(lambda: place.told, 90)
        place.core.on_air(SHOWN, attended=False)
        await asyncio.sleep(5)
        it.carrier("eth0", True)
        assert await until(lambda: place.told[-1] == "conman_provision_end", 5) < 3
        assert it.herald.state == "online"
        assert place.core.status() is None

    story(tmp_path)(tale)


def test_a_machine_that_has_been_online_asks_no_more_in_this_boot(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        it.carrier("eth0", True)
        await until(lambda: it.uplink == "eth:eth0")
        it.carrier("eth0", False)
        await asyncio.sleep(1000)
        assert not place.told

    story(tmp_path)(tale)
    assert (tmp_path / "been-online").exists()

    async def after_a_restart(place: Place, it: Machine) -> None:
        await asyncio.sleep(1000)
        assert not place.told

    story(tmp_path)(after_a_restart)


def test_a_lent_radio_is_not_connected_and_its_driver_lets_go_of_it(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await asyncio.sleep(5)
        await place.borrow()
        assert "lend" in [call for call, *_ in place.radio.calls]
        tries = len(place.radio.tries())
        await asyncio.sleep(300)
        assert len(place.radio.tries()) == tries
        assert place.radio_entry.state == "unused"
        assert "accesspoint" in place.radio_entry.refused
        await place.core.give_back("wlan0")
        await until(lambda: len(place.radio.tries()) > tries, 5)

    story(tmp_path)(tale)


def test_a_connection_on_a_radio_ends_before_it_is_lent(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.radio.outcome = None
        place.radio.leave_delay = 2.0
        it.checker.works.add("wlan0")
        await until(lambda: place.radio_entry.track.verified)
        await place.borrow()
        order = [call for call, *_ in place.radio.calls if call in {"disconnect", "lend"}]
        assert order == ["disconnect", "lend"]
        assert "wlan0" not in it.network.kernel

    story(tmp_path)(tale)


def test_a_driver_that_does_not_let_go_keeps_its_radio(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.radio.lends = False
        with pytest.raises(ConnectError, match="does not let go of wlan0"):
            await place.borrow()
        assert not place.claims.all()
        tries = len(place.radio.tries())
        await until(lambda: len(place.radio.tries()) > tries)

    story(tmp_path)(tale)


def test_what_a_driver_sees_on_a_lent_radio_reaches_the_plugin(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        seen = await place.borrow(share=True)
        assert "lend" not in [call for call, *_ in place.radio.calls]
        assert place.lender.takes(Retry("wifi:wlan0", "Home is in sight"))
        assert not place.lender.takes(Retry("eth:eth0", "something else"))
        assert seen == ["Home is in sight"]

    story(tmp_path)(tale)


def test_settings_that_work_bring_the_link_up_and_end_the_asking(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await until(lambda: place.told, 90)
        place.core.on_air(SHOWN, attended=False)
        await place.borrow()
        place.radio.right, place.radio.outcome = KEYS, None
        it.checker.works.add("wlan0")
        outcome = await place.core.try_out("wifi", KEYS)
        assert outcome.verdict is Verdict.ONLINE
        assert it.uplink == "wifi:wlan0"
        await until(lambda: place.told[-1] == "conman_provision_end", 1)

    story(tmp_path)(tale)


def test_a_wrong_key_is_told_and_the_radio_stays_lent(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await place.borrow()
        outcome = await place.core.try_out("wifi", KEYS)
        assert (outcome.verdict, outcome.reason) == (None, Reason.WRONG_KEY)
        assert outcome.sentence == "wrong key for Home"
        assert place.claims.all() == {"wlan0": "accesspoint"}

    story(tmp_path)(tale)


def test_a_network_without_internet_is_told_as_that(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await place.borrow()
        place.radio.right, place.radio.outcome = KEYS, None
        outcome = await place.core.try_out("wifi", KEYS)
        assert outcome.verdict is Verdict.OFFLINE
        await place.borrow()  # the plugin has its radio again
        assert place.radio_entry.connection is None

    story(tmp_path)(tale)


def test_values_that_cannot_be_used_are_told_with_their_field(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        with pytest.raises(BadValue) as caught:
            await place.core.validate("wifi", {"ssid": "Home", "key": "short"})
        assert caught.value.field == "key"

    story(tmp_path)(tale)


@pytest.mark.parametrize("works", [True, False])
def test_what_is_known_is_tried_when_the_radio_is_given_back(tmp_path: Path, works: bool) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await asyncio.sleep(5)
        await place.borrow()
        if works:
            place.radio.outcome = None
            it.checker.works.add("wlan0")
        await place.core.give_back("wlan0")
        assert await place.core.try_known("wlan0") is works

    story(tmp_path)(tale)


def test_the_command_line_starts_and_stops_it(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        starting = asyncio.create_task(place.core.request({"action": "start", "lasting": 20}))
        await until(lambda: place.told == ["conman_provision"])
        place.core.on_air(SHOWN, attended=False)
        answer = await starting
        assert answer["address"] == "10.0.0.1"
        await place.core.request({"action": "stop"})
        assert place.told[-1] == "conman_provision_end"
        with pytest.raises(ConmanError, match="number of seconds"):
            await place.core.request({"action": "start", "lasting": "long"})

    story(tmp_path, rules=Rules(When.NEVER))(tale)


def test_the_command_line_reads_why_it_failed(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        starting = asyncio.create_task(place.core.request({"action": "start"}))
        await until(lambda: place.told)
        place.core.gave_up("hostapd is not installed; install it with: apt install hostapd")
        with pytest.raises(ConmanError, match="apt install hostapd"):
            await starting

    story(tmp_path, rules=Rules(When.NEVER))(tale)


def test_the_only_radio_is_not_taken_from_the_traffic_without_a_word(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.radio.outcome = None
        it.checker.works.add("wlan0")
        await until(lambda: it.uplink == "wifi:wlan0" and place.radio_entry.track.verified)
        with pytest.raises(ConmanError, match="conman provision --yes"):
            await place.core.request({"action": "start"})
        assert not place.told
        forced = asyncio.create_task(place.core.request({"action": "start", "force": True}))
        await until(lambda: place.told)
        place.core.on_air(SHOWN, attended=False)
        await forced

    story(tmp_path, rules=Rules(When.NEVER))(tale)


def test_the_command_line_does_not_take_the_radio_from_under_the_access_point(
    tmp_path: Path,
) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await place.borrow()
        with pytest.raises(ConmanError, match="conman provision stop"):
            await place.core.requests()["apply"]({"driver": "wifi", "values": KEYS})

    story(tmp_path)(tale)


def test_a_firewalled_cable_is_enough_of_a_connection(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.walled = True
        await asyncio.sleep(600)
        assert not place.told

    story(tmp_path)(tale)


def test_whoever_got_ready_to_ask_hears_that_there_is_no_need(tmp_path: Path) -> None:
    async def tale(place: Place, it: Machine) -> None:
        await until(lambda: place.told == ["conman_provision_soon"], 90)
        it.carrier("eth0", True)
        await until(lambda: len(place.told) == 2, 30)
        await asyncio.sleep(100)
        assert place.told == ["conman_provision_soon", "conman_provision_end"]
        assert not any("settings are not asked for" in sentence for sentence in it.said)

    story(tmp_path)(tale)

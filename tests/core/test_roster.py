"""Who is on the list of links, and what is said of those who are not any more."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from ipaddress import ip_interface

from conman_core.model import Link, Lost, Reason
from conman_core.roster import MOST_ABSENT
from conman_core.track import Held

from .machine import Machine, connection, run_virtual, until


def test_a_link_whose_driver_is_used_no_longer_says_so() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            del it.guards["eth"]
            it.offers = {}
            it.settle()
            await asyncio.sleep(1)
            assert "driver eth is not used any more" in it.entry("eth0").track.sentence
            assert it.entry("eth0").state == "absent"

    run_virtual(story())


def test_a_refused_link_that_is_gone_is_not_said_to_be_refused() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.order = ("wifi",)
            it.settle()
            assert it.entry("eth0").refused
            it.offer()
            assert it.entry("eth0").refused == ""
            assert it.entry("eth0").track.sentence == "eth0 is gone"

    run_virtual(story())


def test_an_interface_that_was_set_down_by_hand_is_told_from_a_cable_that_is_out() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            await until(lambda: it.uplink)
            it.network.known["eth0"] = replace(it.network.known["eth0"], up=False, carrier=False)
            it.engine.roster.interface_changed("eth0", came_up=False)
            it.engine.poke()
            await asyncio.sleep(1)
            assert "ip link set eth0 up" in it.entry("eth0").track.sentence
            assert any("ip link set eth0 up" in said for said in it.said)
            it.network.known["eth0"] = replace(it.network.known["eth0"], up=True, carrier=False)
            it.engine.roster.interface_changed("eth0", came_up=True)
            assert "cable" in it.entry("eth0").track.sentence
            it.network.known["eth0"] = replace(it.network.known["eth0"], carrier=True)
            it.engine.roster.interface_changed("eth0", came_up=False)
            it.engine.poke()
            await until(lambda: it.entry("eth0").track.verified)

    run_virtual(story())


def test_late_news_of_a_link_that_is_not_connected_counts_nothing() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.event(Lost("eth:eth0", Reason.LOST, "too early"))
            it.event(Lost("eth:nobody", Reason.LOST, "who?"))
            await until(lambda: it.uplink == "eth:eth0", 2)
            it.offer()
            it.event(Lost("eth:eth0", Reason.LOST, "too late"))
            assert it.entry("eth0").track.reason is Reason.NO_DEVICE

    run_virtual(story())


def test_devices_that_are_gone_are_forgotten_at_last() -> None:
    async def story() -> None:
        async with Machine() as it:
            for number in range(3 * MOST_ABSENT):
                it.offer_links("eth", Link("eth", f"usb{number}", f"usb{number}"))
            it.offer()
            await asyncio.sleep(60)
            it.settle()
            assert len(it.engine.entries) <= MOST_ABSENT

    run_virtual(story())


def test_an_adopted_address_that_expires_ends_the_adoption_and_its_connecting() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.network.there["eth0"] = connection("eth0", 8)
            it.guards["eth"].delay = 20
            await until(lambda: it.entry("eth0").track.held is Held.ADOPTED)
            it.network.there.clear()
            address = ip_interface(str(connection("eth0", 8).addresses[0].interface))
            assert it.engine.roster.address_gone("eth0", address, Reason.NO_ADDRESS)
            it.engine.poke()
            assert it.entry("eth0").track.held is Held.NONE
            it.guards["eth"].delay = 1
            await until(lambda: it.entry("eth0").track.verified)
            assert it.entry("eth0").track.held is Held.OWN

    run_virtual(story())


def test_an_adopted_link_serves_while_its_driver_fails_and_is_tried_ever_more_slowly() -> None:
    async def story() -> None:
        async with Machine("eth0") as it:
            it.network.there["eth0"] = connection("eth0", 8)
            it.guards["eth"].outcome = lambda _: TimeoutError("odd")
            await asyncio.sleep(600)
            assert it.uplink == "eth:eth0"
            assert it.entry("eth0").track.verified
            assert len(it.guards["eth"].tries()) < 20

    run_virtual(story())

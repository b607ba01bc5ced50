"""Radios are lent to plugins: which one first, to whom, and that each comes back."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from conman_core.context import Claims
from conman_core.errors import ConnectError, DriverBug
from conman_core.lender import Lender
from conman_core.model import Link, Lost, Reason, Retry
from conman_core.offers import settle
from tests.core.machine import FakeGuard, Machine, connection, run_virtual, until

BOTH = (Link("wifi", "wlan0", "wlan0", preference=0), Link("wifi", "wlan1", "wlan1", preference=1))
SERIAL = Link("serial", "modem", None)


class Radios(FakeGuard):
    """A driver of radios; `lends` is what it answers when it is to let go of one."""

    lends: Any = True

    async def call(self, method: str, *args: Any) -> Any:
        assert method == "lend"
        self.calls.append((method, args[0].name, asyncio.get_running_loop().time()))
        await asyncio.sleep(0.1)
        if isinstance(self.lends, Exception):
            raise self.lends
        return self.lends


class Place:
    """A cable on eth0, a serial modem, and two radios of which wlan0 is the favourite."""

    def __init__(self, it: Machine) -> None:
        self.it = it
        self.radios = Radios(it.network)
        self.radios.outcome = lambda link: ConnectError(Reason.NOT_FOUND, "no network is known")
        it.guards |= {"wifi": self.radios, "serial": FakeGuard(it.network)}
        for name in ("wlan0", "wlan1"):
            it.network.plug(name)
        it.offers |= {"wifi": BOTH, "serial": (SERIAL,)}
        it.order = ("eth", "wifi", "serial")
        self.claims = Claims()
        self.lender = Lender(it.engine, self.claims, self.settle, lambda name: name[:4] == "wlan")
        self.settle()

    def settle(self) -> None:
        links = [link for offer in self.it.offers.values() for link in offer]  # type: ignore[union-attr]
        guards: Any = self.it.guards
        settled = settle(links, self.it.order, self.claims.all())
        self.it.engine.roster.offers_changed(settled, guards, lambda _: self.it.wishes)
        self.it.engine.poke()

    @property
    def order(self) -> list[str]:
        return [loan.interface for loan in self.lender.loans()]

    async def borrow(
        self,
        interface: str = "wlan0",
        plugin: str = "accesspoint",
        *,
        share: bool = False,
        wanted: Callable[[str], None] = lambda _: None,
    ) -> None:
        await self.lender.borrow(plugin, interface, share=share, wanted=wanted)

    def free(self) -> bool:
        return not self.claims.all() and not self.lender.holds("wifi")


def story(tale: Callable[[Place, Machine], Awaitable[None]]) -> None:
    async def all_of_it() -> None:
        async with Machine("eth0") as it:
            await tale(Place(it), it)

    run_virtual(all_of_it())


# -- which one


def test_of_radios_that_do_nothing_the_favourite_is_kept() -> None:
    async def tale(place: Place, it: Machine) -> None:
        assert place.order == ["wlan1", "wlan0"]

    story(tale)


@pytest.mark.parametrize(
    ("connected", "online", "order"),
    [
        (("wlan1",), (), ["wlan0", "wlan1"]),
        (("wlan0", "wlan1"), ("wlan1",), ["wlan0", "wlan1"]),
        (("wlan0", "wlan1"), ("wlan0",), ["wlan1", "wlan0"]),
        (("wlan0", "wlan1"), ("wlan0", "wlan1"), ["wlan1", "wlan0"]),
    ],
)
def test_the_one_whose_loss_is_felt_least_comes_first(
    connected: tuple[str, ...], online: tuple[str, ...], order: list[str]
) -> None:
    async def tale(place: Place, it: Machine) -> None:
        failing = ConnectError(Reason.NOT_FOUND, "no network is known")
        place.radios.outcome = lambda link: (
            connection(link.device) if link.device in connected else failing
        )
        it.checker.works |= set(online)
        await asyncio.sleep(30)
        assert place.order == order

    story(tale)


def test_only_radios_are_lent_and_only_those_that_are_there() -> None:
    async def tale(place: Place, it: Machine) -> None:
        it.offers["wifi"] = BOTH[:1]
        place.settle()
        assert place.order == ["wlan0"]
        it.offers["wifi"] = ()
        place.settle()
        assert place.order == []

    story(tale)


def test_one_that_the_user_does_not_want_used_is_not_lent() -> None:
    async def tale(place: Place, it: Machine) -> None:
        it.order = ("eth", "wifi:wlan1")
        place.settle()
        assert place.order == ["wlan1"]

    story(tale)


def test_one_that_another_program_has_is_listed_with_the_reason() -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.radios.outcome = lambda link: ConnectError(Reason.BUSY, "NetworkManager has it")
        await asyncio.sleep(5)
        assert {loan.sentence for loan in place.lender.loans()} == {"NetworkManager has it"}

    story(tale)


def test_the_one_that_carries_the_traffic_is_marked() -> None:
    async def tale(place: Place, it: Machine) -> None:
        it.carrier("eth0", False)
        place.radios.outcome = None
        it.checker.works.add("wlan0")
        await until(lambda: it.uplink == "wifi:wlan0")
        assert {loan.interface: loan.carries for loan in place.lender.loans()} == {
            "wlan0": True,
            "wlan1": False,
        }

    story(tale)


# -- to have and to give back


def test_what_is_lent_stays_on_the_list_and_is_had_by_one_plugin() -> None:
    async def tale(place: Place, it: Machine) -> None:
        await place.borrow()
        assert "wlan0" in place.order
        assert place.claims.all() == {"wlan0": "accesspoint"}
        with pytest.raises(ConnectError, match="wlan0 is used by accesspoint"):
            await place.borrow(plugin="other")
        assert place.claims.all() == {"wlan0": "accesspoint"}

    story(tale)


def test_it_can_be_had_twice_and_given_back_twice() -> None:
    async def tale(place: Place, it: Machine) -> None:
        await place.borrow()
        await place.borrow()
        for _ in range(2):
            await place.lender.give_back("wlan0")
            assert place.free()
        await place.lender.give_back("never0")

    story(tale)


def test_what_is_no_link_is_not_lent() -> None:
    async def tale(place: Place, it: Machine) -> None:
        with pytest.raises(ConnectError, match="there is no link on wlan7"):
            await place.borrow("wlan7")
        assert place.free()

    story(tale)


@pytest.mark.parametrize("answer", [False, DriverBug("driver wifi hangs in lend")])
def test_a_driver_that_does_not_let_go_keeps_it(answer: Any) -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.radios.lends = answer
        with pytest.raises(ConnectError) as caught:
            await place.borrow()
        assert caught.value.reason is Reason.BUSY
        assert place.free()

    story(tale)


def test_to_share_it_the_driver_need_not_let_go() -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.radios.lends = False
        await place.borrow(share=True)
        assert place.claims.all() == {"wlan0": "accesspoint"}
        assert not place.lender.holds("wifi")

    story(tale)


def test_the_command_line_knows_whose_driver_had_to_let_go() -> None:
    async def tale(place: Place, it: Machine) -> None:
        await place.borrow("wlan1")
        assert place.lender.holds("wifi")
        assert not place.lender.holds("eth")
        await place.lender.give_back("wlan1")
        assert not place.lender.holds("wifi")

    story(tale)


@pytest.mark.parametrize("turns", range(8))
def test_who_is_cancelled_while_borrowing_has_nothing(turns: int) -> None:
    async def tale(place: Place, it: Machine) -> None:
        place.radios.outcome = None
        await asyncio.sleep(5)
        place.radios.leave_delay = 2.0
        borrowing = asyncio.create_task(place.borrow())
        for _ in range(turns):
            await asyncio.sleep(0.4)
        borrowing.cancel()
        await asyncio.wait({borrowing})
        if borrowing.cancelled():
            assert place.free()
        else:
            assert turns > 5

    story(tale)


# -- all at once


def test_all_of_one_plugin_or_of_one_driver_come_back() -> None:
    async def tale(place: Place, it: Machine) -> None:
        for of, left in (
            ({"plugin": "accesspoint"}, {"wlan1": "other"}),
            ({"plugin": "nobody"}, {"wlan0": "accesspoint", "wlan1": "other"}),
            ({"driver": "wifi"}, {}),
            ({"driver": "eth"}, {"wlan0": "accesspoint", "wlan1": "other"}),
            ({"driver": "wifi", "plugin": "other"}, {"wlan0": "accesspoint"}),
            ({}, {}),
        ):
            await place.borrow("wlan0")
            await place.borrow("wlan1", "other")
            await place.lender.give_back_all(**of)
            assert place.claims.all() == left
            await place.lender.give_back_all()
            assert place.free()

    story(tale)


# -- what its driver sees meanwhile


def test_what_a_driver_finds_goes_to_who_has_the_radio() -> None:
    async def tale(place: Place, it: Machine) -> None:
        seen: list[str] = []
        await place.borrow(share=True, wanted=seen.append)
        assert place.lender.takes(Retry("wifi:wlan0", "Home is in sight"))
        assert not place.lender.takes(Retry("wifi:wlan1", "Home is in sight"))
        assert not place.lender.takes(Lost("wifi:wlan0", Reason.LOST, "gone"))
        await place.lender.give_back("wlan0")
        assert not place.lender.takes(Retry("wifi:wlan0", "Home is in sight"))
        assert seen == ["Home is in sight"]

    story(tale)

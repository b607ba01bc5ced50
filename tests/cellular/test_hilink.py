"""Dongles that are routers: which they are, their addresses, two of a kind, their repairs."""

from __future__ import annotations

import asyncio
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from conman_core import (
    Address,
    ConnectError,
    Connection,
    ConnectionChanged,
    Family,
    Link,
    Lost,
    Reason,
    Retry,
    Specificity,
    Unavailable,
)
from conman_core.testing import SILENCE, DriverContract, FakeContext, lease_on, run
from conman_plugins.cellular.hilink import HilinkDriver
from conman_plugins.cellular.modeswitch import Plugged, Switcher
from conman_plugins.cellular.webapi import WebApi
from tests.cellular.usbtree import UsbTree, disc, e220, ec25, hilink, inventory

ROUTER = IPv4Address("192.168.8.1")
UHUBCTL = ["uhubctl", "--location", "1", "--ports", "1", "--action", "cycle"]


def lease(interface: str, network: int = 8) -> Connection:
    """What a dongle gives: always the same address."""
    own = Address(IPv4Interface(f"192.168.{network}.100/24"), 86400.0, 86400.0)
    router = IPv4Address(f"192.168.{network}.1")
    return Connection(interface, (own,), {Family.IPV4: router}, (router,))


class Desk:
    """A driver on a machine in a folder, with one dongle if not said otherwise."""

    def __init__(self, root: Path) -> None:
        self.tree = UsbTree(root / "sys")
        self.context = FakeContext(HilinkDriver)
        switcher = Switcher(self.context, self.tree.usb, root=root, plugged=Plugged())
        usb, interfaces = self.tree.usb, inventory(self.tree)
        self.driver = HilinkDriver(self.context, usb, interfaces, switcher)

    def links(self) -> list[Link]:
        found = self.driver.probe()
        assert not isinstance(found, Unavailable), found
        return list(found)

    def why_none(self) -> Unavailable:
        found = self.driver.probe()
        assert isinstance(found, Unavailable), found
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


class TestContract(DriverContract):
    @pytest.fixture
    def driver(self, tmp_path: Path) -> HilinkDriver:
        desk = Desk(tmp_path)
        hilink(desk.tree)
        desk.context.script_dhcp(lease_on("usb1"))
        desk.context.expect(UHUBCTL, always=True)
        return desk.driver


def test_a_dongle_is_told_by_what_it_is_and_named_by_its_place(desk: Desk) -> None:
    hilink(desk.tree, "1-1.2", "enx0c5b8f279a64")

    assert desk.links() == [
        Link(
            "hilink",
            "1-1.2",
            "enx0c5b8f279a64",
            specificity=Specificity.DEVICE,
            metered=True,
            hardware="usb:1-1.2",
        )
    ]
    assert desk.links()[0].note == "HUAWEI Mobile"


@pytest.mark.parametrize("driver", ["cdc_ether", "rndis_host", "cdc_ncm"])
def test_every_kind_of_router_is_found(desk: Desk, driver: str) -> None:
    desk.tree.plug(ids="19d2:1405", maker="ZTE", model="")
    desk.tree.function("1-1", 0, driver, net="usb0")

    assert [link.interface for link in desk.links()] == ["usb0"]


def test_an_ethernet_adapter_and_a_telephone_are_left_to_others(desk: Desk) -> None:
    desk.tree.plug("1-1", "0bda:8153", maker="Realtek")
    desk.tree.function("1-1", 0, "cdc_ether", net="usb1")
    desk.tree.plug("1-2", "18d1:4eeb", maker="Google")
    desk.tree.function("1-2", 0, "rndis_host", net="usb0")

    assert desk.why_none() == Unavailable(
        Reason.NO_DEVICE, "no HiLink dongle is plugged in; plug one in"
    )


def test_modems_that_have_to_be_dialled_are_left_to_others(desk: Desk) -> None:
    ec25(desk.tree, "1-1")
    e220(desk.tree, "1-2", first=4)
    desk.tree.function("1-2", 2, "huawei_cdc_ncm", wdm="cdc-wdm1", net="wwan1")

    desk.why_none()


def test_a_dongle_that_is_still_a_cd_rom_is_told_of(desk: Desk) -> None:
    disc(desk.tree)

    assert "(12d1:1f01, USB 1-1) still shows itself as a CD-ROM" in desk.why_none().sentence


def test_it_gets_its_address_by_dhcp_and_costs_money(desk: Desk) -> None:
    hilink(desk.tree)
    desk.context.script_dhcp(lease("usb1"))
    connection = run(desk.driver.connect(desk.links()[0]))

    assert connection.metered
    assert connection.gateways == {Family.IPV4: ROUTER}


def test_a_dongle_that_gives_no_address_says_which_one(desk: Desk) -> None:
    hilink(desk.tree)
    desk.context.script_dhcp(SILENCE)
    with pytest.raises(ConnectError) as raised:
        run(quickly(desk))

    assert raised.value.reason is Reason.NO_ADDRESS
    assert str(raised.value) == (
        "HUAWEI Mobile at USB 1-1 (usb1): the modem gave no address within 0.01 s"
    )
    assert desk.context.leftovers() == []


async def quickly(desk: Desk) -> None:
    desk.context.settings = {"dhcp-timeout": 0.01}
    await desk.driver.connect(desk.links()[0])


def test_without_carrier_nobody_is_asked(desk: Desk) -> None:
    hilink(desk.tree)
    (desk.tree.root / "class/net/usb1/carrier").write_text("0\n")
    with pytest.raises(ConnectError, match="has no connection on usb1 yet") as raised:
        run(desk.driver.connect(desk.links()[0]))

    assert raised.value.reason is Reason.NO_CARRIER
    assert desk.context.leases == []


def test_a_dongle_that_is_gone_is_not_another_one_in_its_place(desk: Desk) -> None:
    hilink(desk.tree)
    (link,) = desk.links()
    desk.tree.pull("1-1")
    e220(desk.tree)
    with pytest.raises(ConnectError, match="no dongle is at USB 1-1 any more") as raised:
        run(desk.driver.connect(link))

    assert raised.value.reason is Reason.NO_DEVICE


def test_an_interface_that_has_another_name_by_now_is_another_link(desk: Desk) -> None:
    hilink(desk.tree)
    (link,) = desk.links()
    desk.tree.pull("1-1")
    hilink(desk.tree, net="usb7")
    with pytest.raises(ConnectError, match="no dongle is at USB 1-1 any more"):
        run(desk.driver.connect(link))


def test_a_new_lease_and_a_lost_one_are_told(desk: Desk) -> None:
    hilink(desk.tree)
    desk.context.script_dhcp(lease("usb1"))

    async def check() -> None:
        (link,) = desk.links()
        await desk.driver.connect(link)
        events = desk.driver.events()
        (client,) = desk.context.leases
        client.renew(lease("usb1", 9))
        event = await anext(events)
        assert isinstance(event, ConnectionChanged)
        assert event.connection.metered
        client.lose()
        assert await anext(events) == Lost(
            "hilink:1-1",
            Reason.NO_ADDRESS,
            "the DHCP lease of usb1 is lost; the modem may have hung up",
        )
        await desk.driver.disconnect(link)
        await events.aclose()  # type: ignore[attr-defined]

    run(check())


def test_of_two_in_one_network_the_second_is_refused_until_the_first_is_down(desk: Desk) -> None:
    hilink(desk.tree, "1-1", "usb1")
    hilink(desk.tree, "1-2", "usb2")
    desk.context.script_dhcp(lease("usb1"), interface="usb1")
    desk.context.script_dhcp(lease("usb2"), interface="usb2")

    async def check() -> None:
        first, second = desk.links()
        await desk.driver.connect(first)
        with pytest.raises(ConnectError) as raised:
            await desk.driver.connect(second)
        assert raised.value.reason is Reason.MISCONFIGURED
        assert str(raised.value) == (
            "HUAWEI Mobile at USB 1-2 (usb2): it gives addresses of 192.168.8.0/24, as hilink:1-1"
            " does, so that the two cannot be told apart; unplug hilink:1-1 and give this one"
            " another network on its page http://192.168.8.1"
        )
        assert desk.context.leftovers() == ["a DHCP client on usb1 still runs"]
        await desk.driver.disconnect(first)
        events = desk.driver.events()
        assert await anext(events) == Retry(
            "hilink:1-2", "hilink:1-1 is down, so its network is free"
        )
        await events.aclose()  # type: ignore[attr-defined]
        await desk.driver.connect(second)
        await desk.driver.disconnect(second)

    run(check())


def test_two_in_different_networks_go_together(desk: Desk) -> None:
    hilink(desk.tree, "1-1", "usb1")
    hilink(desk.tree, "1-2", "usb2")
    desk.context.script_dhcp(lease("usb1", 8), interface="usb1")
    desk.context.script_dhcp(lease("usb2", 9), interface="usb2")

    async def check() -> None:
        links = desk.links()
        await asyncio.gather(*(desk.driver.connect(link) for link in links))
        for link in links:
            await desk.driver.disconnect(link)

    run(check())


def test_what_is_known_without_its_pages_is_told(desk: Desk) -> None:
    hilink(desk.tree)

    assert run(desk.driver.details(desk.links()[0])) == {"modem": "HUAWEI Mobile (12d1:14dc)"}


def test_repairs_take_this_dongle_anew(desk: Desk) -> None:
    hilink(desk.tree)
    (link,) = desk.links()
    switch = desk.tree.root / "bus/usb/devices/1-1/authorized"
    for step in (0, 1):  # without an address there is nobody to ask to dial anew
        switch.write_text("?")
        assert run(desk.driver.recover(link, step)) is True
        assert switch.read_text() == "1"
    desk.context.expect(UHUBCTL)
    assert run(desk.driver.recover(link, 2)) is True
    assert run(desk.driver.recover(link, 3)) is False


def test_one_that_answers_nothing_is_lost_and_taken_anew(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hilink(desk.tree)
    desk.context.script_dhcp(lease("usb1"))
    switch = desk.tree.root / "bus/usb/devices/1-1/authorized"
    answers = {Reason.REJECTED: "?", Reason.TIMEOUT: "1"}

    async def check() -> None:
        (link,) = desk.links()
        events = desk.driver.events()
        for reason, left in answers.items():

            async def refused(pages: WebApi, reason: Reason = reason, **_: bool) -> None:
                raise ConnectError(reason, "no")

            monkeypatch.setattr(WebApi, "redial", refused)
            await desk.driver.connect(link)
            switch.write_text("?")
            assert await desk.driver.recover(link, 0)
            assert switch.read_text() == left
        lost = await anext(events)
        assert isinstance(lost, Lost)
        assert lost.reason is Reason.WEDGED
        assert desk.context.leftovers() == []
        await events.aclose()  # type: ignore[attr-defined]

    run(check())

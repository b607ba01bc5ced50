"""Connecting a wired link: by DHCP, by hand, and every way in which it does not work."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Coroutine
from dataclasses import replace
from ipaddress import ip_address, ip_interface
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import Address, ConnectError, ConnectionChanged, Family, Link, Lost, Reason
from conman_core.options import defaults
from conman_core.results import check_connection
from conman_core.testing import SILENCE, FakeContext, FakeLease, FakeSysfs, lease_on, run
from conman_plugins.ethernet.driver import EthernetDriver
from conman_plugins.ethernet.static import static_connection

ETH0, ETH1 = (Link("ethernet", name, name) for name in ("eth0", "eth1"))
STATIC = {"address": "static", "static-address": "192.0.2.20/24", "gateway": "192.0.2.1"}


class Desk:
    """A machine with eth0 and eth1, and the driver for it."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.machine = FakeSysfs(folder)
        self.machine.add("eth0")
        self.machine.add("eth1")
        self.context = FakeContext(EthernetDriver, settings)
        self.driver = EthernetDriver(self.context, self.machine.inventory)

    def connect(self, link: Link = ETH0) -> Any:
        return run(self.driver.connect(link))

    def refused(self, link: Link = ETH0) -> ConnectError:
        with pytest.raises(ConnectError) as caught:
            self.connect(link)
        assert not self.context.leftovers()
        return caught.value


@pytest.fixture
def desk(tmp_path: Path) -> Callable[..., Desk]:
    def make(**settings: str) -> Desk:
        return Desk(tmp_path / "net", {k.replace("_", "-"): v for k, v in settings.items()})

    return make


def in_one_loop(check: Coroutine[Any, Any, None]) -> None:
    run(check, limit=10)


class TestDhcp:
    def test_the_lease_is_what_the_link_offers(self, desk):
        assert desk().connect() == lease_on("eth0")

    def test_each_link_has_a_client_of_its_own(self, desk):
        made = desk()

        assert made.connect(ETH0) == lease_on("eth0")
        assert made.connect(ETH1) == lease_on("eth1")
        assert len(made.context.leases) == 2

    def test_the_users_dns_servers_replace_those_of_the_network(self, desk):
        made = desk(dns="9.9.9.9, 2620:fe::fe")

        assert made.connect() == replace(
            lease_on("eth0"), dns=(ip_address("9.9.9.9"), ip_address("2620:fe::fe"))
        )

    def test_without_signal_no_dhcp_client_is_started(self, desk):
        made = desk()
        made.machine.set_carrier("eth0", False)

        refusal = made.refused()

        assert refusal.reason is Reason.NO_CARRIER
        assert "eth0 has no signal on its cable" in refusal.sentence
        assert not made.context.leases

    def test_where_the_carrier_is_not_known_yet_it_is_tried(self, desk):
        made = desk()
        made.machine.set_carrier("eth0", None)

        assert made.connect() == lease_on("eth0")

    def test_a_device_that_was_unplugged_is_named(self, desk):
        made = desk()
        made.machine.remove("eth0")

        refusal = made.refused()

        assert refusal.reason is Reason.NO_DEVICE
        assert refusal.sentence == "eth0 is gone; plug its device in again"

    def test_a_silent_network_is_given_up_after_the_users_time(self, desk):
        made = desk(dhcp_timeout="50ms")
        made.context.script_dhcp(SILENCE)

        refusal = made.refused()

        assert refusal.reason is Reason.NO_ADDRESS
        assert "no DHCP server answered on eth0 within 0.05 s; check" in refusal.sentence

    def test_the_longest_wait_fits_into_the_drivers_time_limit(self):
        limit = next(o for o in EthernetDriver.options() if o.name == "dhcp-timeout")

        assert "at most 2m" in limit.help
        assert EthernetDriver.connect_limit > 120

    @pytest.mark.parametrize("reason", [Reason.NO_TOOL, Reason.BUSY, Reason.NO_ADDRESS])
    def test_what_the_client_says_is_passed_on(self, desk, reason):
        made = desk()
        made.context.script_dhcp(ConnectError(reason, "dhcpcd is not installed"))

        refusal = made.refused()

        assert (refusal.reason, refusal.sentence) == (reason, "dhcpcd is not installed")

    def test_later_leases_and_their_loss_are_events(self, desk):
        async def check() -> None:
            made = desk(dns="9.9.9.9")
            await made.driver.connect(ETH0)
            events = made.driver.events()
            (lease,) = made.context.leases

            lease.renew(lease_on("eth0", 44))
            changed = await anext(events)
            lease.lose()
            lost = await anext(events)
            lease.renew(lease_on("eth0", 45))
            again = await anext(events)

            wanted = replace(lease_on("eth0", 44), dns=(ip_address("9.9.9.9"),))
            assert changed == ConnectionChanged("ethernet:eth0", wanted)
            assert isinstance(lost, Lost)
            assert (lost.link, lost.reason) == ("ethernet:eth0", Reason.NO_ADDRESS)
            assert lost.sentence.startswith("the DHCP lease of eth0 is lost")
            assert isinstance(again, ConnectionChanged)
            await made.driver.disconnect(ETH0)
            assert not made.context.leftovers()

        in_one_loop(check())

    def test_connecting_again_starts_afresh_and_leaves_one_client(self, desk):
        async def check() -> None:
            made = desk()
            for _ in range(3):
                await made.driver.connect(ETH0)
            assert [lease.running for lease in made.context.leases] == [False, False, True]
            await made.driver.disconnect(ETH0)
            assert not made.context.leftovers()

        in_one_loop(check())

    def test_of_several_connects_at_once_the_last_one_counts(self, desk):
        async def check() -> None:
            made = desk()
            await made.driver.connect(ETH0)
            calls = (made.driver.connect(ETH0) for _ in range(4))
            *others, last = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(other) for other in others} == {ConnectError}
            assert last == lease_on("eth0")
            assert sum(lease.running for lease in made.context.leases) == 1
            await made.driver.disconnect(ETH0)
            assert not made.context.leftovers()

        in_one_loop(check())

    @pytest.mark.parametrize("turns", range(10))
    def test_disconnecting_while_it_connects_ends_both(self, desk, turns):
        async def check() -> None:
            made = desk()
            connecting = asyncio.create_task(made.driver.connect(ETH0))
            for _ in range(turns):
                await asyncio.sleep(0)
            begun, was_connected = bool(made.context.leases), connecting.done()
            await made.driver.disconnect(ETH0)
            (ended,) = await asyncio.gather(connecting, return_exceptions=True)
            if begun and not was_connected:
                assert not made.context.leftovers()
                assert isinstance(ended, ConnectError)
                assert ended.reason is Reason.LOST
                assert "eth0 was taken down while it asked by DHCP" in ended.sentence
            else:
                assert ended == lease_on("eth0")
            await made.driver.disconnect(ETH0)
            assert not made.context.leftovers()
            assert await made.driver.connect(ETH0) == lease_on("eth0")

        in_one_loop(check())

    def test_a_client_is_released_by_one_at_a_time_and_not_while_it_still_asks(
        self, desk, monkeypatch
    ):
        busy: list[str] = []

        def alone(method):
            async def watched(lease):
                assert not busy, f"{method.__name__} during {busy}"
                busy.append(method.__name__)
                try:
                    return await method(lease)
                finally:
                    with contextlib.suppress(asyncio.CancelledError):
                        await asyncio.sleep(0)
                    busy.pop()

            return watched

        for name in ("acquire", "release"):
            monkeypatch.setattr(FakeLease, name, alone(getattr(FakeLease, name)))

        async def check() -> None:
            made = desk()
            made.context.script_dhcp(SILENCE, lease_on("eth0"))
            connecting = asyncio.create_task(made.driver.connect(ETH0))
            while not made.context.leftovers():
                await asyncio.sleep(0)
            await asyncio.gather(
                *(made.driver.disconnect(ETH0) for _ in range(3)), made.driver.connect(ETH0)
            )
            with pytest.raises(ConnectError, match="taken down"):
                await connecting
            # who came late did not take the new connection down
            assert [lease.running for lease in made.context.leases] == [False, True]
            await made.driver.disconnect(ETH0)
            assert not made.context.leftovers()

        in_one_loop(check())

    def test_disconnecting_from_a_silent_network_does_not_wait_for_it(self, desk):
        async def check() -> None:
            made = desk()
            made.context.script_dhcp(SILENCE)
            connecting = asyncio.create_task(made.driver.connect(ETH0))
            while not made.context.leftovers():
                await asyncio.sleep(0)
            await asyncio.gather(*(made.driver.disconnect(ETH0) for _ in range(3)))
            assert not made.context.leftovers()
            with pytest.raises(ConnectError, match="taken down"):
                await connecting

        in_one_loop(check())

    def test_the_address_is_kept_when_conman_ends_without_disconnecting(self, desk):
        """The next start takes the link over as it is: a released address would be another's."""
        made = desk()
        made.connect()  # the loop ends, and with it all of its tasks

        assert made.context.leftovers() == ["a DHCP client on eth0 still runs"]


class TestStatic:
    def test_the_settings_are_what_the_link_offers(self, desk):
        made = desk(**STATIC, dns="192.0.2.1, 9.9.9.9")

        connection = made.connect()

        assert connection.addresses == (Address(ip_interface("192.0.2.20/24")),)
        assert connection.gateways == {Family.IPV4: ip_address("192.0.2.1")}
        assert connection.dns == (ip_address("192.0.2.1"), ip_address("9.9.9.9"))
        assert not made.context.leases

    def test_without_gateway_there_is_no_default_route(self, desk):
        made = desk(address="static", static_address="192.0.2.20/24")

        assert made.connect().gateways == {}

    @pytest.mark.parametrize(
        ("address", "gateway"),
        [
            ("2001:db8::20/64", "2001:db8::1"),
            ("2001:db8::20/64", "fe80::1"),
            ("192.0.2.20/32", "203.0.113.1"),
            ("192.0.2.20/31", "192.0.2.21"),
            ("2001:db8::20/128", "2001:db8:1::1"),
        ],
    )
    def test_a_gateway_on_the_link_is_taken(self, desk, address, gateway):
        made = desk(address="static", static_address=address, gateway=gateway)

        connection = check_connection(made.connect(), "eth0")

        assert list(connection.gateways.values()) == [ip_address(gateway)]

    @pytest.mark.parametrize(
        ("settings", "says"),
        [
            ({}, "needs a static-address; write one such as static-address = 192.168.1.20/24"),
            ({"static_address": "192.0.2.0/24"}, "not the address of a host in 192.0.2.0/24"),
            ({"static_address": "192.0.2.255/24"}, "not the address of a host in 192.0.2.0/24"),
            ({"static_address": "127.0.0.1/8"}, "not the address of a host"),
            ({"static_address": "224.0.0.9/4"}, "not the address of a host"),
            ({**STATIC, "gateway": "192.0.3.1"}, "write the router's own address in 192.0.2.0/24"),
            ({**STATIC, "gateway": "192.0.2.20"}, "cannot be reached"),
            ({**STATIC, "gateway": "192.0.2.255"}, "cannot be reached"),
            ({**STATIC, "gateway": "fe80::1"}, "are of two kinds"),
        ],
    )
    def test_settings_that_do_not_fit_are_explained(self, desk, settings, says):
        texts = {key.replace("-", "_"): value for key, value in settings.items()}
        made = desk(**{"address": "static", **texts})
        made.machine.set_carrier("eth0", False)  # the settings are told first: they need a person

        refusal = made.refused()

        assert refusal.reason is Reason.MISCONFIGURED
        assert says in refusal.sentence
        assert refusal.sentence.endswith("(section [conman:ethernet])")

    @pytest.mark.parametrize("interfaces", ["", "eth*", "eth0", "eth0, eth1"])
    def test_only_the_first_interface_may_have_the_address_whoever_is_quicker(
        self, desk, interfaces
    ):
        """It is an address of one network; on the cable of another it reaches nothing."""
        made = desk(**STATIC, interfaces=interfaces)

        for refusal in (made.refused(ETH1), made.refused(ETH1)):
            assert refusal.reason is Reason.MISCONFIGURED
            assert "the static address is that of eth0, which comes first" in refusal.sentence
            assert "eth1 cannot have it too" in refusal.sentence
            assert "to have it on eth1 write interfaces = eth1" in refusal.sentence
        assert made.connect(ETH0).interface == "eth0"
        run(made.driver.disconnect(ETH0))
        assert made.refused(ETH1).reason is Reason.MISCONFIGURED

    def test_the_users_order_says_which_is_the_first(self, desk):
        made = desk(**STATIC, interfaces="eth1, eth0")

        assert made.refused(ETH0).reason is Reason.MISCONFIGURED
        assert made.connect(ETH1).interface == "eth1"

    def test_the_first_has_the_address_as_soon_as_its_cable_comes(self, desk):
        made = desk(**STATIC)
        made.machine.set_carrier("eth0", False)
        assert made.refused(ETH0).reason is Reason.NO_CARRIER
        assert made.refused(ETH1).reason is Reason.MISCONFIGURED
        made.machine.set_carrier("eth0", True)

        assert made.connect(ETH0).interface == "eth0"

    def test_a_cable_that_is_out_is_told_before_a_second_interface_is(self, desk):
        made = desk(**STATIC)
        made.machine.set_carrier("eth1", False)

        assert made.refused(ETH1).reason is Reason.NO_CARRIER

    def test_the_one_that_is_named_first_is_waited_for_while_it_is_not_there(self, desk):
        made = desk(**STATIC, interfaces="enx00e04c680001, eth1")

        assert "the static address is that of enx00e04c680001" in made.refused(ETH1).sentence

    def test_an_adapter_that_is_plugged_in_later_takes_nothing_away(self, desk):
        """By its name it comes first, but the address works where it is."""
        made = desk(**STATIC)
        assert made.connect(ETH0).interface == "eth0"
        made.machine.add("enx00e04c680001")
        late = Link("ethernet", "enx00e04c680001", "enx00e04c680001")

        assert "that of eth0" in made.refused(late).sentence
        run(made.driver.disconnect(ETH0))
        assert made.connect(ETH0).interface == "eth0"
        made.machine.remove("eth0")
        assert made.connect(late).interface == "enx00e04c680001"


class TestCheck:
    """What `conman config check` says before the daemon takes it."""

    @staticmethod
    def faults(**settings: str) -> list[tuple[str, str]]:
        texts = {key.replace("_", "-"): value for key, value in settings.items()}
        return list(EthernetDriver.check_settings(FakeContext(EthernetDriver, texts).settings))

    def test_the_defaults_and_settings_that_fit_are_right(self):
        assert self.faults() == []
        assert self.faults(interfaces="eth0, enx*", dns="9.9.9.9") == []
        assert self.faults(**STATIC) == []
        assert self.faults(**STATIC, interfaces="e*", dns="9.9.9.9") == []
        assert self.faults(address="static", static_address="192.0.2.20/24") == []

    @pytest.mark.parametrize(
        ("settings", "key", "says"),
        [
            ({}, "address", "needs a static-address; write one such as"),
            ({"static_address": "192.0.2.0/24"}, "static-address", "not the address of a host"),
            (
                {**STATIC, "gateway": "192.0.3.1"},
                "gateway",
                "the router's own address in 192.0.2.0",
            ),
            ({**STATIC, "gateway": "fe80::1"}, "gateway", "write a gateway of IPv4"),
            (
                {**STATIC, "interfaces": "eth0, eth1"},
                "interfaces",
                "only one interface can have the address; write interfaces = eth0",
            ),
        ],
    )
    def test_what_would_take_the_machine_offline_is_refused(self, settings, key, says):
        ((about, sentence),) = self.faults(**{"address": "static"} | settings)

        assert about == key
        assert says in sentence

    @pytest.mark.parametrize("key", ["static-address", "gateway"])
    def test_half_of_a_static_address_is_refused(self, key):
        """Who writes it means it; with DHCP it would have no effect."""
        ((about, sentence),) = self.faults(**{key: STATIC[key]})

        assert about == key
        assert sentence == (
            f"{key} = {STATIC[key]} has no effect without address = static; "
            "write that line too, or delete this one"
        )

    @pytest.mark.parametrize(
        "interfaces",
        ["eth0 eth1", "eth0;eth1", "eth0/eth1", "eth0:1", '"eth0"', "eth0@if5", "[eth0", "a" * 16],
    )
    def test_what_can_be_no_interface_is_refused(self, interfaces):
        option = next(o for o in EthernetDriver.options() if o.name == "interfaces")

        with pytest.raises(ValueError, match=re.escape(interfaces)):
            option.parse(f"eth7, {interfaces}")
        assert option.allowed == (
            "interfaces separated by commas: names such as eth0, patterns such as en*"
        )

    @pytest.mark.parametrize(
        "interfaces", ["eth0, enx*", "eth[0-9], enp?s0", "br-lan, eth0.5, a_b", "a" * 15, "eth[!1]"]
    )
    def test_names_and_patterns_are_taken_as_they_are(self, interfaces):
        option = next(o for o in EthernetDriver.options() if o.name == "interfaces")

        assert option.parse(interfaces) == tuple(interfaces.split(", "))


_ADDRESSES = st.ip_addresses().flatmap(
    lambda address: st.integers(0, address.max_prefixlen).map(
        lambda prefix: ip_interface(f"{address}/{prefix}")
    )
)


@given(_ADDRESSES, st.none() | st.ip_addresses())
def test_what_the_driver_takes_the_core_takes_too(own, gateway):
    """Whatever a user writes: a sentence, or a connection that the core does not refuse."""
    settings = {"static-address": own, "gateway": gateway, "dns": ()}
    with contextlib.suppress(ConnectError):
        check_connection(static_connection("eth0", settings), "eth0")


@given(st.data())
def test_a_gateway_of_the_same_network_is_always_taken(data):
    own = ip_interface(f"10.1.{data.draw(st.integers(0, 255))}.7/{data.draw(st.integers(8, 28))}")
    hosts = range(1, own.network.num_addresses - 1)
    gateway = own.network[data.draw(st.sampled_from(hosts))]
    settings = {"static-address": own, "gateway": gateway, "dns": ()}

    if gateway != own.ip:
        assert static_connection("eth0", settings).gateways == {Family.IPV4: gateway}


def test_every_default_can_be_used_as_it_is():
    values = defaults(EthernetDriver.options())

    assert values["address"] == "dhcp"
    assert values["dhcp-timeout"] == 30.0
    assert values["interfaces"] == values["dns"] == ()


def test_the_readme_has_every_setting_and_every_reason():
    page = Path(__file__).parents[2] / "conman_plugins/ethernet/README.md"
    lines = page.read_text().splitlines()
    rows = [line for line in lines if line.startswith("| `") and not line.startswith("| `NO")]

    assert len(rows) >= len(EthernetDriver.options())
    for option, row in zip(EthernetDriver.options(), rows, strict=False):
        default = f"`{option.default}`" if option.default else ""
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert cells == [f"`{option.name}`", default, option.help]
    code = "".join(
        file.read_text() for file in page.parent.glob("*.py") if file.name != "__init__.py"
    )
    for reason in Reason:
        if f"Reason.{reason.name}" in code:
            assert f"`{reason.name}`" in page.read_text()
    for wanted in ("## Removal", "## Known limitations", "Grade: bronze"):
        assert any(line.startswith(wanted) for line in lines), wanted

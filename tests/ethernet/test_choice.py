"""Which interfaces become links, in which order, and what is said when none does."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import Reason, Unavailable
from conman_core.inventory import Interface
from conman_core.results import check_probe
from conman_core.testing import FakeContext, FakeSysfs
from conman_plugins.ethernet.choice import choose
from conman_plugins.ethernet.driver import EthernetDriver


@pytest.fixture
def machine(tmp_path: Path) -> FakeSysfs:
    """A gateway with nearly everything: wired are eth0, eth2, eth10 and enx00e04c680001."""
    made = FakeSysfs(tmp_path / "net")
    made.add("lo", driver=None, arp_type=772)
    for name in ("eth10", "eth2", "eth0"):
        made.add(name, driver="bcmgenet")
    made.add("enx00e04c680001", driver="r8152", carrier=None)
    made.add("eth3", driver="r8152", master="br0")
    made.add("eth0.5", driver=None, devtype="vlan")
    made.add("br0", driver=None, devtype="bridge", folders=["bridge"])
    made.add("bond0", driver=None, devtype="bond", folders=["bonding"])
    made.add("docker0", driver=None, devtype="bridge", folders=["bridge"])
    made.add("veth0", driver=None)
    made.add("tap0", driver=None, files={"tun_flags": "0x1002"})
    made.add("tun0", driver=None, arp_type=65534, files={"tun_flags": "0x1001"})
    made.add("wlan0", driver="brcmfmac", folders=["phy80211", "wireless"])
    made.add("wwan0", driver="qmi_wwan", devtype="wwan")
    made.add("usb0", driver="dwc2", devtype="gadget")
    return made


def probe(machine: FakeSysfs, interfaces: str = ""):
    context = FakeContext(EthernetDriver, {"interfaces": interfaces})
    probed = EthernetDriver(context, machine.inventory).probe()
    return check_probe("ethernet", probed)


def devices(machine: FakeSysfs, interfaces: str = "") -> list[str]:
    links = probe(machine, interfaces)
    assert [link.preference for link in links] == list(range(len(links)))
    assert all(link.interface == link.device for link in links)
    return [link.device for link in links]


def test_without_a_setting_all_wired_interfaces_are_used_and_no_other(machine):
    assert devices(machine) == ["enx00e04c680001", "eth0", "eth2", "eth10"]


@pytest.mark.parametrize(
    ("interfaces", "expected"),
    [
        ("eth2, eth0", ["eth2", "eth0"]),
        ("eth2, eth*", ["eth2", "eth0", "eth10"]),
        ("enx*, eth[0-9]", ["enx00e04c680001", "eth0", "eth2"]),
        ("eth0, eth0", ["eth0"]),
        ("eth7, eth2", ["eth2"]),
        ("*", ["enx00e04c680001", "eth0", "eth2", "eth10"]),
        ("br*, tap*, w*, eth10", ["eth10"]),
        ("ETH0, eth2", ["eth2"]),
    ],
)
def test_the_users_order_counts_and_in_a_pattern_the_number(machine, interfaces, expected):
    assert devices(machine, interfaces) == expected


@pytest.mark.parametrize(
    "name", ["br0", "bond0", "eth0.5", "veth0", "tap0", "docker0", "wwan0", "usb0"]
)
def test_what_is_named_in_full_may_be_anything_that_speaks_ethernet(machine, name):
    assert devices(machine, f"eth2, {name}") == ["eth2", name]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("wlan0", "wlan0 (it is a WiFi interface, which the wifi driver connects)"),
        ("eth3", "eth3 (it is a port of br0, which may be used in its place)"),
        ("tun0", "tun0 (it is of kind tun"),
    ],
)
def test_what_cannot_be_used_even_when_named_is_told_first(machine, name, why):
    unavailable = probe(machine, name)

    assert isinstance(unavailable, Unavailable)
    assert unavailable.reason is Reason.NO_DEVICE
    assert f"interfaces = {name} in [conman:ethernet]: there is {why}" in unavailable.sentence


def test_an_interface_without_signal_or_down_is_offered_as_the_core_sets_it_up(tmp_path):
    machine = FakeSysfs(tmp_path / "net")
    machine.add("eth0", carrier=False)
    machine.add("eth1", carrier=None)

    assert devices(machine) == ["eth0", "eth1"]


def test_a_machine_without_a_wired_interface_says_what_there_is(tmp_path):
    machine = FakeSysfs(tmp_path / "net")
    machine.add("lo", driver=None, arp_type=772)
    assert probe(machine).sentence == (
        "no wired interface: there is no interface at all; plug an adapter in"
    )

    machine.add("veth0", driver=None)
    assert "there is veth0 (it is virtual, no device is behind it; name it" in str(probe(machine))


def test_a_wrong_name_is_answered_with_the_right_ones(tmp_path):
    machine = FakeSysfs(tmp_path / "net")
    machine.add("enp1s0")

    assert probe(machine, "eth0").sentence == (
        "no interface to use for interfaces = eth0 in [conman:ethernet]:"
        " there is enp1s0 (which is not named)"
    )


def test_a_machine_full_of_containers_does_not_fill_the_sentence(tmp_path):
    machine = FakeSysfs(tmp_path / "net")
    for number in range(300):
        machine.add(f"veth{number}", driver=None)

    assert probe(machine).sentence.endswith("and 294 more; plug an adapter in")


@pytest.mark.parametrize("name", ["a,b", "ü0", "b\udcffd", "x\x01"])
def test_a_name_that_no_priority_list_can_hold_is_not_offered(tmp_path, name):
    machine = FakeSysfs(tmp_path / "net")
    machine.add(name)

    unavailable = probe(machine)

    assert "rename it with: ip link set" in unavailable.sentence
    assert unavailable.sentence.isprintable()
    machine.add("eth0")
    assert devices(machine) == ["eth0"]


_NAMES = st.sampled_from(["eth0", "eth1", "br0", "wlan0", "eth*", "*", "[", "e[!t]h0", "eth7"])


_PRESENT = [
    Interface("br0", 4, "", True, "up", "bridge", True, None, None, "it is a bridge"),
    Interface("eth0", 2, "", True, "up", "ethernet", True, None, "macb"),
    Interface("eth1", 3, "", True, "up", "ethernet", True, "br0", "macb", "it is a port of br0"),
    Interface("wlan0", 5, "", True, "up", "wifi", True, None, "brcmfmac", "it is WiFi"),
]


@given(st.lists(_NAMES, min_size=1, max_size=6), st.lists(_NAMES, max_size=6))
def test_more_wishes_at_the_end_never_change_what_came_before(first, more):
    before, after = choose(first, _PRESENT), choose(first + more, _PRESENT)

    assert after[: len(before)] == before
    assert len({interface.name for interface in after}) == len(after)
    assert {interface.name for interface in after} <= {"eth0", "br0"}

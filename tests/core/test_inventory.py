"""The inventory tells a wired device from everything else that calls itself an interface."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import inventory
from conman_core.inventory import Interface, Inventory, natural
from conman_core.testing import FakeSysfs
from tests.netns.namespaces import Bench, Namespace, bench

ROOT = Path(__file__).parents[2]


@pytest.fixture
def machine(tmp_path: Path) -> FakeSysfs:
    return FakeSysfs(tmp_path / "net")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param("eth0", {"driver": "smsc95xx"}, id="raspberry-pi-3"),
        pytest.param("eth0", {"driver": "lan78xx"}, id="raspberry-pi-3b+"),
        pytest.param("eth0", {"driver": "bcmgenet"}, id="raspberry-pi-4"),
        pytest.param("eth0", {"driver": "macb"}, id="raspberry-pi-5"),
        pytest.param("enx00e04c680001", {"driver": "r8152"}, id="usb-adapter"),
        pytest.param("usb0", {"driver": "rndis_host"}, id="tethered-phone"),
        pytest.param("wlan7", {"driver": "igb"}, id="ethernet-with-a-misleading-name"),
        pytest.param("lan1", {"driver": "mv88e6085", "devtype": "dsa"}, id="port-of-a-switch-chip"),
        pytest.param("eth0", {"driver": "virtio_net", "carrier": None}, id="down"),
    ],
)
def test_a_device_that_speaks_ethernet_over_a_cable_is_wired(machine, name, arguments):
    machine.add(name, **arguments)

    found = machine.inventory.describe(name)

    assert found.wired
    assert (found.kind, found.driver) == ("ethernet", arguments["driver"])
    assert found.ethernet_frames


@pytest.mark.parametrize(
    ("name", "arguments", "kind"),
    [
        ("lo", {"driver": None, "arp_type": 772}, "loopback"),
        ("wlan0", {"driver": "brcmfmac", "folders": ["phy80211", "wireless"]}, "wifi"),
        ("wlan1", {"driver": "rtl8xxxu", "devtype": "wlan"}, "wifi"),
        ("eth7", {"driver": "8812au", "folders": ["wireless"]}, "wifi"),
        ("wwan0", {"driver": "qmi_wwan", "devtype": "wwan"}, "wwan"),
        ("wwan1", {"driver": "qmi_wwan", "arp_type": 519}, "rawip"),
        ("wwp0s20u3", {"driver": "cdc_mbim", "devtype": "wwan"}, "wwan"),
        ("usb0", {"driver": "dwc2", "devtype": "gadget"}, "gadget"),
        ("bnep0", {"driver": "btusb", "devtype": "bluetooth"}, "bluetooth"),
        ("docker0", {"driver": None, "devtype": "bridge", "folders": ["bridge"]}, "bridge"),
        ("br0", {"driver": None, "folders": ["bridge"]}, "bridge"),
        ("bond0", {"driver": None, "devtype": "bond", "folders": ["bonding"]}, "bond"),
        ("team0", {"driver": None}, "virtual"),
        ("eth0.5", {"driver": None, "devtype": "vlan"}, "vlan"),
        ("mv0", {"driver": None, "devtype": "macvlan"}, "macvlan"),
        ("vx0", {"driver": None, "devtype": "vxlan"}, "vxlan"),
        ("wg0", {"driver": None, "devtype": "wireguard", "arp_type": 65534}, "wireguard"),
        ("tun0", {"driver": None, "arp_type": 65534, "files": {"tun_flags": "0x1001"}}, "tun"),
        ("tap0", {"driver": None, "files": {"tun_flags": "0x1002"}}, "tun"),
        ("veth12ab", {"driver": None}, "virtual"),
        ("ifb0", {"driver": None}, "virtual"),
        ("dummy0", {"driver": None}, "virtual"),
        ("ppp0", {"driver": None, "arp_type": 512}, "ppp"),
        ("sit0", {"driver": None, "arp_type": 776}, "tunnel"),
        ("can0", {"driver": "mcp251x", "arp_type": 280}, "can"),
        ("ib0", {"driver": "mlx5_core", "arp_type": 32}, "infiniband"),
        ("odd0", {"driver": "odd", "arp_type": 4711}, "type 4711"),
        ("eth1", {"driver": "fsl_dpaa", "folders": ["dsa"]}, "conduit"),
        ("new0", {"driver": "some_driver", "devtype": "quantum"}, "quantum"),
    ],
)
def test_everything_else_is_not_wired_and_says_why(machine, name, arguments, kind):
    machine.add(name, **arguments)

    found = machine.inventory.describe(name)

    assert not found.wired
    assert found.kind == kind
    assert found.why_not_wired.startswith(("it is ", "it leads ", "it carries "))
    assert found.ethernet_frames == (arguments.get("arp_type", 1) == 1)


@pytest.mark.parametrize("master", ["br0", "bond0", "vrf-blue"])
def test_a_port_of_something_else_is_not_wired_and_names_what_to_use(machine, master):
    machine.add("eth0", master=master)

    found = machine.inventory.describe("eth0")

    assert not found.wired
    assert found.master == master
    assert found.why_not_wired == f"it is a port of {master}, which may be used in its place"


@pytest.mark.parametrize("carrier", [True, False, None])
def test_carrier_is_unknown_while_an_interface_is_down(machine, carrier):
    machine.add("eth0", carrier=carrier)

    assert machine.inventory.describe("eth0").carrier is carrier


def test_names_are_those_in_sysfs_in_the_order_that_people_count(tmp_path):
    machine = FakeSysfs(tmp_path / "net")
    for name in ("eth10", "eth2", "eth2.7", "lo"):
        machine.add(name)
    (machine.root / "bonding_masters").write_text("bond0\n")  # a file, not an interface
    listed = ["lo", "eth10", "eth2:1", "eth2", "eth2.7", "bonding_masters", "eth99", "eth2"]

    assert Inventory(machine.root, lambda: listed).names() == ["eth2", "eth2.7", "eth10", "lo"]


@given(st.permutations(["e0", "e00", "e1", "e01", "e9a", "e10", "é1", "1e", "e"]))
def test_natural_order_does_not_depend_on_the_order_before(names):
    expected = ["1e", "e", "e0", "e00", "e01", "e1", "e9a", "e10", "é1"]

    assert sorted(names, key=natural) == expected


def test_one_name_that_is_not_utf_8_does_not_hide_the_others(machine):
    """netifaces then fails as a whole."""
    machine.add("eth0")
    odd = os.fsdecode(b"b\xffd")
    machine.add(odd)

    def broken() -> list[str]:
        raise SystemError("returned a result with an exception set")

    found = Inventory(machine.root, broken)
    assert found.names() == [odd, "eth0"]
    assert found.describe(odd).wired


def test_without_sysfs_there_are_no_interfaces(tmp_path):
    def broken() -> list[str]:
        raise OSError

    assert Inventory(tmp_path / "none", broken).names() == []
    assert Inventory(tmp_path / "none").names() == []
    assert Inventory(tmp_path / "none").interfaces() == []


def test_an_interface_that_vanishes_between_two_reads_is_not_there(machine, monkeypatch):
    """At whichever read it goes: the answer is None, or all that was true before."""
    machine.add("eth0", master="br0")
    before = machine.inventory.describe("eth0")
    reads = 0
    real_text, real_link, real_exists = Path.read_text, Path.readlink, os.path.lexists

    def vanish_at(number):
        def count():
            nonlocal reads
            reads += 1
            if reads == number:
                shutil.rmtree(machine.root / "eth0")

        def counted(function):
            def read(path, *arguments, **options):
                if str(path).startswith(str(machine.root)):
                    count()
                return function(path, *arguments, **options)

            return read

        monkeypatch.setattr(Path, "read_text", counted(real_text))
        monkeypatch.setattr(Path, "readlink", counted(real_link))
        monkeypatch.setattr(os.path, "lexists", counted(real_exists))

    for number in range(1, 100):
        reads = 0
        vanish_at(number)
        found = machine.inventory.describe("eth0")
        monkeypatch.undo()
        if (machine.root / "eth0").exists():
            assert found == before
            break
        assert found is None
        machine.add("eth0", master="br0")
        before = machine.inventory.describe("eth0")
    assert number > 8


def test_another_interface_of_the_same_name_is_not_taken_for_it(machine, monkeypatch):
    folder = machine.add("eth0")
    real = Path.readlink

    def replaced(path):
        (folder / "ifindex").write_text("77\n")
        return real(path)

    monkeypatch.setattr(Path, "readlink", replaced)

    assert machine.inventory.describe("eth0") is None


@given(
    st.dictionaries(
        st.sampled_from(["ifindex", "type", "uevent", "carrier", "operstate", "address"]),
        st.binary(max_size=40),
    )
)
def test_rubbish_in_sysfs_raises_nothing(tmp_path_factory, files):
    machine = FakeSysfs(tmp_path_factory.mktemp("fuzz"))
    folder = machine.add("eth0")
    for name, content in files.items():
        (folder / name).write_bytes(content)

    found = machine.inventory.describe("eth0")

    assert found is None or isinstance(found, Interface)


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ({"addr": "192.0.2.1", "netmask": "255.255.255.0"}, "192.0.2.1/24"),
        ({"addr": "192.0.2.1", "netmask": "255.255.255.255", "peer": "192.0.2.9"}, "192.0.2.1/32"),
        ({"addr": "192.0.2.1"}, "192.0.2.1/32"),
        ({"addr": "fe80::1%eth0", "netmask": "ffff:ffff:ffff:ffff::/64"}, "fe80::1/64"),
        ({"addr": "2001:db8::1", "netmask": "ffff:ffff:ffff:ffff::"}, "2001:db8::1/64"),
        ({"addr": "2001:db8::1"}, "2001:db8::1/128"),
    ],
)
def test_addresses_of_every_netifaces_are_understood(entry, address):
    found = inventory._address(entry["addr"], entry.get("netmask", ""))

    assert str(found) == address


def test_an_interface_that_is_not_there_has_no_addresses():
    assert Inventory().addresses("none0") == ()


@pytest.fixture(scope="module")
def zoo() -> Iterator[Namespace]:
    """A real kernel's interfaces of as many kinds as it has; what it lacks is left out."""
    with bench("inv") as made:
        yield _zoo(made)


def _zoo(made: Bench) -> Namespace:
    host = made.namespace("zoo")
    for name, kind in {
        **{"br0": "bridge", "bond0": "bond", "dummy0": "dummy", "ifb0": "ifb"},
        **{"wg0": "wireguard", "vrf0": "vrf table 9", "vx0": "vxlan id 5 dstport 4789"},
    }.items():
        host.ip("link", "add", name, "type", *kind.split(), check=False)
    host.ip("link", "add", "v2", "type", "veth", "peer", "name", "v10")
    host.ip("link", "add", "link", "v2", "name", "v2.5", "type", "vlan", "id", "5", check=False)
    host.ip("link", "add", "link", "v2", "name", "mv0", "type", "macvlan", check=False)
    host.ip("tuntap", "add", "tap0", "mode", "tap")
    host.ip("tuntap", "add", "tun0", "mode", "tun")
    host.ip("link", "set", "v10", "master", "br0")
    host.ip("link", "set", "v2", "up")
    host.ip("addr", "add", "192.0.2.1/24", "dev", "v2")
    host.ip("addr", "add", "198.51.100.1/25", "dev", "v2", "label", "v2:1")
    host.ip("addr", "add", "2001:db8::1/64", "dev", "v2", "nodad")
    return host


def _seen_in(host: Namespace) -> dict[str, dict[str, object]]:
    """What a process in the namespace sees: `ip netns exec` mounts its sysfs."""
    program = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import json, dataclasses as d\n"
        "from conman_core.inventory import Inventory\n"
        "i = Inventory()\n"
        "print(json.dumps({e.name: {**d.asdict(e), 'wired': e.wired,"
        " 'addresses': [str(a) for a in i.addresses(e.name)]} for e in i.interfaces()}))"
    )
    found = host.run(sys.executable, "-c", program)
    seen: dict[str, dict[str, object]] = json.loads(found)
    return seen


@pytest.mark.netns
def test_nothing_that_the_kernel_makes_up_is_wired(zoo):
    seen = _seen_in(zoo)

    assert {"lo", "br0", "ifb0", "v2", "v10", "tap0", "tun0"} <= set(seen)
    assert not [name for name, interface in seen.items() if interface["wired"]]
    kinds = {
        **{"lo": "loopback", "br0": "bridge", "bond0": "bond", "v2": "virtual", "vx0": "vxlan"},
        **{"wg0": "wireguard", "tap0": "tun", "tun0": "tun", "v2.5": "vlan", "ifb0": "virtual"},
    }
    assert {name: seen[name]["kind"] for name in kinds if name in seen} == {
        name: kind for name, kind in kinds.items() if name in seen
    }
    assert seen["v10"]["master"] == "br0"
    assert (seen["v2"]["carrier"], seen["v10"]["carrier"]) == (False, None)
    assert list(seen).index("v2") < list(seen).index("v10")


@pytest.mark.netns
def test_an_address_with_a_label_belongs_to_its_interface(zoo):
    """netifaces shows it as an interface of its own, `v2:1`."""
    seen = _seen_in(zoo)

    assert "v2:1" not in seen
    addresses = seen["v2"]["addresses"]
    assert {"192.0.2.1/24", "198.51.100.1/25", "2001:db8::1/64"} <= set(addresses)


@pytest.mark.netns
def test_a_name_of_odd_bytes_hides_nothing_on_a_real_kernel(zoo):
    odd = b"b\xffd"
    zoo.ip("link", "add", os.fsdecode(odd), "type", "ifb")
    try:
        seen = _seen_in(zoo)
    finally:
        zoo.ip("link", "del", os.fsdecode(odd))

    assert {os.fsdecode(odd), "v2", "br0"} <= set(seen)

"""With each real manager in charge of eth0 conman sees it, and its command hands eth0 over."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.netns.namespaces import bench
from tests.netns.worlds import World, need, wait_for

pytestmark = pytest.mark.netns

# what a service has that is locked down as far as conman can be
LOCKED_DOWN = (
    "setpriv",
    "--bounding-set=-all,+net_admin,+net_raw,+dac_override,+kill,+chown,+setuid,+setgid",
    "--inh-caps=-all",
)
OWNER = """
from dataclasses import asdict
from socket import if_nametoindex
from conman_core.net.managers import Managers
found = Managers().owner({interface!r}, {index}, {groups!r})
answer = found and asdict(found)
"""


class Machine(World):
    """A machine with a cable in eth0 whose other end is `port` of the host `far`."""

    networkmanager: subprocess.Popen[bytes]

    def owner(
        self,
        interface: str = "eth0",
        *prefix: str,
        groups: tuple[int, ...] = (),
        network: str | None = None,
    ) -> dict[str, Any] | None:
        index = "2" if network else f"if_nametoindex({interface!r})"
        code = OWNER.format(interface=interface, index=index, groups=groups)
        found: dict[str, Any] | None = self.python(code, *prefix, network=network)
        return found

    def busy(self) -> dict[str, Any]:
        return wait_for(self.owner)

    def free(self) -> None:
        wait_for(lambda: self.owner() is None)

    def start_bus(self) -> None:
        need("dbus-daemon", "dbus")
        self.start("dbus-daemon", "--system", "--nofork", "--nopidfile")
        wait_for(lambda: self.sh("test -S /run/dbus/system_bus_socket && echo yes", check=False))


@pytest.fixture
def machine() -> Iterator[Machine]:
    with bench("mg") as base:
        device, far = base.namespace("dev"), base.namespace("far")
        base.cable(device, "eth0", far, "port")
        made = Machine(base, device)
        yield made
        made.close()


def test_an_interface_that_nobody_manages_is_free(machine: Machine) -> None:
    assert machine.owner() is None
    assert machine.owner("lo") is None


# --- NetworkManager


@pytest.fixture
def networkmanager(machine: Machine) -> Machine:
    need("NetworkManager", "network-manager")
    machine.sh("printf '[main]\\nplugins=keyfile\\n' > /etc/NetworkManager/NetworkManager.conf")
    machine.start_bus()
    start_networkmanager(machine)
    return machine


def start_networkmanager(machine: Machine) -> None:
    machine.networkmanager = machine.start("NetworkManager", "--debug", log="nm.log")
    wait_for(lambda: "eth0" in machine.sh("nmcli -g DEVICE device", check=False))


def stop_networkmanager(machine: Machine) -> None:
    machine.sh("kill $(pgrep -x NetworkManager)")
    machine.networkmanager.wait(10)


def test_networkmanager_is_seen_and_its_command_hands_over(networkmanager: Machine) -> None:
    machine = networkmanager
    owner = machine.busy()
    assert owner["manager"] == "NetworkManager"
    assert owner["command"] == "nmcli device set eth0 managed no"
    assert owner["sentence"] == "eth0 is managed by NetworkManager"

    machine.sh(owner["command"])
    machine.free()
    machine.sh("nmcli device set eth0 managed yes")
    machine.busy()


def test_what_networkmanager_was_told_for_good_outlives_it(networkmanager: Machine) -> None:
    """It leaves state files behind that still say it manages the interface."""
    machine = networkmanager
    owner = machine.busy()
    stop_networkmanager(machine)
    assert machine.owner() is None

    machine.sh(owner["lasting"].split(" && ")[0])
    start_networkmanager(machine)
    machine.free()
    assert machine.sh("nmcli -g GENERAL.NM-MANAGED device show eth0").strip() == "no"


def test_the_lasting_command_works_at_once_and_keeps_what_the_user_set(
    networkmanager: Machine,
) -> None:
    machine = networkmanager
    machine.host.ip("link", "add", "x9", "type", "veth", "peer", "name", "x8")
    machine.sh(
        "printf '[keyfile]\\nunmanaged-devices=interface-name:x9\\n'"
        " > /etc/NetworkManager/conf.d/50-user.conf; nmcli general reload conf"
    )
    machine.sh(machine.busy()["lasting"])

    machine.free()
    assert machine.owner("x9") is None
    assert machine.owner("x8") is not None


def test_networkmanager_is_seen_on_a_line_that_never_had_a_signal(machine: Machine) -> None:
    """It writes no state file then, and would start on the cable as soon as it is plugged."""
    need("NetworkManager", "network-manager")
    far = machine.bench.namespaces[1]
    far.ip("link", "set", "port", "down")
    machine.sh("printf '[main]\\nplugins=keyfile\\n' > /etc/NetworkManager/NetworkManager.conf")
    machine.start_bus()
    start_networkmanager(machine)

    owner = machine.busy()
    assert not machine.sh("ls /run/NetworkManager/devices | grep -x 2", check=False)
    machine.sh(owner["command"])
    machine.free()


def test_networkmanager_that_does_not_answer_is_known_by_its_state_file(
    networkmanager: Machine,
) -> None:
    machine = networkmanager
    wait_for(lambda: machine.sh("grep -l managed=true /run/NetworkManager/devices/2", check=False))
    machine.sh("kill -STOP $(pgrep -x NetworkManager)")
    owner = machine.owner()
    machine.sh("kill -CONT $(pgrep -x NetworkManager)")
    machine.networkmanager.send_signal(signal.SIGCONT)  # nsenter stops when its child does

    assert owner is not None


def test_a_manager_in_another_namespace_does_not_count(networkmanager: Machine) -> None:
    machine = networkmanager
    machine.busy()

    assert machine.owner(network=machine.bench.namespaces[1].name) is None


# --- systemd-networkd


@pytest.fixture
def networkd(machine: Machine) -> Machine:
    need("systemd-networkd", "systemd")
    machine.start_bus()
    machine.sh(
        "printf '[Match]\\nName=eth0\\n[Network]\\nAddress=10.9.0.2/24\\n'"
        " > /etc/systemd/network/10-eth0.network"
    )
    machine.start("/lib/systemd/systemd-networkd", log="networkd.log")
    return machine


@pytest.mark.parametrize("form", ["command", "lasting"])
def test_networkd_is_seen_and_its_command_hands_over(networkd: Machine, form: str) -> None:
    owner = networkd.busy()
    assert owner["manager"] == "systemd-networkd"

    networkd.sh(owner[form])
    networkd.free()


def test_networkd_that_ended_does_not_count(networkd: Machine) -> None:
    networkd.busy()
    networkd.sh("kill $(pgrep -x systemd-network)")

    networkd.free()


def test_managers_are_seen_from_a_locked_down_service(networkd: Machine) -> None:
    """It may not read the namespace links of processes with other rights than its own."""
    networkd.busy()

    assert networkd.owner("eth0", *LOCKED_DOWN) is not None


# --- ifupdown


INTERFACES = """
auto lo
iface lo inet loopback
source /etc/network/interfaces.d/*
"""


@pytest.fixture
def ifupdown(machine: Machine) -> Machine:
    need("ifup", "ifupdown")
    machine.sh(f"echo '{INTERFACES}' > /etc/network/interfaces")
    machine.sh(
        "printf 'allow-hotplug eth0\\niface eth0 inet static\\n  address 10.9.0.2/24\\n'"
        " > /etc/network/interfaces.d/wired"
    )
    machine.sh("ip link set eth0 down; ifup lo eth0")
    return machine


def test_ifupdown_is_seen_until_its_command_takes_the_interface_down(ifupdown: Machine) -> None:
    owner = ifupdown.owner()
    assert owner is not None
    assert (owner["manager"], owner["command"]) == ("ifupdown", "ifdown eth0")
    assert ifupdown.owner("lo") is None

    ifupdown.sh(owner["command"])
    assert ifupdown.owner() is None
    ifupdown.sh("ifup eth0")
    assert ifupdown.owner() is not None


def test_ifupdown_told_for_good_leaves_the_interface_at_the_next_boot(ifupdown: Machine) -> None:
    owner = ifupdown.owner()
    assert owner is not None
    ifupdown.sh(owner["lasting"])
    ifupdown.sh("ifup eth0")

    assert ifupdown.owner() is None
    assert "10.9.0.2" not in ifupdown.sh("ip -4 addr show eth0")


# --- dhcpcd


@pytest.fixture
def dhcpcd(machine: Machine) -> Machine:
    need("dhcpcd", "dhcpcd-base")
    machine.sh("echo nodev >> /etc/dhcpcd.conf")  # no udev here
    machine.sh(
        'mkdir /run/bin; printf \'#!/bin/sh\\n[ "$*" = "stop dhcpcd" ] || exit 9\\n'
        "dhcpcd -q -x\\n' > /run/bin/systemctl; chmod +x /run/bin/systemctl"
    )
    return machine


def test_dhcpcd_for_all_interfaces_is_seen_and_its_command_hands_over(dhcpcd: Machine) -> None:
    dhcpcd.sh("dhcpcd -q -b")
    owner = dhcpcd.busy()
    assert owner["manager"] == "dhcpcd"

    dhcpcd.sh(f"PATH=/run/bin:$PATH; {owner['command']}")
    dhcpcd.free()


@pytest.mark.parametrize("family", ["", "-4 ", "-6 "])
def test_dhcpcd_on_one_interface_is_seen_and_its_command_ends_it(
    dhcpcd: Machine, family: str
) -> None:
    dhcpcd.sh(f"dhcpcd -q {family}-b eth0")
    owner = dhcpcd.busy()
    assert owner["command"] == f"dhcpcd {family}-x eth0"

    dhcpcd.sh(owner["command"])
    dhcpcd.free()


def test_conmans_own_dhcpcd_does_not_count(dhcpcd: Machine) -> None:
    dhcpcd.sh("setsid dhcpcd -q -4 -B eth0 >/dev/null 2>&1 &")
    dhcpcd.busy()
    pid = int(dhcpcd.sh("cat /run/dhcpcd/eth0-4.pid"))
    group = int(dhcpcd.sh(f"ps -o pgid= -p {pid}"))

    assert dhcpcd.owner(groups=(group,)) is None
    assert dhcpcd.owner(groups=(1,)) is not None
    dhcpcd.sh(f"kill -{signal.SIGTERM} {pid}")
    dhcpcd.free()

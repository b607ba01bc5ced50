"""The resolver file on real mounts, beside a real NetworkManager, read by the real C library."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.netns.namespaces import bench
from tests.netns.worlds import World, need, wait_for

pytestmark = pytest.mark.netns

CODE = """
from ipaddress import ip_address
from pathlib import Path
from conman_core.ledger import Ledger
from conman_core.net.resolver import Resolver
ledger = Ledger(Path("/run/conman/ledger.json"))
resolver = Resolver(Path("/etc/resolv.conf"), ledger)
answer = {}
"""


class Machine(World):
    def apply(self, *servers: str) -> str | None:
        """Apply in a fresh process; return its sentence."""
        made: str | None = self.python(
            CODE.format(f"resolver.apply([ip_address(text) for text in {servers!r}])")
        )
        return made

    def restore(self) -> list[str]:
        made: list[Any] = self.python(CODE.format("resolver.restore()"))
        return made

    def file(self) -> str:
        return self.sh("cat /etc/resolv.conf")


@pytest.fixture
def machine() -> Iterator[Machine]:
    with bench("rs") as base:
        device, far = base.namespace("dev"), base.namespace("far")
        base.cable(device, "eth0", far, "port")
        far.ip("addr", "add", "10.9.0.1/24", "dev", "port")
        made = Machine(base, device)
        yield made
        made.close()


def test_a_file_mounted_by_itself_is_written_in_place_and_comes_back(machine: Machine) -> None:
    """As container engines do it."""
    machine.sh("echo nameserver 10.9.0.9 > /run/host; echo '#' > /etc/resolv.conf")
    machine.sh("seq 200 | sed 's/^/# /' >> /run/host; mount --bind /run/host /etc/resolv.conf")
    original, files = machine.file(), machine.sh("ls -A /etc")
    assert machine.apply("10.9.0.1") is None
    assert "nameserver 10.9.0.1" in machine.file()
    assert "# 200" not in machine.file()
    assert machine.sh("cat /run/host") == machine.file()

    assert machine.restore() == ["put back /etc/resolv.conf"]
    assert machine.file() == original
    assert machine.sh("ls -A /etc") == files


def test_a_locked_down_service_may_write_the_file_alone(machine: Machine) -> None:
    """As systemd's ProtectSystem=strict with ReadWritePaths= of the file."""
    machine.sh("echo nameserver 10.9.0.9 > /etc/resolv.conf")
    machine.sh("mount --bind /etc /etc && mount --bind /etc/resolv.conf /etc/resolv.conf")
    machine.sh("mount -o remount,ro,bind /etc")

    assert machine.sh("touch /etc/x 2>/dev/null || echo closed") == "closed\n"
    assert machine.apply("10.9.0.1") is None
    assert "nameserver 10.9.0.1" in machine.file()
    assert machine.restore() == ["put back /etc/resolv.conf"]
    assert machine.file() == "nameserver 10.9.0.9\n"


def test_a_read_only_root_is_a_sentence(machine: Machine) -> None:
    machine.sh("echo nameserver 10.9.0.9 > /etc/resolv.conf")
    machine.sh("mount --bind /etc /etc && mount -o remount,ro,bind /etc")
    sentence = machine.apply("10.9.0.1")

    assert sentence is not None
    assert "read-only" in sentence
    assert machine.file() == "nameserver 10.9.0.9\n"
    assert machine.restore() == []


def test_a_full_disk_keeps_the_old_file(machine: Machine) -> None:
    machine.sh(
        "mkdir /run/small && mount -t tmpfs -o size=64k tmpfs /run/small"
        " && echo nameserver 10.9.0.9 > /run/small/resolv.conf"
        "; cat /dev/zero > /run/small/filler 2>/dev/null || true"
    )
    code = CODE.replace("/etc/resolv.conf", "/run/small/resolv.conf")
    sentence = machine.python(code.format("resolver.apply([ip_address('10.9.0.1')])"))

    assert sentence is not None
    assert "disk is full" in sentence
    assert machine.sh("cat /run/small/resolv.conf") == "nameserver 10.9.0.9\n"
    assert machine.sh("ls -A /run/small") == "filler\nresolv.conf\n"


def test_a_ledger_on_a_full_disk_keeps_its_old_content_and_stops_nothing(machine: Machine) -> None:
    machine.sh("mkdir /run/conman && mount -t tmpfs -o size=64k tmpfs /run/conman")
    remember = "(ledger.remember_interface({!r}), ledger.fault)[1]"
    assert machine.python(CODE.format(remember.format("eth0"))) is None
    machine.sh("cat /dev/zero > /run/conman/filler 2>/dev/null || true")
    fault = machine.python(CODE.format(remember.format("eth1")))
    assert machine.apply("10.9.0.1") is None

    assert "disk is full" in fault
    assert machine.python(CODE.format("ledger.entries.interfaces")) == ["eth0"]


def test_an_immutable_file_is_a_sentence_that_names_the_cure(machine: Machine) -> None:
    need("chattr", "e2fsprogs")
    folder = machine.bench.folder  # on the disk: tmpfs has no such flag on older kernels
    (folder / "resolv.conf").write_text("nameserver 10.9.0.9\n")
    machine.sh(f"chattr +i {folder}/resolv.conf")
    try:
        code = CODE.replace("/etc/resolv.conf", f"{folder}/resolv.conf")
        sentence = machine.python(code.format("resolver.apply([ip_address('10.9.0.1')])"))
    finally:
        machine.sh(f"chattr -i {folder}/resolv.conf")

    assert f"chattr -i {folder}/resolv.conf" in sentence
    assert [path.name for path in folder.iterdir()] == ["resolv.conf"]


def test_programs_resolve_names_through_the_servers_written(machine: Machine) -> None:
    """Also a program that was started before: the C library reads the file again."""
    need("dnsmasq", "dnsmasq-base")
    far = machine.bench.namespaces[1]
    machine.host.ip("addr", "add", "10.9.0.2/24", "dev", "eth0")
    far.start(
        *(
            "dnsmasq",
            "-k",
            "-C",
            "/dev/null",
            "--no-resolv",
            "--no-hosts",
            "--port=53",
            "--pid-file=",
        ),
        *("--listen-address=10.9.0.1", "--bind-interfaces", "--address=/device.example/192.0.2.7"),
    )
    assert machine.apply("10.9.0.1") is None

    wait_for(lambda: "192.0.2.7" in machine.sh("getent ahostsv4 device.example", check=False))


def test_beside_a_real_networkmanager(machine: Machine) -> None:
    """Its file is left alone; after the command in the sentence conman's stays."""
    need("NetworkManager", "network-manager")
    need("dbus-daemon", "dbus")
    machine.sh("printf '[main]\\nplugins=keyfile\\n' > /etc/NetworkManager/NetworkManager.conf")
    machine.start("dbus-daemon", "--system", "--nofork", "--nopidfile")
    wait_for(lambda: machine.sh("test -S /run/dbus/system_bus_socket && echo yes", check=False))
    machine.start("NetworkManager", "--debug", log="nm.log")
    wait_for(lambda: "eth0" in machine.sh("nmcli -g DEVICE device", check=False))
    machine.sh(
        "nmcli connection add type ethernet ifname eth0 con-name wired ipv4.method manual"
        " ipv4.addresses 10.9.0.2/24 ipv4.dns 10.9.0.53 ipv4.dns-search lan"
    )
    machine.sh("nmcli connection up wired")
    wait_for(lambda: "10.9.0.53" in machine.sh("cat /etc/resolv.conf", check=False))
    theirs = machine.file()
    sentence = machine.apply("10.9.0.1")

    assert sentence is not None
    assert machine.file() == theirs
    machine.sh(sentence.partition("to hand it over: ")[2].partition(", or set")[0])
    assert machine.apply("10.9.0.1") is None
    ours = machine.file()
    machine.sh("nmcli connection up wired")
    assert "(connected)" in machine.sh("nmcli -g GENERAL.STATE device show eth0")
    assert machine.file() == ours

"""Who else works a radio is named, with the command that ends it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_plugins.wifi import rivals
from conman_plugins.wifi.rivals import rival, works
from tests.core.net.ctrlserver import RealSupplicant, real_supplicant
from tests.core.supervision import alive, wait_until

SERVICE = "0::/system.slice/{}\n"


class Proc:
    """A /proc with processes of the test's making; all share this network namespace."""

    def __init__(self, root: Path) -> None:
        self.root = root / "proc"
        self.run = root / "run"
        self.namespace = root / "netdev"
        self.namespace.write_text("")
        (self.root / "thread-self/net").mkdir(parents=True)
        (self.root / "thread-self/net/dev").hardlink_to(self.namespace)
        (self.root / "net").mkdir()

    def add(
        self,
        pid: int,
        command: str,
        cgroup: str = "0::/user.slice/user-0.slice/session-1.scope\n",
        parent: int = 1,
        elsewhere: bool = False,
    ) -> Path:
        folder = self.root / str(pid)
        (folder / "net").mkdir(parents=True)
        (folder / "cwd").mkdir()
        if elsewhere:
            (folder / "net/dev").write_text("")
        else:
            (folder / "net/dev").hardlink_to(self.namespace)
        (folder / "comm").write_text(f"{Path(command.split(maxsplit=1)[0]).name[:15]}\n")
        (folder / "cmdline").write_text("\0".join(command.split()) + "\0")
        (folder / "status").write_text(f"Name:\tx\nPid:\t{pid}\nPPid:\t{parent}\n")
        (folder / "cgroup").write_text(cgroup)
        return folder

    def rival(self, interface: str = "wlan0") -> str | None:
        return rival(interface, proc=self.root, run=self.run)


@pytest.fixture
def proc(tmp_path: Path) -> Proc:
    return Proc(tmp_path)


def test_a_radio_that_nobody_works_is_free(proc: Proc) -> None:
    proc.add(10, "/usr/sbin/dhcpcd -b wlan0")
    proc.add(11, "/sbin/wpa_supplicant -u -s -O DIR=/run/wpa_supplicant")
    assert proc.rival() is None


@pytest.mark.parametrize(
    ("command", "cgroup", "sentence"),
    [
        (
            "/sbin/wpa_supplicant -c/etc/wpa_supplicant/wpa_supplicant-wlan0.conf -iwlan0",
            SERVICE.format("system-wpa_supplicant.slice/wpa_supplicant@wlan0.service"),
            "another wpa_supplicant (pid 10, of wpa_supplicant@wlan0.service) works wlan0; "
            "to end it, as root: systemctl disable --now wpa_supplicant@wlan0.service",
        ),
        (
            "wpa_supplicant -B -i wlan0 -Dnl80211,wext -c/etc/wpa_supplicant.conf",
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/term.service\n",
            "another wpa_supplicant (pid 10) works wlan0; to end it, as root: kill 10",
        ),
        (
            "/sbin/wpa_supplicant -s -B -P /run/x.pid -i wlan0",
            SERVICE.format("system-ifup.slice/ifup@wlan0.service"),
            "another wpa_supplicant (pid 10, of ifup@wlan0.service) works wlan0; "
            "to end it, as root: ifdown wlan0",
        ),
        (
            "/sbin/wpa_supplicant -c /run/netplan/wpa-wlan0.conf -iwlan0",
            SERVICE.format("netplan-wpa-wlan0.service"),
            "another wpa_supplicant (pid 10, of netplan-wpa-wlan0.service) works wlan0; "
            "to end it, as root: systemctl mask --now netplan-wpa-wlan0.service",
        ),
        (
            "/usr/libexec/iwd",
            "1:name=systemd:/system.slice/iwd.service\n0::/system.slice/iwd.service\n",
            "iwd (pid 10, of iwd.service) works wlan0; "
            "to end it, as root: systemctl disable --now iwd.service",
        ),
    ],
)
def test_the_command_that_frees_it_is_told(
    proc: Proc, command: str, cgroup: str, sentence: str
) -> None:
    proc.add(10, command, cgroup)
    assert proc.rival() == sentence


def test_one_that_network_manager_shares_is_left_running(proc: Proc) -> None:
    proc.add(10, "/usr/libexec/iwd", SERVICE.format("iwd.service"))
    proc.add(11, "/usr/sbin/NetworkManager --no-daemon")
    assert (proc.rival() or "").endswith("nmcli device set wlan0 managed no")


def test_an_access_points_interface_is_in_its_configuration(proc: Proc, tmp_path: Path) -> None:
    config = tmp_path / "hostapd.conf"
    config.write_text("# interface=wlan7\ninterface=wlan0\nbss=wlan0_1\nssid=interface=wlan3\n")
    proc.add(10, f"/usr/sbin/hostapd -B -P /run/h.pid {config}", SERVICE.format("hostapd.service"))
    assert (proc.rival() or "").endswith("systemctl disable --now hostapd.service")
    assert proc.rival("wlan0_1")
    assert proc.rival("wlan7") is None
    assert proc.rival("wlan3") is None


def test_a_configuration_is_looked_for_where_the_program_was_started(proc: Proc) -> None:
    folder = proc.add(10, "hostapd here.conf")
    (folder / "cwd/here.conf").write_text("interface=wlan0\n")
    assert proc.rival()


def test_a_configuration_that_nobody_writes_does_not_hold_us(proc: Proc, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.conf")
    proc.add(10, f"hostapd {tmp_path / 'fifo.conf'} {tmp_path}")
    assert proc.rival() is None


def test_our_own_and_those_of_other_namespaces_do_not_count(proc: Proc) -> None:
    proc.add(10, "wpa_supplicant -i wlan0", parent=os.getpid())
    proc.add(11, "wpa_supplicant -i wlan0", elsewhere=True)
    assert proc.rival() is None


def test_a_program_without_rights_is_no_rival(proc: Proc, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = proc.add(10, "hostapd -i wlan0")
    assert proc.rival()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    os.chown(folder, 4242, 4242)
    assert proc.rival() is None


def test_a_process_that_ends_while_it_is_looked_at_is_none(proc: Proc) -> None:
    folder = proc.add(10, "wpa_supplicant -i wlan0")
    for name in ("cmdline", "status", "cgroup"):
        (folder / name).unlink()
    assert proc.rival() is None


@pytest.mark.parametrize(
    ("program", "line", "found"),
    [
        ("wpa_supplicant", "-i wlan0", True),
        ("wpa_supplicant", "-Biwlan0", True),
        ("wpa_supplicant", "-Bdd -i wlan0 -c x", True),
        ("wpa_supplicant", "-i eth0 -Dwired -c a -N -i wlan0 -c b", True),
        ("wpa_supplicant", "-i wlan01", False),
        ("wpa_supplicant", "-c -iwlan0 -i eth0", False),
        ("wpa_supplicant", "-M -i", False),
        ("wpa_supplicant", "", False),
        ("hostapd", "-i wlan1,wlan0 x.conf", True),
        ("hostapd", "-f -iwlan0 x.conf", False),
        ("iwd", "", True),
        ("iwd", "-d", True),
        ("iwd", "-i wlan0,wlan1", True),
        ("iwd", "--interfaces=wl*", True),
        ("iwd", "--interfaces wlan1", False),
        ("iwd", "-I wlan0", False),
        ("iwd", "--nointerfaces=wlan*", False),
    ],
)
def test_command_lines_are_read_as_the_programs_read_them(
    program: str, line: str, found: bool
) -> None:
    assert works(program, line.split(), "wlan0", lambda _: "") is found


@given(st.sampled_from(["wpa_supplicant", "hostapd", "iwd"]), st.lists(st.text(max_size=6)))
def test_no_command_line_is_too_odd(program: str, arguments: list[str]) -> None:
    works(program, arguments, "wlan0", lambda name: name)


# -- the real wpa_supplicant


@pytest.fixture
def supplicant() -> Iterator[RealSupplicant]:
    with real_supplicant() as made:
        yield made


@pytest.mark.netns
def test_a_real_one_is_found_in_its_namespace_only(supplicant: RealSupplicant) -> None:
    pid = supplicant.start_as_service()
    sentence = supplicant.host.call(lambda: rival(supplicant.interface))
    assert sentence
    assert sentence.endswith(f"kill {pid}")
    assert rival(supplicant.interface) is None
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: not alive(pid))
    assert supplicant.host.call(lambda: rival(supplicant.interface)) is None


@pytest.mark.netns
def test_our_own_child_is_no_rival(supplicant: RealSupplicant) -> None:
    supplicant.start()
    wait_until(supplicant.path.is_socket)
    assert supplicant.host.call(lambda: rival(supplicant.interface)) is None


@pytest.mark.netns
def test_one_that_has_the_interface_from_elsewhere_answers_for_it(
    supplicant: RealSupplicant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NetworkManager's does, whose command line names no interface."""
    folder = supplicant.bench.folder / "wpa_supplicant"
    supplicant.settings.write_text(f"ctrl_interface=DIR={folder}\nap_scan=0\n")
    pid = supplicant.start_as_service()
    wait_until((folder / supplicant.interface).is_socket)
    monkeypatch.setattr(rivals, "works", lambda *_: False)

    def look() -> str | None:
        return rival(supplicant.interface, run=supplicant.bench.folder)

    sentence = supplicant.host.call(look)
    assert sentence
    assert f"another wpa_supplicant (pid {pid})" in sentence
    assert look() is None  # there it is not ours to fear
    os.kill(pid, signal.SIGSTOP)
    assert supplicant.host.call(look) is None
    os.kill(pid, signal.SIGKILL)

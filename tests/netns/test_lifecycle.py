"""Starting, ending, being killed, taking over, giving back."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conman_core.client import request
from conman_core.paths import Paths
from tests.netns.device import SETTINGS, conman_command
from tests.netns.internet import Internet, internet
from tests.netns.measure import UdpMeter
from tests.netns.test_story import both_verified, link
from tests.netns.worlds import wait_for

pytestmark = pytest.mark.netns


@pytest.fixture
def net() -> Iterator[Internet]:
    with internet() as made:
        yield made


def everything(net: Internet) -> str:
    """What conman could have changed on the device."""
    keep = []
    for line in net.device.ip("-4", "addr").splitlines():
        keep.append("" if "valid_lft" in line else line.split(" state ")[0])
    rules = net.device.ip("rule") + net.device.ip("-4", "route", "show", "table", "all")
    names = ("rp_filter", "arp_ignore", "arp_announce", "ignore_routes_with_linkdown")
    keys = [f"net.ipv4.conf.eth{n}.{name}" for n in (0, 1) for name in names]
    return "\n".join([*keep, rules, net.device.run("sysctl", *keys)]) + (
        net.device.resolv_conf.read_text()
    )


def children(net: Internet) -> list[str]:
    """The programs that run on the device."""
    pids = subprocess.run(
        ["ip", "netns", "pids", net.device.name], check=True, capture_output=True, text=True
    ).stdout.split()
    found = []
    for pid in pids:
        comm = Path(f"/proc/{pid}/comm")
        if comm.exists():
            found.append(comm.read_text().strip())
    return found


def test_the_end_comes_within_five_seconds_and_leaves_a_working_connection(net: Internet) -> None:
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    meter = UdpMeter(net.device)
    meter.wait_answer(0)

    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 5
    meter.wait_answer(time.monotonic())
    assert meter.window(began).lost == 0
    assert "dhcpcd" not in children(net)
    assert "nameserver 10.77.1.1" in net.device.resolv_conf.read_text()


def test_the_next_start_takes_the_connection_over_without_losing_a_packet(net: Internet) -> None:
    daemon = net.device.run_conman()
    before = daemon.wait(both_verified)
    meter = UdpMeter(net.device)
    meter.wait_answer(0)
    began = time.monotonic()
    assert daemon.stop() == 0

    again = net.device.run_conman()
    after = again.wait(both_verified)
    meter.wait_answer(time.monotonic())
    assert meter.window(began).lost == 0
    assert link(after, "ethernet:eth0")["addresses"] == link(before, "ethernet:eth0")["addresses"]


def test_after_a_restart_the_standby_is_not_blamed_for_the_servers_of_the_uplink(
    net: Internet,
) -> None:
    """The resolver file has the uplink's servers only, which nobody reaches by the other link."""
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    assert daemon.stop() == 0

    again = net.device.run_conman()
    again.wait(both_verified)
    told = again.log().partition("conman ends;")[2]
    assert "ethernet:eth1 is connected, online" in told
    assert "limited" not in told


def test_a_killed_daemon_leaves_nothing_that_the_next_cannot_take_over(net: Internet) -> None:
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    meter = UdpMeter(net.device)
    meter.wait_answer(0)
    began = time.monotonic()
    daemon.kill()
    assert children(net).count("dhcpcd") > 0

    again = net.device.run_conman()
    again.wait(both_verified)
    meter.wait_answer(time.monotonic())
    assert meter.window(began).lost == 0
    assert again.log().count("ended what the last conman left running") == 1


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_release_puts_everything_back(net: Internet, how: str) -> None:
    net.device.resolv_conf.write_text("search home\nnameserver 192.0.2.53\n")
    before = everything(net)
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    refused = net.device.conman("release")
    assert refused.returncode == 1
    assert "running" in refused.stderr
    getattr(daemon, how)()

    done = net.device.conman("release", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["undone"]) >= 5
    assert everything(net) == before
    assert "dhcpcd" not in children(net)
    assert "nothing to undo" in net.device.conman("release").stdout


def test_a_second_start_is_refused_and_says_who_runs(net: Internet) -> None:
    daemon = net.device.run_conman()
    daemon.wait(both_verified)

    second = net.device.conman("run")
    assert second.returncode == 1
    assert f"pid {daemon.process.pid}" in second.stderr
    assert "Traceback" not in second.stderr


def test_an_address_that_is_there_and_works_is_taken_over_as_it_is(net: Internet) -> None:
    device = net.device
    device.ip("link", "set", "eth0", "up")
    device.ip("addr", "add", "10.77.1.42/24", "dev", "eth0")
    device.ip("route", "add", "default", "via", "10.77.1.1", "dev", "eth0", "proto", "static")
    device.resolv_conf.write_text("nameserver 10.77.1.1\n")
    net.home.dhcp_stop()
    before = device.ip("route", "show", "proto", "static")
    daemon = device.run_conman()

    status = daemon.wait(lambda s: s["state"] == "online" and s["uplink"] == "ethernet:eth0")
    assert link(status, "ethernet:eth0")["addresses"] == ["10.77.1.42/24"]
    daemon.wait(both_verified)
    assert device.ip("route", "show", "proto", "static") == ""  # metric 0 would beat every rank
    net.cable_out("eth0")
    daemon.wait_uplink("eth1")
    net.cable_in("eth0")
    daemon.stop()
    assert net.device.conman("release").returncode == 0
    assert device.ip("route", "show", "proto", "static") == before
    assert "10.77.1.42/24" in device.ip("addr", "show", "eth0")


def test_an_interface_of_another_manager_is_busy_and_not_touched(net: Internet) -> None:
    """The manager here is a real dhcpcd that the user's system runs on eth0."""
    device = net.device
    device.ip("link", "set", "eth0", "up")
    command = ("dhcpcd", "-4", "-B", "-A", "--nodelay", "-C", "resolv.conf", "eth0")
    other = device.start(*command, log="other.log")
    wait_for(lambda: "default" in device.ip("route"))
    before = device.ip("route", "show", "dev", "eth0"), device.ip("rule")
    daemon = device.run_conman()

    status = daemon.wait(lambda s: link(s, "ethernet:eth0")["reason"] == "BUSY")
    assert "dhcpcd" in link(status, "ethernet:eth0")["sentence"]
    daemon.wait(lambda s: link(s, "ethernet:eth1")["verdict"] == "online")
    assert device.ip("route", "show", "dev", "eth0") == before[0]
    assert other.poll() is None


def test_settings_that_turn_bad_never_cost_a_working_daemon(net: Internet) -> None:
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    config = net.device.folder / "run/setup.cfg"
    config.write_text(SETTINGS.replace("priority", "priorty"))

    answer = net.device.conman("rescan")
    assert "did you mean priority?" in answer.stdout + answer.stderr
    status = daemon.status()
    assert "line 2" in status["config"]["problem"]
    assert status["state"] == "online"
    daemon.stop()
    again = net.device.run_conman(config.read_text())  # a power cut comes after the edit
    again.wait(both_verified)
    assert "using the settings of the last run" in again.log()
    config.write_text(SETTINGS.replace("eth0, eth1", "eth1"))
    assert net.device.conman("rescan").returncode == 0
    status = again.wait(lambda s: s["uplink"] == "ethernet:eth1")
    assert status["config"]["problem"] is None


def test_bad_settings_at_the_first_start_are_told_in_full(net: Internet) -> None:
    daemon = net.device.run_conman("[conman]\nfailback = sometimes\npriorty = ethernet\n")

    assert daemon.process.wait(10) == 1
    said = daemon.log()
    assert "line 2" in said
    assert "auto, never" in said
    assert "line 3" in said
    assert "did you mean priority?" in said
    assert "Traceback" not in said


def test_wait_online_comes_back_when_the_machine_is_online(net: Internet) -> None:
    late = subprocess.Popen(
        ["ip", "netns", "exec", net.device.name, *net.device._enter(wait_online())],
        stdout=subprocess.DEVNULL,
        cwd="/",
    )
    daemon = net.device.run_conman()
    assert late.wait(20) == 0
    assert net.device.conman("wait-online", "--timeout", "1s").returncode == 0
    net.cable_out("eth0")
    net.cable_out("eth1")
    daemon.wait(lambda s: s["state"] == "offline")
    assert net.device.conman("wait-online", "--timeout", "1s").returncode == 4


def wait_online() -> tuple[str, ...]:
    return conman_command("wait-online", "--timeout", "15s")


def test_commands_without_a_daemon_say_so_and_what_to_type(net: Internet) -> None:
    for command in ("status", "explain", "rescan"):
        answer = net.device.conman(command)
        assert answer.returncode == 3
        assert "conman" in answer.stderr
    probe = net.device.conman("probe", "--json")
    assert probe.returncode == 0, probe.stderr
    drivers = net.device.conman("drivers")
    assert "ethernet" in drivers.stdout
    assert "not_installed" not in drivers.stdout  # what nobody named


def test_probe_and_status_tell_of_each_cable_whether_there_is_a_signal(net: Internet) -> None:
    net.cable_out("eth1")
    daemon = net.device.run_conman()
    daemon.wait(lambda s: s["state"] == "online" and link(s, "ethernet:eth1")["reason"])

    good = {"signal": "yes", "speed": "10000 Mbit/s", "duplex": "full"}
    for words in (("status", "--json"), ("probe", "--json", "--deep")):
        shown = json.loads(net.device.conman(*words).stdout)
        assert link(shown, "ethernet:eth0")["details"] == good
        assert link(shown, "ethernet:eth1")["details"] == {"signal": "no"}
    probe = net.device.conman("probe")
    assert "ethernet:eth1  eth1       available  no\n    no signal on the cable\n" in probe.stdout
    assert "settings: /run/setup.cfg" in probe.stdout
    assert "settings: /run/setup.cfg" in net.device.conman("explain").stdout


def test_the_machine_that_runs_the_tests_is_untouched(net: Internet) -> None:
    def own() -> str:
        shown = [("addr",), ("route", "show", "table", "all"), ("rule",)]
        text = "".join(
            subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout
            for words in shown
        )
        lines = [line for line in text.splitlines() if "valid_lft" not in line]
        return "\n".join(lines) + Path("/etc/resolv.conf").read_text()

    before = own()
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    net.cable_out("eth0")
    daemon.wait_uplink("eth1")
    daemon.kill()
    net.device.conman("release")
    assert own() == before


def test_the_daemon_carries_no_tls_library(net: Internet) -> None:
    daemon = net.device.run_conman()
    daemon.wait(both_verified)

    assert "libcrypto" not in Path(f"/proc/{daemon.process.pid}/maps").read_text()


def test_the_control_socket_is_for_root_only(net: Internet) -> None:
    net.device.run_conman().wait(both_verified)
    socket = net.device.folder / "run/conman/conman.sock"
    mode = socket.stat().st_mode & 0o777
    assert mode in {0o600, 0o660}
    assert request(Paths(socket.parent, net.device.folder / "var/lib/conman"), "explain")["uplink"]

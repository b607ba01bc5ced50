"""The whole daemon against a kernel that does what nobody asked for."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from tests.netns.device import SETTINGS
from tests.netns.internet import Internet, internet
from tests.netns.test_story import both_verified, link

pytestmark = pytest.mark.netns


@pytest.fixture
def net() -> Iterator[Internet]:
    with internet() as made:
        yield made


def routes_on(net: Internet, interface: str) -> list[str]:
    shown = net.device.ip("route", "show", "table", "all", "proto", "203").splitlines()
    return [line for line in shown if f"dev {interface}" in line]


def test_an_interface_set_down_by_hand_says_how_to_set_it_up_and_then_serves(net: Internet) -> None:
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    net.device.ip("link", "set", "eth0", "down")
    status = daemon.wait_uplink("eth1", 2)
    assert link(status, "ethernet:eth0")["state"] == "failed"
    assert "ip link set eth0 up" in link(status, "ethernet:eth0")["sentence"]
    net.device.ip("link", "set", "eth0", "up")
    daemon.wait(both_verified)


def test_a_renamed_interface_leaves_no_route_of_the_link_that_it_was(net: Internet) -> None:
    """Routes follow the number of an interface: they would go on to attract the traffic."""
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    net.device.ip("link", "set", "dev", "eth0", "name", "lan9")

    daemon.wait_uplink("eth1", 5)
    daemon.wait(lambda s: link(s, "ethernet:eth0")["state"] == "absent")
    assert routes_on(net, "lan9") == []
    assert "dev eth1" in net.device.ip("route", "get", "9.9.9.9")
    net.device.ip("link", "set", "dev", "lan9", "name", "eth0")
    daemon.wait(both_verified)


def test_a_storm_of_kernel_news_ends_in_the_true_state(net: Internet) -> None:
    """More routes come than the socket can hold, a cable is out before and in again after."""
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    net.device.ip("link", "add", "storm0", "type", "veth", "peer", "name", "storm1")
    net.device.ip("link", "set", "storm1", "up")
    net.device.ip("link", "set", "storm0", "up")
    os.kill(daemon.process.pid, signal.SIGSTOP)
    try:
        net.cable_out("eth0")
        numbers = [(a, b) for a in range(40) for b in range(250)]
        batch = "".join(f"route add 172.16.{a}.{b}/32 dev storm0\n" for a, b in numbers)
        net.device.run("ip", "-batch", "-", stdin=batch)
        net.cable_in("eth0")
    finally:
        os.kill(daemon.process.pid, signal.SIGCONT)
    daemon.wait(lambda _: "more news than could be read" in daemon.log())
    daemon.wait(both_verified, 20)
    assert daemon.log().count("more news than could be read") == 1


def test_many_rescans_at_once_are_all_answered_and_cost_no_connection(net: Internet) -> None:
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    before = daemon.log().count("is connecting")
    assert before >= 2
    running = [net.device.start(*rescan(), log="rescan.log") for _ in range(8)]
    assert [one.wait(30) for one in running] == [0] * 8
    daemon.wait(both_verified)
    assert daemon.log().count("is connecting") == before
    assert "fault of conman" not in daemon.log()


def rescan() -> tuple[str, ...]:
    from tests.netns.device import conman_command

    return conman_command("rescan")


def test_settings_of_a_driver_that_change_cost_seconds(net: Internet) -> None:
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    (net.device.folder / "run/setup.cfg").write_text(SETTINGS + "dhcp-timeout = 20s\n")
    began = time.monotonic()
    assert net.device.conman("rescan").returncode == 0
    daemon.wait(both_verified, 8)
    assert time.monotonic() - began < 8
    assert len(routes_on(net, "eth0")) > 0


def test_a_settings_file_that_vanishes_changes_nothing(net: Internet) -> None:
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    (net.device.folder / "run/setup.cfg").unlink()
    answer = net.device.conman("rescan")
    assert "stay in use" in answer.stdout + answer.stderr
    assert both_verified(daemon.status())


def test_an_end_in_the_midst_of_connecting_is_quick_and_quiet(net: Internet) -> None:
    net.home.dhcp_stop()
    net.backup.dhcp_stop()
    daemon = net.device.run_conman()
    daemon.wait(lambda s: any(row["state"] == "connecting" for row in s["links"]))
    began = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - began < 5
    said = daemon.log()
    assert "Traceback" not in said
    assert "WARNING" not in said.partition("conman ends")[2], said


def test_an_end_while_online_is_quiet(net: Internet) -> None:
    daemon = net.device.run_conman()
    daemon.wait(both_verified)
    assert daemon.stop() == 0
    said = daemon.log().partition("conman ends")[2]
    assert "WARNING" not in said, said
    assert "ERROR" not in said, said
    assert routes_on(net, "eth0")

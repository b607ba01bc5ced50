"""conman with router dongles on the lab's device: from the plug to the internet, and back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.lab.modems.world import ModemWorld, modem_world
from tests.netns.device import Daemon

pytestmark = pytest.mark.lab

SETTINGS = "[conman]\npriority = ethernet, hilink\n"
LONG = 60.0  #: seconds; emulation is slow


@contextmanager
def device(
    model: str | None = "hilink", more: str = "", **settings: Any
) -> Iterator[tuple[ModemWorld, Daemon]]:
    """Give a world with a dongle, and conman on its device."""
    with modem_world(model, **settings) as world:
        yield world, world.device.run_conman(SETTINGS + more)


def link_of(status: dict[str, Any], name: str = "hilink:") -> dict[str, Any]:
    """The record of a link, empty if there is none yet."""
    return next((link for link in status["links"] if link["name"].startswith(name)), {})


def online(daemon: Daemon, name: str = "hilink:") -> dict[str, Any]:
    """Wait until a dongle carries the traffic and that is verified; return its link."""
    status = daemon.wait(
        lambda s: (s["uplink"] or "").startswith(name) and s["state"] == "online", LONG
    )
    return link_of(status, status["uplink"])


def failed(daemon: Daemon, reason: str, name: str = "hilink:") -> str:
    """Wait until a link has failed for a reason; return the sentence."""
    status = daemon.wait(lambda s: link_of(s, name).get("reason") == reason, LONG)
    return str(link_of(status, name)["sentence"])


def test_a_cd_rom_that_is_plugged_in_is_switched_and_brings_the_device_online() -> None:
    with device(None) as (world, daemon):
        daemon.wait(lambda s: s["drivers"])
        plugged = time.monotonic()
        modem = world.add("hilink", cdrom=True)
        link = online(daemon)
        print(f"plug to online {time.monotonic() - plugged:.1f} s")
        assert link["name"] == f"hilink:{modem.where}"
        assert link["metered"]
        assert "192.168.8.1" in str(link["gateway"])


@pytest.mark.long
def test_the_ethernet_driver_does_not_get_it_and_details_come_from_its_pages() -> None:
    with device() as (world, daemon):
        online(daemon)
        said = world.device.conman("status", "--json").stdout
        assert '"ethernet:eth0"' not in said or "is used as hilink:" in said
        told = world.device.conman("probe", "--deep").stdout
        for words in ("Lab Mobile (20201)", "-65 dBm", "LTE", "registered"):
            assert words in told, told


@pytest.mark.long
def test_one_that_speaks_rndis_and_is_pulled_out_comes_back() -> None:
    with device("rndis") as (world, daemon):
        online(daemon)
        world.modem.unplug()
        daemon.wait(lambda s: s["state"] == "offline", LONG)
        plugged = world.modem.plug_in()
        online(daemon)
        print(f"replugged to online {time.monotonic() - plugged:.1f} s")


@pytest.mark.long
def test_while_it_has_no_network_it_is_not_online_and_works_when_it_has() -> None:
    with device(registration="denied") as (world, daemon):
        daemon.wait(lambda s: link_of(s).get("verdict") in ("limited", "offline"), LONG)
        told = world.device.conman("probe", "--deep").stdout
        assert "not registered" in told
        world.modem.registration = "home"
        online(daemon)


@pytest.mark.long
def test_of_twins_the_second_is_refused_and_serves_when_the_first_is_gone() -> None:
    with device(more="standby = warm\n") as (world, daemon):
        first = online(daemon)["name"]
        second = f"hilink:{world.add('hilink').where}"
        sentence = failed(daemon, "MISCONFIGURED", second)
        assert f"gives addresses of 192.168.8.0/24, as {first} does" in sentence
        pulled = world.modem.unplug()
        online(daemon, second)
        print(f"first pulled to second online {time.monotonic() - pulled:.1f} s")


@pytest.mark.long
def test_a_restarted_conman_takes_it_over_as_it_is() -> None:
    with device() as (world, daemon):
        before = online(daemon)
        daemon.stop()
        after = online(world.device.run_conman(SETTINGS))
        assert after["addresses"] == before["addresses"]


@pytest.mark.long
def test_one_whose_firmware_hangs_is_brought_back_by_the_ladder() -> None:
    with device() as (world, daemon):
        online(daemon)
        hung = world.modem.hang()
        daemon.wait(lambda s: s["state"] != "online", LONG)
        print(f"hung to noticed {time.monotonic() - hung:.1f} s")
        daemon.wait(lambda s: s["state"] == "online", 200)
        print(f"hung to back {time.monotonic() - hung:.1f} s")

"""The whole story: a cable, WiFi, a QMI modem and a serial one go one by one, and come back."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Interface

import pytest

from tests.lab.accesspoint import AccessPoint
from tests.lab.modems.world import ModemWorld
from tests.lab.radios import Air
from tests.lab.wifi_device import KEY, NETWORKS, block
from tests.netns.internet import SITE, SITES
from tests.netns.namespaces import bench

pytestmark = [pytest.mark.lab, pytest.mark.long, pytest.mark.timeout(420)]

HOME = b"HomeNet"
SETTINGS = f"""\
[conman]
priority = ethernet, wifi, wwan, sakis3g
metered-after = 0

[conman:ethernet]
interfaces = eth0

[conman:wifi]
country = GB
networks = {NETWORKS}

[conman:wwan]
apn = internet

[conman:sakis3g]
dialer = pppd
apn = internet
"""
LONG = 90.0  #: seconds; emulation is slow, and a better link has to prove itself
ANSWER = re.compile(r"^\[(\d+\.\d+)\] .*icmp_seq=(\d+) ttl", re.MULTILINE)


class Story:
    """A device with all four, and one ping that nobody touches."""

    def __init__(self, world: ModemWorld, air: Air) -> None:
        self.world = world
        self.device = world.device
        air.radio(self.device, "wlan0")
        router = world._next_router("home", IPv4Interface("10.77.9.1/24"))
        self.point = AccessPoint(router, air.radio(router, "lan0"))
        router.ip("link", "set", "lan0", "up")
        router.configure_lan()
        router.dns_start(SITES, SITE)
        router.dhcp_start()
        self.switch_on()
        self.qmi, self.serial = world.add("ec25"), world.add("e220")
        (self.device.folder / NETWORKS.lstrip("/")).write_text(block(HOME))

    def run(self) -> None:
        self.daemon = self.device.run_conman(SETTINGS)

    def ping(self) -> None:
        """Begin to ping, five times a second, to the end of the story."""
        ping = ("ping", "-n", "-D", "-i", "0.2", "1.1.1.1")
        self.device.start(*ping, log="ping.log")

    def switch_on(self) -> None:
        self.point.start(HOME, KEY)

    def uplink(self, driver: str) -> float:
        """Wait until a driver's link carries the traffic and is verified; return the seconds."""
        began = time.monotonic()
        self.daemon.wait(
            lambda s: (s["uplink"] or "").startswith(f"{driver}:") and s["state"] == "online", LONG
        )
        return time.monotonic() - began

    def standby(self, name: str) -> None:
        """Wait until a link stands by, verified."""
        there = {"name": name, "verdict": "online"}
        self.daemon.wait(lambda s: any(there.items() <= link.items() for link in s["links"]), LONG)

    def answers(self) -> list[tuple[float, int]]:
        """When the ping had its answers, and to which of its packets."""
        text = self.world.bench.log("ping.log")
        return [(float(moment), int(number)) for moment, number in ANSWER.findall(text)]

    def answered(self) -> None:
        """Wait until the ping has an answer that is newer than now."""
        before, deadline = len(self.answers()), time.monotonic() + 20
        while len(self.answers()) <= before:
            assert time.monotonic() < deadline, "the ping has no answers any more"
            time.sleep(0.1)


@contextmanager
def story() -> Iterator[Story]:
    with bench("cm") as made:
        world = ModemWorld(made, cable=True)
        air = Air("GB")
        try:
            yield Story(world, air)
        finally:
            world.close()
            air.close()


def test_each_link_takes_over_when_a_better_one_goes_and_gives_back_when_it_returns() -> None:
    with story() as it:
        it.run()
        it.uplink("ethernet")
        it.standby("wifi:wlan0")
        it.ping()
        it.answered()
        steps = (
            ("cable pulled", lambda: it.world.home.ip("link", "set", "lan0", "down"), "wifi"),
            ("access point off", it.point.stop, "wwan"),
            ("QMI modem pulled", it.qmi.unplug, "sakis3g"),
            ("QMI modem back", it.qmi.plug_in, "wwan"),
            ("access point on", it.switch_on, "wifi"),
            ("cable back", lambda: it.world.home.ip("link", "set", "lan0", "up"), "ethernet"),
        )
        for what, deed, driver in steps:
            deed()
            print(f"{what}: {driver} after {it.uplink(driver):.1f} s")
            it.answered()
        moments = it.answers()
        gaps = sorted(after - before for (before, _), (after, _) in itertools.pairwise(moments))
        lost = moments[-1][1] - len(moments)
        print(
            f"{len(moments)} answers, {lost} lost; longest gaps {[round(g, 1) for g in gaps[-5:]]}"
        )
        assert "Traceback" not in it.daemon.log(), it.daemon.log()

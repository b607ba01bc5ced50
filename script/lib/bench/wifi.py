"""Trials of WiFi: they run inside the lab's machine, on its simulated radios.

Emulation makes everything slow, so what counts are ratios to the bare tools in the same run.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from script.lib.bench import memory
from script.lib.bench.figures import Figure, Run, Trial
from tests.lab.wifi_device import KEY, SETTINGS, WifiDevice, block, wifi_device
from tests.netns.measure import UdpMeter, dhcp_alone

HOME = b"Home"
WIFI_FIRST = SETTINGS.replace("ethernet, wifi", "wifi, ethernet")
BARE = "/run/bare.conf"  #: on the device
LONG = 90.0
AFTERMATH = 0.5


def start(lab: Any, run: Run) -> dict[str, float]:
    """Get online with a known network in sight: the bare tools, then conman."""
    del lab, run
    with _device() as wifi:
        wifi.world.access_point("home", HOME, KEY)
        bare = Bare(wifi)
        associated = bare.until("CTRL-EVENT-CONNECTED")
        tools = associated + dhcp_alone(wifi.device, "wlan0")
        bare.end()
        began = time.monotonic()
        wifi.run()
        wifi.online(LONG)
        took = time.monotonic() - began
        wifi.daemon.stop()
        began = time.monotonic()
        wifi.run()
        wifi.online(LONG)
        again = time.monotonic() - began
    return {"conman": took, "again": again, "tools": tools, "ratio": took / tools}


def wrong_key(lab: Any, run: Run) -> dict[str, float]:
    """Learn that a key is wrong: when wpa_supplicant first says so, and when `status` does."""
    del lab, run
    with _device() as wifi:
        wifi.world.access_point("home", HOME, "another horse")
        bare = Bare(wifi)
        first = bare.until("reason=WRONG_KEY")
        second = -bare.select() + bare.until("reason=WRONG_KEY", 2)
        bare.end()
        began = time.monotonic()
        wifi.run()
        wifi.failed("WRONG_KEY", LONG)
        took = time.monotonic() - began
    return {"shown": took, "first": first, "second": second, "ratio": (took - second) / first}


def cable(lab: Any, run: Run) -> dict[str, float]:
    """Pull the cable while WiFi stands by."""
    del lab, run
    with _device(cable=True) as wifi:
        wifi.world.access_point("home", HOME, KEY)
        wifi.run()
        _both_up(wifi, "ethernet:eth0")
        with _meter(wifi) as meter:
            time.sleep(2)  # the kernel reports link events at most once a second
            pulled = time.monotonic()
            wifi.world.home.ip("link", "set", "lan0", "down")
            return {"gap": _gap(meter, pulled, "wlan0")}


def switched_off(lab: Any, run: Run) -> dict[str, float]:
    """Switch the access point off in order."""
    del lab, run
    return _lose(lambda point: point.stop())


def fallen_silent(lab: Any, run: Run) -> dict[str, float]:
    """Take the access point out of range without a word."""
    del lab, run
    return _lose(lambda point: point.silence())


def reappears(lab: Any, run: Run) -> dict[str, float]:
    """Switch the access point off for a while and on again."""
    del lab
    with _device() as wifi:
        point = wifi.world.access_point("home", HOME, KEY)
        wifi.run()
        wifi.online(LONG)
        point.stop()
        wifi.failed("NOT_FOUND", LONG)
        time.sleep(10 + 10 * run.phase)
        began = time.monotonic()
        point.change()
        on_air = time.monotonic()
        while not point.stations():
            if time.monotonic() > began + LONG:
                raise AssertionError("it did not associate")
            time.sleep(0.05)
        associated = time.monotonic() - on_air
        wifi.online(LONG)
        return {"associated": associated, "online": time.monotonic() - on_air}


def memory_used(lab: Any, run: Run) -> dict[str, float]:
    """Look at a daemon that has Ethernet and WiFi connected, and at its children."""
    del lab, run
    with _device(cable=True) as wifi:
        wifi.world.access_point("home", HOME, KEY)
        pid = wifi.run().process.pid
        _both_up(wifi, "ethernet:eth0")
        time.sleep(30)
        daemon, alone = memory.pss([pid]), memory.pss_alone(pid)
        children = memory.pss(memory.descendants(pid))
    return {"daemon": daemon, "all": daemon + children, "alone": alone}


def _lose(how: Callable[[Any], float]) -> dict[str, float]:
    with _device(cable=True) as wifi:
        point = wifi.world.access_point("home", HOME, KEY)
        wifi.run(WIFI_FIRST)
        _both_up(wifi, "wifi:wlan0")
        with _meter(wifi) as meter:
            return {"gap": _gap(meter, how(point), "eth0")}


@contextlib.contextmanager
def _device(**world: Any) -> Iterator[WifiDevice]:
    with wifi_device(**world) as wifi:
        wifi.knows(block(HOME))
        yield wifi


@contextlib.contextmanager
def _meter(wifi: WifiDevice) -> Iterator[UdpMeter]:
    meter = UdpMeter(wifi.device)
    try:
        meter.wait_answer(time.monotonic())
        yield meter
    finally:
        meter.stop()


def _gap(meter: UdpMeter, moment: float, interface: str) -> float:
    first = meter.wait_answer(moment, interface=interface, limit=60)
    until = first.received + AFTERMATH
    meter.wait_answer(until)
    return meter.window(moment, until).gap


def _both_up(wifi: WifiDevice, uplink: str) -> None:
    def holds(status: dict[str, Any]) -> bool:
        verdicts = [link["verdict"] for link in status["links"]]
        return status["uplink"] == uplink and verdicts == ["online", "online"]

    wifi.daemon.wait(holds, LONG)


class Bare:
    """A wpa_supplicant by itself, as somebody would start it by hand."""

    def __init__(self, wifi: WifiDevice) -> None:
        self._wifi = wifi
        config = wifi.device.folder / BARE.lstrip("/")
        config.write_text("ctrl_interface=/run/bare\ncountry=GB\n" + block(HOME))
        argv = ("wpa_supplicant", "-i", "wlan0", "-D", "nl80211", "-c", BARE)
        self.began = time.monotonic()
        self._process = wifi.device.start(*argv, log="bare.log")

    def until(self, event: str, times: int = 1) -> float:
        """Return the seconds from its start until it has said something so often."""
        deadline = time.monotonic() + LONG
        while self._wifi.device.bench.log("bare.log").count(event) < times:
            if time.monotonic() > deadline:
                raise AssertionError(f"no {event}: {self._wifi.device.bench.log('bare.log')}")
            time.sleep(0.01)
        return time.monotonic() - self.began

    def select(self) -> float:
        """Have it try its network again at once; return when, in seconds from its start."""
        self._wifi.device.run("wpa_cli", "-p", "/run/bare", "-i", "wlan0", "select_network", "0")
        return time.monotonic() - self.began

    def end(self) -> None:
        """End it."""
        self._wifi.device.bench.stop(self._process)


TRIALS = {
    trial.name: trial
    for trial in (
        Trial(
            "wifi-start",
            "from the start to verified online, a known network in sight",
            (
                Figure("ratio", "conman to the bare tools", "times", 1.3),
                Figure("conman", "conman, for the first time", "s"),
                Figure("again", "conman, that knows the channel", "s"),
                Figure("tools", "wpa_supplicant and dhcpcd by themselves", "s"),
            ),
            start,
        ),
        Trial(
            "wifi-cable",
            "cable pulled, WiFi standing by",
            (Figure("gap", "longest gap between answers", "s", 0.050),),
            cable,
        ),
        Trial(
            "wifi-off",
            "access point switched off, cable standing by",
            (Figure("gap", "longest gap between answers", "s", 3.0),),
            switched_off,
        ),
        Trial(
            "wifi-silent",
            "access point out of range without a word, cable standing by",
            (Figure("gap", "longest gap between answers", "s", 8.0),),
            fallen_silent,
        ),
        Trial(
            "wifi-key",
            "a wrong key is shown as such",
            (
                Figure("ratio", "less the second try, to wpa_supplicant's event", "times", 1.5),
                Figure("shown", "shown in status", "s"),
                Figure("first", "wpa_supplicant's first event", "s"),
                Figure("second", "a second try", "s"),
            ),
            wrong_key,
        ),
        Trial(
            "wifi-again",
            "a known network that was away reappears",
            (
                Figure("associated", "associated", "s", 8.0),
                Figure("online", "verified online", "s"),
            ),
            reappears,
        ),
        Trial(
            "wifi-memory",
            "memory with Ethernet and WiFi connected",
            (
                Figure("daemon", "PSS of the daemon", "MiB", 25.0),
                Figure("all", "PSS with its children", "MiB", 34.0),
                Figure("alone", "daemon, every mapped file in full", "MiB"),
            ),
            memory_used,
            most_runs=1,
        ),
    )
}

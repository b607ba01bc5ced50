"""Trials of asking a person for settings, on simulated radios inside the lab's machine.

Each is done in both ways in which a radio can be used: `together`, where the access point stays
while the same radio tries a network, and `alone`, where it goes and comes back.

A phone that joins takes four seconds of emulated time by itself, more than many limits. So what
conman does is timed by the beacon, which a monitor hears, and by conman's own events; that a phone
really reads the page then is checked in each run, and shown.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conman_core.client import request
from conman_core.paths import Paths
from script.lib.bench import memory
from script.lib.bench.figures import Figure, Run, Trial
from script.lib.bench.witness import Air, Events
from tests.lab.test_provisioning import ALONE, AP, AP_KEY, ASKS, HOME, Provisioning, provisioning
from tests.lab.wifi_device import KEY, block

LONG = 90.0
WRONG = "not the right key"
AFTERWARDS = 5.0  #: seconds after which memory is as before
WAYS = {"together": ASKS, "alone": ALONE}
#: the links have failed by then, as when conman decides on a real device after a minute
LATE = ("provision-after = 3s", "provision-after = 25s")
BY_HAND = ASKS.replace("[conman]", "[conman]\nprovision = never")


def on_air(lab: Any, run: Run) -> dict[str, float]:
    """Let conman decide to ask; wait for the beacon, and until it says that the page answers."""
    del lab, run
    found: dict[str, float] = {}
    for way, settings in WAYS.items():
        with _asking() as (it, events), Air() as air:
            it.run(settings.replace(*LATE))
            decided = events.first(event="provision", state="asking")
            beacon = air.beacon(AP, decided) - decided
            ready = events.first(decided, event="state", state="provisioning") - decided
            it.person.joins(AP, AP_KEY)
            it.person.reads("Connect")
            phone = time.monotonic() - decided
        found |= {way: max(beacon, ready), f"{way}_beacon": beacon, f"{way}_phone": phone}
    return found


def connect(lab: Any, run: Run) -> dict[str, float]:
    """Press Connect; compare with the same conman, started with the network known.

    That one's time begins when it begins to connect, not when its process starts: else the start
    of Python would be in it and make the ratio small.
    """
    del lab, run
    with _asking() as (it, events):
        it.knows(block(HOME))
        it.run()
        direct = _connected(events, events.first(event="link", state="connecting"))
    found = {"direct": direct}
    for way, settings in WAYS.items():
        with _asking() as (it, events):
            pressed = _press(it, settings, KEY)
            found[way] = _connected(events, pressed)
            it.online()
        found[f"{way}_ratio"] = found[way] / direct
    return found


def wrong_key(lab: Any, run: Run) -> dict[str, float]:
    """Press Connect with a wrong key, and wait until the phone reads why it failed."""
    del lab, run
    found: dict[str, float] = {}
    for way, settings in WAYS.items():
        with _asking() as (it, events), Air() as air:
            pressed = _press(it, settings, WRONG)
            told = events.first(pressed, event="attempt", state="failed")
            back = air.beacon(AP, told) - pressed
            it.person.joins(AP, AP_KEY)
            it.person.reads("Wrong key for HomeNet")
            found |= {way: time.monotonic() - pressed, f"{way}_back": back}
    return found


def memory_used(lab: Any, run: Run) -> dict[str, float]:
    """Look at everything that conman runs: before, with a phone on the page, and afterwards.

    A first time of asking has gone before: what it imports stays, and is shown as `first`.
    """
    del lab, run
    with _asking() as (it, events):
        pid = it.run(BY_HAND).process.pid
        events.first(event="link", link="wifi:wlan0", state="failed")
        time.sleep(AFTERWARDS)
        new = _all(pid)
        _ask_and_stop(it)
        before = _all(pid)
        request(_paths(it), "provision", action="start", force=True, timeout=LONG)
        it.person.joins(AP, AP_KEY)
        it.person.reads("Connect")
        during = _all(pid)
        parts = {name: memory.pss(pids) for name, pids in _parts(pid).items()}
        request(_paths(it), "provision", action="stop", timeout=LONG)
        time.sleep(AFTERWARDS)
        left = _all(pid) - before
    return {"during": during, "left": left, "first": before - new, "before": before, **parts}


def _ask_and_stop(it: Provisioning) -> None:
    request(_paths(it), "provision", action="start", force=True, timeout=LONG)
    request(_paths(it), "provision", action="stop", timeout=LONG)
    time.sleep(AFTERWARDS)


def _all(pid: int) -> float:
    return memory.pss([pid, *memory.descendants(pid)])


def _parts(pid: int) -> dict[str, list[int]]:
    """The daemon and the page; all other programs are the rest."""
    parts: dict[str, list[int]] = {"daemon": [pid], "page": [], "rest": []}
    for child in memory.descendants(pid):
        words = Path(f"/proc/{child}/cmdline").read_bytes()
        parts["page" if b"accesspoint.page" in words else "rest"].append(child)
    return parts


@contextlib.contextmanager
def _asking() -> Iterator[tuple[Provisioning, Events]]:
    """Give a device that knows nothing, a home with a network, a phone, and conman's events."""
    with provisioning() as it:
        it.world.access_point("home", HOME, KEY)
        with Events(_paths(it)) as events:
            yield it, events


def _paths(it: Provisioning) -> Paths:
    folder = it.device.folder
    return Paths(folder / "run/conman", folder / "var/lib/conman")


def _press(it: Provisioning, settings: str, key: str) -> float:
    """Come to the page with a phone and press Connect; return when."""
    it.run(settings)
    it.asking(LONG)
    it.person.joins(AP, AP_KEY)
    it.person.reads("Connect")
    pressed = time.monotonic()
    it.person.enters(HOME.decode(), key)
    return pressed


def _connected(events: Events, since: float) -> float:
    return events.first(since, event="state", state="online") - since


_ON_AIR = (
    Figure("together", "beacon and page, radio for both", "s", 3.0),
    Figure("together_beacon", "of that the beacon", "s"),
    Figure("together_phone", "until a phone has read it", "s"),
    Figure("alone", "beacon and page, radio for one", "s", 3.0),
    Figure("alone_beacon", "of that the beacon", "s"),
    Figure("alone_phone", "until a phone has read it", "s"),
)
_CONNECT = (
    Figure("together_ratio", "to a direct connect, radio for both", "times", 1.5),
    Figure("alone_ratio", "to a direct connect, radio for one", "times", 1.5),
    Figure("together", "Connect to online, radio for both", "s"),
    Figure("alone", "Connect to online, radio for one", "s"),
    Figure("direct", "conman that knows the network", "s"),
)
_WRONG_KEY = (
    Figure("together", "a phone reads it, radio for both", "s", 20.0),
    Figure("together_back", "of that the beacon after it", "s"),
    Figure("alone", "a phone reads it, radio for one", "s", 20.0),
    Figure("alone_back", "of that the access point is back", "s"),
)
_MEMORY = (
    Figure("during", "PSS of everything, a phone on the page", "MiB", 55.0),
    Figure("left", "more than before 5 s after the end", "MiB", 1.0),
    Figure("first", "more after the first time than before", "MiB"),
    Figure("before", "PSS of everything before", "MiB"),
    Figure("daemon", "daemon", "MiB"),
    Figure("page", "the page's process", "MiB"),
    Figure("rest", "hostapd, dnsmasq, wpa_supplicant", "MiB"),
)
TRIALS = {
    trial.name: trial
    for trial in (
        Trial("provision-air", "from the decision to ask to beacon and page", _ON_AIR, on_air),
        Trial("provision-try", "from Connect with a good key to online", _CONNECT, connect),
        Trial("provision-key", "a wrong key is shown on the page", _WRONG_KEY, wrong_key),
        Trial("provision-size", "memory while a person is asked", _MEMORY, memory_used, 3),
    )
}

"""Radios that come and go, access points that change their minds: conman gets online all the same.

Runs inside the lab's machine: `script/lab chaos`. The same seed gives the same deeds.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab.accesspoint import AccessPoint
from tests.lab.wifi_device import KEY, SETTINGS, WifiDevice, block, wifi_device

NAMES = (b"Home", b"Office", b"Cafe")
CHANNELS = (1, 6, 36)
OTHER_KEY = "another horse"
RECOVERY = (
    75.0  #: seconds within which a usable network is found: emulation is slow, back-off a minute
)
DEEDS_PER_ROUND = 6
MORE_FILES, MORE_MEMORY = 4, 2.0  #: what a daemon may have gained after all that, MiB


class Chaos:
    """A device with three known networks, and what is done to them."""

    def __init__(self, wifi: WifiDevice, seed: int, say: Callable[[str], None]) -> None:
        self.wifi = wifi
        self.chance = random.Random(seed)
        self.say = say
        self.points: dict[bytes, AccessPoint] = {}
        self.bad: dict[bytes, set[str]] = {name: set() for name in NAMES}
        for name, channel in zip(NAMES, CHANNELS, strict=True):
            role = name.decode().lower()
            self.points[name] = wifi.world.access_point(role, name, KEY, channel=channel)
        wifi.knows(*(block(name) for name in NAMES))
        self.plugged_in = True

    def round(self) -> None:
        """Do some things one after the other, then see to it that a network works."""
        for _ in range(DEEDS_PER_ROUND):
            deed = self.chance.choice(self._deeds())
            deed()
            time.sleep(self.chance.uniform(0.2, 6.0))
        if not self.plugged_in:
            self.plug()
        if all(self.bad.values()):
            self._mend(self.chance.choice(NAMES))
        began = time.monotonic()
        self.wifi.online(RECOVERY)
        self.say(f"online after {time.monotonic() - began:.1f} s in {self.wifi.network()}")

    def mend_all(self) -> None:
        """Make everything as it was at first, and wait until that shows."""
        if not self.plugged_in:
            self.plug()
        for name in NAMES:
            self._mend(name)
        self.wifi.online(RECOVERY)
        time.sleep(5)

    def weigh(self) -> dict[str, float]:
        """What the daemon holds now."""
        pid = self.wifi.daemon.process.pid
        children = [Path(f"/proc/{child}/comm").read_text().strip() for child in _children(pid)]
        return {
            "files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
            "threads": len(list(Path(f"/proc/{pid}/task").iterdir())),
            "wpa_supplicants": children.count("wpa_supplicant"),
            "dhcpcds": children.count("dhcpcd"),
            "memory": _own_memory(pid),
            "sockets": len(list((self.wifi.device.folder / "run/conman").rglob("*"))),
        }

    # -- deeds

    def _deeds(self) -> list[Callable[[], None]]:
        deeds: list[Callable[[], None]] = [self.kill, self.unplug if self.plugged_in else self.plug]
        for name in NAMES:
            deeds += [self._break(name)] if not self.bad[name] else [lambda n=name: self._mend(n)]
        return deeds

    def kill(self) -> None:
        """End wpa_supplicant without warning."""
        self.say("wpa_supplicant is killed")
        self.wifi.device.run("pkill", "-KILL", "-x", "wpa_supplicant", check=False)

    def unplug(self) -> None:
        """Pull the device's radio out."""
        self.say("the radio is pulled out")
        self.wifi.world.radio.pull_out()
        self.plugged_in = False

    def plug(self) -> None:
        """Plug the device's radio in."""
        self.say("the radio is plugged in")
        self.wifi.world.radio.plug_in()
        self.plugged_in = True

    def _break(self, name: bytes) -> Callable[[], None]:
        point = self.points[name]
        ways: dict[str, Callable[[], object]] = {
            "off": point.stop,
            "silent": point.silence,
            "key": lambda: point.change(key=OTHER_KEY),
            "deaf": point.stop_answering,
            "no internet": lambda: point.router.sysctl("net.ipv4.ip_forward", "0"),
        }
        how = self.chance.choice(sorted(ways))

        def deed() -> None:
            self.say(f"{name.decode()}: {how}")
            ways[how]()
            self.bad[name].add(how)

        return deed

    def _mend(self, name: bytes) -> None:
        point = self.points[name]
        ways: dict[str, Callable[[], object]] = {
            "off": point.change,
            "silent": point.restore,
            "key": lambda: point.change(key=KEY),
            "deaf": point.answer,
            "no internet": lambda: point.router.sysctl("net.ipv4.ip_forward", "1"),
        }
        for how in sorted(self.bad[name]):
            self.say(f"{name.decode()}: no longer {how}")
            ways[how]()
        self.bad[name].clear()


def run(seconds: float, seed: int, say: Callable[[str], None]) -> dict[str, dict[str, float]]:
    """Do it for so long; return what the daemon held at first and at last.

    Raises AssertionError if the device did not get online although a network worked, or if the
    daemon has gained files, threads, children or memory.
    """
    with wifi_device() as wifi:
        chaos = Chaos(wifi, seed, say)
        wifi.run(SETTINGS)
        wifi.online(RECOVERY)
        chaos.round()
        chaos.mend_all()
        first = chaos.weigh()
        deadline = time.monotonic() + seconds
        rounds = 0
        while time.monotonic() < deadline:
            chaos.round()
            rounds += 1
        chaos.mend_all()
        last = chaos.weigh()
        say(f"{rounds} rounds; first {first}, last {last}")
        assert last["wpa_supplicants"] == first["wpa_supplicants"] == 1
        for what in ("threads", "dhcpcds"):
            assert last[what] <= first[what], f"{what}: {first} -> {last}"
        assert last["files"] <= first["files"] + MORE_FILES, f"{first} -> {last}"
        assert last["sockets"] <= first["sockets"] + MORE_FILES, f"{first} -> {last}"
        assert last["memory"] <= first["memory"] + MORE_MEMORY, f"{first} -> {last}"
        log = wifi.daemon.log()
        assert "Traceback" not in log, log[max(0, log.index("Traceback") - 2000) :][:6000]
        return {"first": first, "last": last}


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(word) for task in tasks for word in (task / "children").read_text().split()]


def _own_memory(pid: int) -> float:
    """MiB that no other process shares: what a leak makes grow (proc_pid_smaps(5))."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) / 1024
    raise ValueError("smaps_rollup has no Private_Dirty")


def main() -> int:
    parser = argparse.ArgumentParser(prog="script/lab chaos", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    wanted = parser.parse_args()
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {text}", flush=True)

    say(f"seed {wanted.seed}")
    try:
        run(wanted.minutes * 60, wanted.seed, say)
    except AssertionError as error:
        say(f"FAILED: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

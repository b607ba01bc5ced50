"""Radios of a test: plugged in, moved into a namespace, in and out of each other's range.

Two radios hear each other when the `group` bits that the kernel keeps for each have one in common
(mac80211_hwsim.c, mac80211_hwsim_tx_frame_no_nl). Every pair has a bit of its own here, so any two
can be parted without the others, and without a word to the programs that use them.
"""

from __future__ import annotations

import itertools
import subprocess
import time
from pathlib import Path

from tests.lab.hwsim import Hwsim, set_control
from tests.netns.namespaces import Namespace, run

PAIRS = 64  # bits of a group
FULL_POWER = 20  # dBm, of a simulated radio
PROMPT = 0.2  # seconds in which the kernel has set a country when its database is loaded


class Radio:
    """One WiFi adapter. Unplugged and plugged in again it keeps its address and its place."""

    def __init__(self, air: Air, host: Namespace, interface: str, number: int) -> None:
        self.air = air
        self.host = host
        self.interface = interface
        self.phy = f"{host.bench.prefix}-{number}"
        self.mac = f"02:00:00:00:{number:02x}:00"
        self.number = number
        self._ident: int | None = None

    @property
    def plugged_in(self) -> bool:
        return self._ident is not None

    def plug_in(self) -> float:
        """Let the radio appear in its namespace under its name; return when (CLOCK_MONOTONIC)."""
        if self.plugged_in:
            raise RuntimeError(f"{self.interface} of {self.host.role} is plugged in")
        self._ident = self.air.hwsim.create(self.phy, self.mac)
        (link,) = Path(f"/sys/class/ieee80211/{self.phy}/device/net").iterdir()
        if link.name != self.interface:
            run("ip", "link", "set", link.name, "name", self.interface)
        self.air.arrange()
        moment = time.monotonic()
        run("iw", "phy", self.phy, "set", "netns", "name", self.host.name)
        return moment

    def pull_out(self) -> float:
        """Remove the radio as if unplugged; return when (CLOCK_MONOTONIC)."""
        if self._ident is None:
            raise RuntimeError(f"{self.interface} of {self.host.role} is not plugged in")
        ident, self._ident = self._ident, None
        return self.host.call(lambda: _remove(ident))

    def signal(self, dbm: int) -> None:
        """Let everybody hear it with this strength: -30 is near, -90 barely there.

        For strengths that differ from hearer to hearer there is tests/lab/medium.py.
        """
        # what is received is `rx_rssi` (-100 at the least) of the sender and its transmit power
        power = min(FULL_POWER, dbm + 100)
        self.host.run("iw", "phy", self.phy, "set", "txpower", "fixed", str(power * 100))
        set_control(self.phy, "rx_rssi", dbm - power)


class Air:
    """What is between the radios of a test."""

    def __init__(self, country: str | None = "GB") -> None:
        """`country`: the regulatory domain of the machine's every radio; None leaves the world's,
        in which many channels may only be listened to."""
        self.hwsim = Hwsim()
        self.radios: list[Radio] = []
        self._cut: set[frozenset[int]] = set()
        set_country(country or "00")

    def radio(self, host: Namespace, interface: str) -> Radio:
        """Plug a new radio into a namespace."""
        made = Radio(self, host, interface, len(self.radios) + 1)
        self.radios.append(made)
        if len(list(itertools.combinations(self.radios, 2))) > PAIRS:
            raise RuntimeError("more radios than there are bits for their pairs")
        made.plug_in()
        return made

    def cut(self, left: Radio, *others: Radio) -> float:
        """Take a radio out of the range of others, by default of all; return when."""
        return self._range(left, others, cut=True)

    def mend(self, left: Radio, *others: Radio) -> float:
        """Bring a radio into the range of others, by default of all; return when."""
        return self._range(left, others, cut=False)

    def arrange(self) -> None:
        """Tell the kernel who hears whom."""
        masks = dict.fromkeys((radio.number for radio in self.radios), 0)
        pairs = itertools.combinations([radio.number for radio in self.radios], 2)
        for bit, (left, right) in enumerate(pairs):
            if frozenset((left, right)) not in self._cut:
                masks[left] |= 1 << bit
                masks[right] |= 1 << bit
        for radio in self.radios:
            if radio.plugged_in:
                set_control(radio.phy, "group", masks[radio.number])

    def close(self) -> None:
        """Unplug everything."""
        for radio in self.radios:
            if radio.plugged_in:
                radio.pull_out()
        self.hwsim.__exit__(None, None, None)

    def _range(self, left: Radio, others: tuple[Radio, ...], *, cut: bool) -> float:
        for other in others or self.radios:
            if other is not left:
                pair = frozenset((left.number, other.number))
                self._cut = self._cut | {pair} if cut else self._cut - {pair}
        moment = time.monotonic()
        self.arrange()
        return moment


def _remove(ident: int) -> float:
    """Remove a radio; the kernel obeys only who is in the same namespace as the radio."""
    with Hwsim() as hwsim:
        moment = time.monotonic()
        hwsim.remove(ident)
    return moment


def set_country(country: str, limit: float = 10.0) -> None:
    """Set the regulatory domain and wait until the kernel has it: its database loads late."""
    deadline = time.monotonic() + limit
    while f"country {country}" not in _regulatory():
        run("iw", "reg", "set", country)
        asked = time.monotonic()
        while f"country {country}" not in _regulatory() and time.monotonic() < asked + PROMPT:
            time.sleep(0.02)
        if time.monotonic() > deadline:
            raise RuntimeError(f"the kernel does not take the country {country}")


def _regulatory() -> str:
    return subprocess.run(["iw", "reg", "get"], check=True, capture_output=True, text=True).stdout

"""Measuring from the device's side: gaps, losses, held connections, time to the first answer.

All moments are seconds of CLOCK_MONOTONIC (`time.monotonic`), one clock for every process.
"""

from __future__ import annotations

import bisect
import itertools
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from conman_core.net import dhcpcd
from tests.netns.device import Device
from tests.netns.internet import SITE

TOOLS = Path(__file__).parent / "tools"
ECHO_PORT = 7
IN_FLIGHT = 0.25  # a packet younger than this is not lost yet


@dataclass(frozen=True, slots=True)
class Answer:
    """A packet that came back."""

    number: int
    sent: float
    received: float
    interface: str


@dataclass(frozen=True, slots=True)
class Window:
    """What happened to the packets of some time."""

    gap: float  #: seconds, the longest time without an answer
    gap_end: float  #: the moment of the answer that ended it
    outage: float  #: seconds, the longest row of lost packets; blind to a held-up meter
    sent: int
    lost: int
    interfaces: tuple[str, ...]  #: through which answers came, in the order of their first


class _Reporter:
    """A measuring program on the device whose lines are read as they come."""

    def __init__(self, device: Device, tool: str, *arguments: str) -> None:
        self._bench = device.bench
        self._changed = threading.Condition()
        self.process = device.start(
            *(sys.executable, str(TOOLS / tool), *arguments),
            stdout=subprocess.PIPE,
            log=f"{tool}.log",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            if words := line.decode().split():
                with self._changed:
                    self._take(words)
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _take(self, words: list[str]) -> None:
        raise NotImplementedError

    def stop(self) -> None:
        """End the program; what it has found stays."""
        self.process.terminate()
        self._reader.join(10)
        self._bench.stop(self.process)


class UdpMeter(_Reporter):
    """A packet every `period` seconds to the far side, and what came back."""

    def __init__(self, device: Device, address: str = SITE, period: float = 0.005) -> None:
        self.period = period
        self.sent: list[float] = []
        self.answers: list[Answer] = []  # in the order of arrival
        super().__init__(device, "udp_meter.py", address, str(ECHO_PORT), str(period * 1000))

    def _take(self, words: list[str]) -> None:
        number, moment = int(words[1]), int(words[2]) / 1e9
        if words[0] == "s":
            self.sent.append(moment)
        else:
            self.answers.append(Answer(number, self.sent[number], moment, words[3]))

    def wait_answer(
        self, after: float, *, interface: str | None = None, limit: float = 30.0
    ) -> Answer:
        """Wait for the first answer to a packet sent after a moment, through an interface."""
        deadline = time.monotonic() + limit
        looked = 0
        with self._changed:
            while True:
                for answer in self.answers[looked:]:
                    if answer.sent >= after and interface in (None, answer.interface):
                        return answer
                looked = len(self.answers)
                remaining = deadline - time.monotonic()
                if remaining <= 0 or self.process.poll() is not None:
                    way = f" through {interface}" if interface else ""
                    raise AssertionError(f"no answer{way} within {limit:g} s")
                self._changed.wait(min(remaining, 1.0))

    def window(self, start: float, end: float | None = None) -> Window:
        """Judge the packets sent from `start` to `end` (now, less those still on their way).

        The gap is counted from the last answer before `start`, so that a cable pulled at `start`
        is not credited with the time since the last packet. On a busy machine the gap may be the
        meter's own, with no packet lost: `outage` tells.
        """
        end = max(start, time.monotonic() - IN_FLIGHT) if end is None else end
        with self._changed:
            first, last = (bisect.bisect_left(self.sent, moment) for moment in (start, end))
            mine = [answer for answer in self.answers if start <= answer.received <= end]
            came_back = {a.number for a in self.answers if first <= a.number < last}
            before = [answer.received for answer in self.answers if answer.received < start]
        times = [before[-1] if before else start, *(answer.received for answer in mine), end]
        # Nothing after the last answer yet: that is a gap as well, unless it is the usual pause.
        gap, gap_end = max((late - early, late) for early, late in itertools.pairwise(times))
        ways = tuple(dict.fromkeys(answer.interface for answer in mine))
        row = longest = 0
        for number in range(first, last):
            row = 0 if number in came_back else row + 1
            longest = max(longest, row)
        lost = last - first - len(came_back)
        return Window(gap, gap_end, longest * self.period, last - first, lost, ways)


class TcpHolder(_Reporter):
    """One TCP connection to the far side, kept busy."""

    def __init__(self, device: Device, address: str = SITE, period: float = 0.1) -> None:
        self.local: str | None = None  #: the device's address that it is bound to
        self.echoed = 0  #: bytes that came back
        self.last_echo = 0.0
        self.broken: str | None = None  #: why it ended, None while it lives
        self.broken_at = 0.0
        super().__init__(device, "tcp_holder.py", address, str(ECHO_PORT), str(period * 1000))

    def _take(self, words: list[str]) -> None:
        kind, value, moment = words[0], words[1], int(words[2]) / 1e9
        if kind == "open":
            self.local = value
        elif kind == "echo":
            self.echoed, self.last_echo = int(value), moment
        else:
            self.broken, self.broken_at = value, moment

    def wait_echo(self, after: float, limit: float = 10.0) -> None:
        """Wait until bytes came back after a moment."""
        self._wait(lambda: self.last_echo > after, "no echo", limit)

    def wait_broken(self, limit: float = 10.0) -> str:
        """Wait until the connection has ended and return the errno's name."""
        self._wait(lambda: self.broken is not None, "the connection still stands", limit)
        assert self.broken
        return self.broken

    def _wait(self, met: object, otherwise: str, limit: float) -> None:
        assert callable(met)
        with self._changed:
            if not self._changed.wait_for(met, limit):
                raise AssertionError(f"{otherwise} after {limit:g} s (broken: {self.broken})")


def dhcp_alone(device: Device, interface: str, *, known: bool = False) -> float:
    """Seconds from the start of a lone dhcpcd to its address on the interface, then undone.

    Flags and settings are conman's own, but that it configures the interface by itself.
    `known`: it may remember the lease of the time before.
    """
    if not known:
        for file in (device.folder / "var/lib/dhcpcd").glob("*.lease*"):
            file.unlink()
    settings = device.folder / "dhcpcd.conf"
    settings.write_bytes(dhcpcd.SETTINGS)
    flags = [flag for flag in dhcpcd.FLAGS if flag != "--noconfigure"]
    client = ("dhcpcd", *flags, "-C", "resolv.conf", "-f", str(settings), interface)
    printed = device.run(sys.executable, str(TOOLS / "dhcp_alone.py"), interface, *client)
    device.ip("address", "flush", "dev", interface)
    device.ip("link", "set", interface, "down")
    return float(printed) / 1000

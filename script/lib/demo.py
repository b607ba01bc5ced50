"""What script/demo shows: conman on a small internet, through a failing cable and a failing router.

demo.py PREFIX      the prefix of everything that it makes
"""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from dataclasses import dataclass
from typing import Any

from timeline import Timeline

from conman_core.errors import ConmanError
from tests.netns.device import Daemon
from tests.netns.internet import Internet, internet
from tests.netns.measure import TcpHolder, UdpMeter, Window

PERIOD = 0.005  # between the packets that are counted
AFTERMATH = 0.3  # watched after traffic has moved: losses come late
PULLED, SILENT = 0.1, 11.5  # longest gap that is held to, seconds


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the summary."""

    event: str
    window: Window
    held_to: float
    lossless: bool

    @property
    def kept(self) -> bool:
        """A busy machine may hold up the meter itself: what counts is how long packets got lost."""
        return self.window.outage <= self.held_to and not (self.lossless and self.window.lost)


class Demo:
    """The steps, each on the state that the one before left."""

    def __init__(self, net: Internet, show: Timeline) -> None:
        self.net = net
        self.show = show
        self.meter = UdpMeter(net.device, period=PERIOD)
        self.rows: list[Row] = []
        self.daemon: Daemon

    def run(self) -> None:
        """Go through all steps."""
        while not self.meter.sent:  # its own start is not conman's
            time.sleep(0.01)
        self.show.start = time.monotonic()
        self.conman_starts()
        self.show.command("conman status", self.net.device.conman("status").stdout)
        self.cable_pulled()
        on_eth1 = TcpHolder(self.net.device)
        on_eth1.wait_echo(0)
        self.cable_back(on_eth1)
        self.silent_death()
        self.router_back()
        self.show.command("conman explain", self.net.device.conman("explain").stdout)
        self.second_failback()
        self.conman_stops()

    def conman_starts(self) -> None:
        """From the start of the process to the first answer to another program's packet."""
        with self.show.entry("conman starts") as entry:
            self.daemon = self.net.device.run_conman()
            first = self.meter.wait_answer(self.daemon.started)
            self.took = took = first.received - self.daemon.started
            self.daemon.wait(lambda status: online(status, "eth0") and verified(status, "eth1"))
            entry.result = f"first packet answered after {seconds(took)}, through {first.interface}"

    def cable_pulled(self) -> None:
        """No process has to notice: the kernel falls to the standby's route."""
        with self.show.entry("cable of eth0 pulled") as entry:
            moment = self.net.cable_out("eth0")
            entry.result = self.moved(moment, "eth1", "cable pulled", PULLED)
            entry.good = self.rows[-1].kept

    def cable_back(self, held: TcpHolder) -> None:
        """A link that failed once has to prove itself before it gets the traffic back."""
        with self.show.entry("cable of eth0 back in") as entry:
            moment = self.net.cable_in("eth0")
            entry.result = self.moved(moment, "eth0", "traffic back", lossless=True)
            entry.good = self.rows[-1].kept
            held.wait_echo(time.monotonic())
        self.show.note("a TCP connection opened on eth1 lives on there")
        held.stop()

    def silent_death(self) -> None:
        """Carrier, address and router stay; only a check through the link can tell."""
        with self.show.entry("internet behind eth0 dies") as entry:
            moment = self.net.home.silence()
            entry.result = self.moved(moment, "eth1", "silent death upstream", SILENT)
            entry.good = self.rows[-1].kept

    def router_back(self) -> None:
        """Noticed at once, because checks of a better link are frequent at first."""
        with self.show.entry("internet behind eth0 is back") as entry:
            moment = self.net.home.restore()
            self.daemon.wait(lambda status: verified(status, "eth0"))
            entry.result = f"noticed after {seconds(time.monotonic() - moment)}, eth0 is on trial"

    def second_failback(self) -> None:
        """It failed twice, so it has to prove itself for twice as long."""
        with self.show.entry("eth0 on trial for longer") as entry:
            moment = time.monotonic()
            entry.result = self.moved(moment, "eth0", "traffic back again", lossless=True)
            entry.good = self.rows[-1].kept

    def conman_stops(self) -> None:
        """What it has set stays: stopping it for an update costs nothing."""
        with self.show.entry("conman is stopped") as entry:
            moment = time.monotonic()
            self.daemon.stop()
            window = self.watch(moment, time.monotonic())
            self.rows.append(Row("conman stopped", window, 0, lossless=True))
            entry.good = self.rows[-1].kept
            entry.result = f"traffic goes on, {packets(window.lost)} lost"

    def moved(
        self, moment: float, to: str, event: str, held_to: float = 0, *, lossless: bool = False
    ) -> str:
        """Wait until traffic goes another way, note what it cost, and say so."""
        first = self.meter.wait_answer(moment, interface=to, limit=40)
        window = self.watch(moment, first.received)
        self.rows.append(Row(event, window, held_to, lossless))
        took = first.received - moment if lossless else window.gap
        return f"traffic on {to} after {seconds(took)}, {packets(window.lost)} lost"

    def watch(self, moment: float, until: float) -> Window:
        """Judge what happened to the packets from a moment to a little after another."""
        self.meter.wait_answer(until + AFTERMATH)
        return self.meter.window(moment, until + AFTERMATH)

    def summary(self) -> bool:
        """Print the table; whether all is as it should be."""
        self.show.heading("Summary")
        print(f"  {'':26}{'longest gap':>12}{'packets lost':>14}   held to")
        print(f"  {'first packet after start':26}{seconds(self.took):>12}")
        for row in self.rows:
            limit = f"{'no packet lost' if row.lossless else seconds(row.held_to)}"
            verdict = "" if row.kept else self.show.paint("   NOT KEPT", "1;31")
            gap = seconds(row.window.gap)
            print(f"  {row.event:26}{gap:>12}{row.window.lost:>14}   {limit}{verdict}")
        period = f"{PERIOD * 1000:g} ms"
        print(
            f"\n  One packet every {period} from a program on the device to a far server and back."
        )
        return all(row.kept for row in self.rows)


def online(status: dict[str, Any], interface: str) -> bool:
    return bool(status["state"] == "online" and status["uplink"] == f"ethernet:{interface}")


def verified(status: dict[str, Any], interface: str) -> bool:
    links = status["links"]
    return any(x["interface"] == interface and x["verdict"] == "online" for x in links)


def seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def packets(count: int) -> str:
    return f"{count} packet{'' if count == 1 else 's'}"


def end(*_: object) -> None:
    """End by the first signal, and let no second one disturb the cleaning up."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(143)


def main(prefix: str) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    show = Timeline()
    show.heading("Demo: a device with two uplinks, two routers and an internet, all in namespaces")
    with contextlib.ExitStack() as stack:
        net: Internet | None = None
        try:
            with show.entry("building them") as entry:
                started = time.monotonic()
                net = stack.enter_context(internet(prefix=prefix))
                entry.result = f"ready after {seconds(time.monotonic() - started)}"
            demo = Demo(net, show)
            demo.run()
        except (AssertionError, RuntimeError, OSError, ConmanError) as error:
            show.heading("The demo failed")
            show.text(str(error), indent=2)
            log = net.bench.log("conman.log").splitlines()[-20:] if net else []
            show.text("\n".join(["The end of conman's log:", *log]), indent=2)
            return 1
        return 0 if demo.summary() else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

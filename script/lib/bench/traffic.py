"""Trials of what a program on the device notices when a link fails and comes back."""

from __future__ import annotations

import itertools
import socket
import time

from script.lib.bench.figures import Figure, Run, Trial
from script.lib.bench.lab import AFTERMATH, Lab
from script.lib.bench.quiet import wait_quiet
from tests.netns.measure import Answer, TcpHolder, UdpMeter, Window

CHECK_INTERVAL = 8.0  #: conman's default
KERNEL_INTERVAL = 1.0  #: the kernel reports link events at most this often
ETH_P_IP, ICMP = 0x0800, 1  # linux/if_ether.h, RFC 792
ROUND_OVER = 0.05  #: seconds without an echo after which a round of checks has ended


def carrier(lab: Lab, run: Run) -> dict[str, float]:
    """Pull the cable of the uplink on a quiet machine."""
    del run
    lab.ready()
    with lab.meter() as meter:
        wait_quiet()
        return _pull(lab, meter)


def carrier_again(lab: Lab, run: Run) -> dict[str, float]:
    """Pull it while the kernel still holds back, at another moment of its interval each time."""
    lab.ready()
    lab.end_link_event()
    with lab.meter() as meter:
        wait_quiet()
        lab.link_event()
        time.sleep(KERNEL_INTERVAL * run.phase)
        return _pull(lab, meter)


def silent(lab: Lab, run: Run) -> dict[str, float]:
    """Let the internet behind the uplink die, once right after a check, then ever later."""
    daemon = lab.ready()
    with lab.meter() as meter:
        checked = lab.net.home.call(_check_seen)
        time.sleep(CHECK_INTERVAL * run.phase)
        died = lab.net.home.silence()
        first = meter.wait_answer(died, interface="eth1")
        daemon.wait_uplink("eth1")
        gap = _watch(meter, died, first).gap
    return {"gap": gap, "after_check": died - checked}


def failback(lab: Lab, run: Run) -> dict[str, float]:
    """Plug the cable in again and wait until traffic is back on it."""
    del run
    daemon = lab.ready()
    with lab.meter() as meter:
        pulled = lab.net.cable_out("eth0")
        daemon.wait_uplink("eth1")
        meter.wait_answer(pulled, interface="eth1")
        held = TcpHolder(lab.device)
        try:
            held.wait_echo(0)
            plugged = lab.net.cable_in("eth0")
            first = meter.wait_answer(plugged, interface="eth0", limit=40)
            window = _watch(meter, plugged, first)
            if held.broken is None:
                held.wait_echo(first.received + AFTERMATH)
        finally:
            held.stop()
    return {
        "lost": window.lost,
        "broken": 0 if held.broken is None else 1,
        "after": first.received - plugged,
    }


def _pull(lab: Lab, meter: UdpMeter) -> dict[str, float]:
    pulled = lab.net.cable_out("eth0")
    first = meter.wait_answer(pulled, interface="eth1")
    window = _watch(meter, pulled, first)
    sent = [moment for moment in meter.sent if pulled <= moment <= first.received + AFTERMATH]
    pause = max(late - early for early, late in itertools.pairwise(sent))
    return {"gap": window.gap, "lost": window.lost, "pause": pause}


def _watch(meter: UdpMeter, moment: float, moved: Answer) -> Window:
    """Judge the packets from a moment to a little after traffic has moved."""
    until = moved.received + AFTERMATH
    meter.wait_answer(until)
    return meter.window(moment, until)


def _check_seen(limit: float = 20.0) -> float:
    """Wait, on a router, for a round of checks to come by and end; return when it ended.

    Nothing else on the device sends echo requests.
    """
    deadline = time.monotonic() + limit
    seen = 0.0
    with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_IP)) as tap:
        tap.bind(("lan0", ETH_P_IP))
        while time.monotonic() < deadline:
            tap.settimeout(0.01)
            try:
                if tap.recv(64)[9] == ICMP:
                    seen = time.monotonic()
            except TimeoutError:
                pass
            if seen and time.monotonic() > seen + ROUND_OVER:
                return seen
    raise AssertionError(f"conman did not check within {limit:g} s")


TRIALS = (
    Trial(
        "carrier",
        "carrier loss with a standby up, 2 s after the last link event",
        (
            Figure("gap", "longest gap between answers", "s", 0.020, "median"),
            Figure("lost", "packets lost, one every 5 ms", "count"),
            Figure("pause", "longest pause of the meter itself", "s"),
        ),
        carrier,
    ),
    Trial(
        "carrier-again",
        "carrier loss within a second of another link event",
        (
            Figure("gap", "longest gap between answers", "s", 1.2),
            Figure("lost", "packets lost, one every 5 ms", "count"),
            Figure("pause", "longest pause of the meter itself", "s"),
        ),
        carrier_again,
    ),
    Trial(
        "silent",
        "silent death upstream, default settings",
        (
            Figure("gap", "longest gap between answers", "s", 11.0),
            Figure("after_check", "death so long after a check", "s"),
        ),
        silent,
    ),
    Trial(
        "failback",
        "traffic back on a better link after its failure",
        (
            Figure("lost", "packets lost, one every 5 ms", "count", 0),
            Figure("broken", "TCP connections broken", "count", 0),
            Figure("after", "traffic back after", "s"),
        ),
        failback,
    ),
)

"""Sends a numbered UDP packet every few milliseconds and writes down what comes back, as it comes.

udp_meter.py ADDRESS PORT MILLISECONDS

The socket is bound to nothing: the routing table decides anew for each packet, as for any program.
Output, times in nanoseconds of CLOCK_MONOTONIC:
    s NUMBER TIME             sent, or refused by the kernel for want of a route
    r NUMBER TIME INTERFACE   answered, through this interface
"""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import struct
import sys
import time

IP_PKTINFO = 8  # linux/in.h; struct in_pktinfo starts with the interface's index
FLUSH_NS = 50_000_000


def main(address: str, port: int, period_ns: int) -> None:
    running = True

    def end(*_: object) -> None:
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, end)
    names: dict[int, str] = {}
    lines: list[str] = []
    number = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as meter:
        meter.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        due = flushed = time.monotonic_ns()
        while running:
            now = time.monotonic_ns()
            if now >= due:
                lines.append(f"s {number} {now}")
                with contextlib.suppress(OSError):  # no route now: counts as lost
                    meter.sendto(struct.pack("!Q", number), (address, port))
                number += 1
                # Late is late: never send a burst to catch up.
                due = max(due + period_ns, now + period_ns // 2)
            readable, _, _ = select.select([meter], [], [], max(0, due - now) / 1e9)
            if readable:
                receive(meter, names, lines)
            if now - flushed > FLUSH_NS:
                print("\n".join(lines), flush=True)
                lines.clear()
                flushed = now
    print("\n".join(lines), flush=True)


def receive(meter: socket.socket, names: dict[int, str], lines: list[str]) -> None:
    while True:
        try:
            data, ancillary, _, _ = meter.recvmsg(64, 64)
        except BlockingIOError:
            return
        except OSError:
            continue  # an ICMP error of an earlier packet
        now = time.monotonic_ns()
        index = next((struct.unpack("i", a[2][:4])[0] for a in ancillary if a[1] == IP_PKTINFO), 0)
        if index not in names:
            names[index] = socket.if_indextoname(index)
        lines.append(f"r {struct.unpack('!Q', data)[0]} {now} {names[index]}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(float(sys.argv[3]) * 1e6))

"""Holds one TCP connection to the echo server, as a remote shell would, and says how it goes.

tcp_holder.py ADDRESS PORT MILLISECONDS

Sends a small record every period, whether or not the ones before came back. Output, times in
nanoseconds of CLOCK_MONOTONIC:
    open ADDRESS TIME      connected, from this address of the device
    echo BYTES TIME        so many bytes came back in all
    broken REASON TIME     the connection ended without being asked to
"""

from __future__ import annotations

import errno
import select
import signal
import socket
import sys
import time

RECORD = b"x" * 64


def say(word: str, value: object) -> None:
    print(word, value, time.monotonic_ns(), flush=True)


def hold(connection: socket.socket, period: float) -> None:
    echoed = 0
    due = time.monotonic()
    while True:
        readable, _, _ = select.select([connection], [], [], max(0.0, due - time.monotonic()))
        if readable:
            data = connection.recv(65536)
            if not data:
                say("broken", "EOF")
                return
            echoed += len(data)
            say("echo", echoed)
        if time.monotonic() >= due:
            connection.send(RECORD)
            due = time.monotonic() + period


def main(address: str, port: int, period: float) -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        with socket.create_connection((address, port), timeout=10) as connection:
            say("open", connection.getsockname()[0])
            hold(connection, period)
    except OSError as error:
        say("broken", errno.errorcode.get(error.errno or 0, type(error).__name__))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) / 1e3)

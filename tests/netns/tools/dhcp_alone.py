"""Times a DHCP client that configures an interface by itself: the floor under any manager on top.

dhcp_alone.py INTERFACE COMMAND...

Prints the milliseconds from the start of the client's process to the kernel's RTM_NEWADDR.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

RTMGRP_IPV4_IFADDR = 0x10  # linux/rtnetlink.h
RTM_NEWADDR = 20
LIMIT = 20.0


def new_address(kernel: socket.socket, index: int) -> bool:
    """Read one batch of netlink messages: is an address of the interface among them."""
    data = kernel.recv(65536)
    while data:
        length, kind = struct.unpack_from("=IH", data)
        if kind == RTM_NEWADDR and struct.unpack_from("=I", data, 20)[0] == index:
            return True
        data = data[(length + 3) & ~3 :]
    return False


def main(interface: str, *command: str) -> None:
    index = socket.if_nametoindex(interface)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.bind((0, RTMGRP_IPV4_IFADDR))
        started = time.monotonic()
        client = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            while time.monotonic() < started + LIMIT:
                if select.select([kernel], [], [], 0.1)[0] and new_address(kernel, index):
                    print(f"{(time.monotonic() - started) * 1000:.1f}")
                    return
            sys.exit(f"no address on {interface} within {LIMIT:g} s")
        finally:
            # dhcpcd 9.4.1 loses a SIGTERM that comes while it sets the address.
            os.killpg(client.pid, signal.SIGKILL)
            client.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Moves the network interfaces of modems into the device's namespace, whenever there is one.

A real device has one namespace. Here the kernel makes the interfaces of USB devices in the first
one, each time that a modem is plugged in, switched, or reset.
"""

from __future__ import annotations

import os
import select
import socket
import subprocess
import threading
from pathlib import Path

KERNEL_EVENTS = 1  # the group of NETLINK_KOBJECT_UEVENT that the kernel sends to
NETLINK_KOBJECT_UEVENT = 15
PLACE = "/vhci_hcd."
LARGEST = 1 << 16


def added(event: bytes) -> tuple[str, str] | None:
    """Where a new interface of a modem's is on the bus, such as 1-1, and its name."""
    head, _, _ = event.partition(b"\0")
    action, _, path = head.decode(errors="replace").partition("@")
    parent, _, name = path.rpartition("/net/")
    if action != "add" or PLACE not in parent or "/" in name:
        return None
    return parent.rpartition("/")[2].partition(":")[0], name


class Mover:
    """A thread that waits for interfaces, from its making to `close`."""

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace
        self.failures: list[str] = []
        self.names: dict[str, str] = {}  #: place on the bus: name on the device
        self._events = socket.socket(
            socket.AF_NETLINK, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT
        )
        self._events.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self._events.bind((0, KERNEL_EVENTS))
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        os.close(self._waker)
        self._thread.join()
        os.close(self._wake)
        self._events.close()

    def _run(self) -> None:
        while True:
            ready, _, _ = select.select([self._events.fileno(), self._wake], [], [])
            if self._wake in ready:
                return
            if found := added(self._events.recv(LARGEST)):
                self._move(*found)

    def _move(self, where: str, name: str) -> None:
        if not Path(f"/sys/class/net/{name}").exists():
            return  # of another namespace, or gone again
        words = ["ip", "link", "set", name, "netns", self.namespace]
        for number in range(10):
            there = f"{name.rstrip('0123456789')}{number}" if number else name
            more = ["name", there] if number else []
            done = subprocess.run(words + more, check=False, capture_output=True, text=True)
            if not done.returncode:
                self.names[where] = there
                return
        if Path(f"/sys/class/net/{name}").exists():
            self.failures.append(f"{name}: {done.stderr.strip()}")

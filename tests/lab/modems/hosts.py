"""Hosts of a small internet that are made with as few processes as can be.

Under emulation each process that a test starts costs a tenth of a second or more.
"""

from __future__ import annotations

from pathlib import Path

from tests.netns.device import Device
from tests.netns.namespaces import Bench, Namespace, run


class Host(Namespace):
    """A namespace of a bench's."""

    def __init__(self, bench: Bench, role: str) -> None:
        super().__init__(bench, role)
        bench.namespaces.append(self)

    def sysctl(self, name: str, value: str) -> None:
        set_here(self, name, value)

    def batch(self, *lines: str) -> None:
        """Run commands of `ip`, one a line."""
        run("ip", "-n", self.name, "-batch", "-", stdin="\n".join(lines))


class QuickDevice(Device):
    """The device, made quickly."""

    def sysctl(self, name: str, value: str) -> None:
        set_here(self, name, value)


def set_here(host: Namespace, name: str, value: str) -> None:
    """Set a kernel setting of a namespace without starting a program."""
    setting = Path("/proc/sys", *name.split("."))
    host.call(lambda: setting.write_text(value))

"""conman beside the real ModemManager: it leaves it its modem, and its command takes it back."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.modems.world import ModemWorld, modem_world
from tests.lab.test_modems import udev, wait_for
from tests.lab.test_sakis3g import SerialDevice

pytestmark = [pytest.mark.lab, pytest.mark.long]

RULE = Path("/etc/udev/rules.d/99-conman-12d1-1001.rules")
LONG = 90.0


class Manager:
    """ModemManager in the machine's namespace, on a bus that the device sees, too."""

    def __init__(self, world: ModemWorld) -> None:
        self._world = world
        self._bus = world.device.folder / "run/dbus/system_bus_socket"
        self._bus.parent.mkdir()
        self._environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={self._bus}"}
        argv = ["dbus-daemon", "--system", "--nofork", "--nopidfile"]
        world.bench.start([*argv, f"--address=unix:path={self._bus}"], "dbus.log")
        wait_for(self._bus.exists, "D-Bus listens")
        self.start()

    def start(self) -> None:
        argv = ["ModemManager"]
        self._process = self._world.bench.start(argv, "mm.log", env=self._environment)
        wait_for(lambda: "modem" in self.modems().lower(), "ModemManager answers")

    def restart(self) -> None:
        self._world.bench.stop(self._process)
        self.start()

    def modems(self) -> str:
        done = subprocess.run(
            ["mmcli", "-L"], check=False, capture_output=True, text=True, env=self._environment
        )
        return done.stdout


@contextlib.contextmanager
def rule_removed() -> Iterator[None]:
    try:
        yield
    finally:
        RULE.unlink(missing_ok=True)


def test_its_modem_is_busy_until_the_command_that_is_told_takes_it_back() -> None:
    with modem_world(None) as world, udev(world), rule_removed():
        manager = Manager(world)
        it = SerialDevice(world)
        world.add("e220")
        wait_for(lambda: "/Modem/" in manager.modems(), "it is exported", LONG)
        it.run()
        sentence = it.failed("BUSY", LONG)
        assert "ModemManager has huawei E220 (USB" in sentence
        command = sentence.partition("as root: ")[2]
        command, _, restart = command.rpartition(" && ")
        assert restart == "systemctl restart ModemManager"
        subprocess.run(["sh", "-ec", command], check=True)
        subprocess.run(["udevadm", "settle"], check=True, timeout=20)
        manager.restart()
        it.online(LONG)
        assert "/Modem/" not in manager.modems()

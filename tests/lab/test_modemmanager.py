"""conman beside the real ModemManager: a modem that it looks at is left to it."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.lab.modems.world import ModemWorld, modem_world
from tests.lab.test_modems import udev, wait_for
from tests.lab.test_sakis3g import SerialDevice

pytestmark = [pytest.mark.lab, pytest.mark.long]

LONG = 90.0


def start_manager(world: ModemWorld) -> None:
    """Start it in the machine's namespace, on a bus that the device sees, too."""
    bus = world.device.folder / "run/dbus/system_bus_socket"
    bus.parent.mkdir()
    environment = os.environ | {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={bus}"}
    argv = ["dbus-daemon", "--system", "--nofork", "--nopidfile", f"--address=unix:path={bus}"]
    world.bench.start(argv, "dbus.log")
    wait_for(bus.exists, "D-Bus listens")
    world.bench.start(["ModemManager"], "mm.log", env=environment)

    def answers() -> bool:
        argv = ["mmcli", "-L"]
        done = subprocess.run(argv, check=False, capture_output=True, text=True, env=environment)
        return "modem" in done.stdout.lower()

    wait_for(answers, "ModemManager answers")


def test_a_modem_that_it_has_is_busy_with_the_command_that_frees_it() -> None:
    with modem_world(None) as world, udev(world):
        start_manager(world)
        it = SerialDevice(world)
        it.run()
        world.add("e220")
        sentence = it.failed("BUSY", LONG)
        assert "ModemManager has huawei E220 (USB" in sentence
        assert "ID_MM_DEVICE_IGNORE" in sentence

"""The power goes while a person sets the device up: whatever the moment, nothing known is lost."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests.lab.test_provisioning import ALONE, ASKS, HOME, Provisioning, entered, provisioning
from tests.lab.wifi_device import KEY, block
from tests.netns.namespaces import run

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

KNOWN = block(b"Cabin") + block(b"Office")
LATEST = 8.0  #: seconds after Connect; a try takes about that long here
KEPT = {"setup.cfg", "networks.conf"}  #: of /run: they stand for files that a reboot keeps


def processes(it: Provisioning) -> set[int]:
    """What runs on the device: conman with all below it, and what has lost its parent."""
    conman = it.daemon.process
    found = [conman.pid] if conman.poll() is None else []
    for each in found:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
    inside = run("ip", "netns", "pids", it.device.name).split()
    return {*found, *map(int, inside)} - {os.getpid()}


def cut_the_power(it: Provisioning) -> None:
    """End conman and all that it started, and empty what is lost with the power."""
    deadline = time.monotonic() + 10
    while left := processes(it):  # one that was killed may just have started another
        assert time.monotonic() < deadline, left
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    for each in (it.device.folder / "run").iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        elif each.name not in KEPT:
            each.unlink()
    (it.device.folder / "run/dhcpcd").mkdir()


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.long)])
def test_power_cuts_at_any_moment_lose_no_known_network(seed: int) -> None:
    moments = random.Random(seed)
    with provisioning() as it:
        it.world.access_point("home", HOME, KEY)
        for settings in (ALONE, ASKS):
            it.list.write_text(KNOWN)
            it.run(settings)
            entered(it, "HomeNet")
            moment = moments.uniform(0, LATEST)
            time.sleep(moment)  # the moment of the cut is what is tried
            cut_the_power(it)
            left = it.list.read_text()
            assert left.startswith(KNOWN), (moment, left)
            assert left.count("network={") == left.count("}"), (moment, left)
        saved = "HomeNet" in it.list.read_text()  # else the cut came before the network had worked
        it.run(ASKS)
        if not saved:
            entered(it, "HomeNet")
        it.online(90)
        it.quiet()
        it.no_access_point()
        assert it.list.read_text().startswith(KNOWN)

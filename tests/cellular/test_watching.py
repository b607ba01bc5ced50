"""What a driver hears of modems that come and go, from the kernel and from nobody else."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from conman_core import Lost, ProbeAgain, Reason
from conman_core.testing import FakeContext, run
from conman_core.testing.harness import settle
from conman_plugins.cellular import watching
from conman_plugins.cellular.modeswitch import Plugged, Switcher
from conman_plugins.cellular.uevents import Plugs
from conman_plugins.cellular.watching import Watch
from tests.cellular.usbtree import UsbTree

ADDED = b"add@/devices/x\0SUBSYSTEM=tty\0"
LOST = Lost("hilink:1-1", Reason.LOST, "gone")


class Switches(Switcher):
    """Counts how often it was asked to look for discs."""

    def __init__(self, tmp_path: Path) -> None:
        tree = UsbTree(tmp_path / "sys")
        super().__init__(FakeContext(), tree.usb, root=tmp_path, plugged=Plugged())
        self.looks = 0
        self.failures = 0  #: so many switches fail, and are due at once

    async def switch_all(self) -> float | None:
        self.looks += 1
        return 0.0 if self.looks <= self.failures else None


class FakePlugs(Plugs):
    """The kernel's news come from the test."""

    latest: FakePlugs

    def __init__(self) -> None:
        super().__init__()
        type(self).latest = self

    def happen(self) -> None:
        self._changed.set()


def test_news_lead_to_a_new_look_and_a_disc_is_looked_for_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "Plugs", FakePlugs)
    switcher = Switches(tmp_path)
    watch = Watch(FakeContext(), switcher)

    async def check() -> None:
        events = watch.events()
        watch.tell(LOST)
        assert await anext(events) == LOST
        await settle()
        assert switcher.looks == 1  # for what was plugged in before
        FakePlugs.latest.happen()
        assert isinstance(await anext(events), ProbeAgain)
        await settle()
        assert switcher.looks == 2
        await events.aclose()  # type: ignore[attr-defined]

    run(check())
    assert FakePlugs.latest._socket.fileno() == -1


def test_a_disc_whose_switch_failed_is_looked_for_again_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "Plugs", FakePlugs)
    switcher = Switches(tmp_path)
    switcher.failures = 2
    watch = Watch(FakeContext(), switcher)

    async def check() -> None:
        events = watch.events()
        watch.tell(LOST)
        await anext(events)
        async with asyncio.timeout(5):
            while switcher.looks < 3:
                await asyncio.sleep(0)
        await settle()
        assert switcher.looks == 3
        await events.aclose()  # type: ignore[attr-defined]

    run(check())


def test_a_machine_that_tells_nothing_still_has_its_discs_switched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused() -> Plugs:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(watching, "Plugs", refused)
    switcher = Switches(tmp_path)
    watch = Watch(FakeContext(), switcher)

    async def check() -> None:
        events = watch.events()
        watch.tell(LOST)
        await anext(events)
        await settle()
        await events.aclose()  # type: ignore[attr-defined]

    run(check())
    assert switcher.looks == 1
    assert "after plugging one in: conman rescan" in caplog.text


def test_what_another_process_sends_is_not_the_kernels() -> None:
    async def check() -> None:
        plugs = Plugs()
        changes = plugs.changes()
        following = asyncio.ensure_future(anext(changes))
        await settle()
        with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, 15) as other:
            try:
                other.sendto(ADDED, (plugs._socket.getsockname()[0], 0))
            except PermissionError:
                assert os.geteuid()  # without root's rights it cannot even try
        await asyncio.wait({following}, timeout=0.1)
        assert not following.done()
        following.cancel()
        await asyncio.wait({following})
        plugs.close()

    run(check())

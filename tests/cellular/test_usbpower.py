"""A device that shows nothing after it was taken anew is no link: it is brought back at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from conman_core import ConnectError, Reason
from conman_core.testing import FakeContext, run
from conman_plugins.cellular import usbpower
from conman_plugins.cellular.usb import Usb
from conman_plugins.cellular.usbpower import take_anew
from tests.cellular.usbtree import UsbTree, e220

UHUBCTL = ["uhubctl", "--location", "1", "--ports", "1", "--action", "cycle"]


class Desk:
    """A modem that comes back with its functions at the attempt `comes`; 0: never."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch, comes: int) -> None:
        self.context = FakeContext()
        self.tree = UsbTree(root)
        self.attempts = 0
        self.comes = comes
        self.tree.plug("1-1")
        monkeypatch.setattr(usbpower, "reenumerate", self.reenumerate)

    def reenumerate(self, usb: Usb, place: str) -> None:
        del usb
        self.attempts += 1
        if self.attempts == self.comes:
            self.tree.pull(place)
            e220(self.tree, place)

    def take_anew(self) -> None:
        run(take_anew(self.context, self.tree.usb, "1-1"))


@pytest.mark.parametrize("comes", [1, 2])
def test_it_is_taken_anew_until_it_shows_its_functions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, comes: int
) -> None:
    desk = Desk(tmp_path, monkeypatch, comes)
    desk.take_anew()

    assert desk.attempts == comes
    assert desk.context.calls == []


@pytest.mark.parametrize("missing", [True, False])
def test_one_that_stays_dumb_has_its_power_switched_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: bool
) -> None:
    desk = Desk(tmp_path, monkeypatch, 0)
    desk.context.expect(UHUBCTL, missing=missing)
    with pytest.raises(ConnectError, match="USB 1-1 shows nothing any more; pull it") as raised:
        desk.take_anew()

    assert raised.value.reason is Reason.WEDGED
    assert ("uhubctl is not installed" in raised.value.sentence) is missing
    assert desk.attempts == 2

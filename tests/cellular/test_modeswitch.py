"""A dongle that is still a CD-ROM is switched once, by the real program's own list."""

from __future__ import annotations

import asyncio
import io
import tarfile
from pathlib import Path
from unittest.mock import ANY

import pytest

from conman_core import Reason, ToolMissing
from conman_core.testing import FakeContext, run
from conman_plugins.cellular import modeswitch
from conman_plugins.cellular.modeswitch import Plugged, Switcher
from tests.cellular.usbtree import UsbTree, disc, e220

SETTINGS = 'TargetVendor=0x12d1\nTargetProductList="14db,14dc"\nHuaweiNewMode=1\n'
ARGV = ["usb_modeswitch", "-v", "12d1", "-p", "1f01", "-b", "1", "-g", ANY, "-c", ANY]


class Desk:
    """A switcher on a machine in a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tree = UsbTree(root / "sys")
        self.context = FakeContext()
        self.plugged = Plugged()
        self.switcher = self.make()

    def make(self) -> Switcher:
        return Switcher(self.context, self.tree.usb, root=self.root, plugged=self.plugged)

    def lists(self, *names: str) -> None:
        """Install a list that knows some devices, packed as Debian does."""
        folder = self.root / "usr/share/usb_modeswitch"
        folder.mkdir(parents=True)
        with tarfile.open(folder / "configPack.tar.gz", "w:gz") as pack:
            for name in names:
                entry = tarfile.TarInfo(name)
                text = f"# {name}\n{SETTINGS}".encode()
                entry.size = len(text)
                pack.addfile(entry, io.BytesIO(text))

    def has_udev(self) -> None:
        for path in ("run/udev/control", "lib/udev/rules.d/40-usb_modeswitch.rules"):
            (self.root / path).parent.mkdir(parents=True)
            (self.root / path).write_text("")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(modeswitch, "find_tool", lambda tool: tool)
    return Desk(tmp_path)


def test_a_disc_is_switched_once_each_time_that_it_is_plugged_in(desk: Desk) -> None:
    desk.lists("12d1:1f01")
    disc(desk.tree)
    with desk.context as context:
        context.expect(ARGV)
        run(desk.switcher.switch_all())
        run(desk.switcher.switch_all())
        run(desk.make().switch_all())  # another driver's
    desk.tree.pull("1-1")
    disc(desk.tree)
    with desk.context as context:
        context.expect(ARGV)
        run(desk.switcher.switch_all())
    assert len({call.argv[8] for call in context.calls}) == 2  # device numbers


def test_drivers_that_wait_for_udev_at_once_switch_it_once(desk: Desk) -> None:
    desk.lists("12d1:1f01")
    desk.has_udev()
    disc(desk.tree)

    async def all_at_once() -> None:
        await asyncio.gather(*(desk.make().switch_all() for _ in range(3)))

    with desk.context as context:
        context.expect(ARGV)
        run(all_at_once())


def test_the_tool_gets_its_own_settings_in_a_file_that_goes_again(desk: Desk) -> None:
    desk.lists("12d1:1f01")
    disc(desk.tree)
    desk.context.expect(ARGV)
    run(desk.switcher.switch_all())

    file = Path(desk.context.calls[0].argv[-1])
    assert file.parent == desk.context.runtime
    assert not file.exists()


def test_udev_comes_first_where_it_does_it(desk: Desk) -> None:
    desk.lists("12d1:1f01")
    desk.has_udev()
    disc(desk.tree)

    async def switched_meanwhile() -> None:
        sleep = desk.context.clock.sleep

        async def and_switch(seconds: float) -> None:
            await sleep(seconds)
            desk.tree.pull("1-1")

        desk.context.clock.sleep = and_switch  # type: ignore[method-assign]
        await desk.switcher.switch_all()

    run(switched_meanwhile())
    assert desk.context.calls == []


def test_what_udev_leaves_undone_is_done(desk: Desk) -> None:
    desk.lists("12d1:1f01")
    desk.has_udev()
    disc(desk.tree)
    with desk.context as context:
        context.expect(ARGV)
        run(desk.switcher.switch_all())
        assert context.clock.now >= modeswitch.UDEV_LIMIT


def test_an_entry_for_the_maker_comes_before_the_general_one(desk: Desk) -> None:
    desk.lists("05c6:1000", "05c6:1000:uMa=AnyDATA", "05c6:1000:uMa=CELOT")
    desk.tree.plug(ids="05c6:1000", maker="CELOT Co.")
    desk.tree.function("1-1", 0, "usb-storage", kind="08:06:50")
    (found,) = desk.switcher.discs()

    assert (desk.switcher.settings(found) or "").startswith("# 05c6:1000:uMa=CELOT\n")


def test_the_administrators_own_entry_comes_first(desk: Desk) -> None:
    desk.lists("12d1:1f01")
    own = desk.root / "etc/usb_modeswitch.d/12d1:1f01"
    own.parent.mkdir(parents=True)
    own.write_text("# mine\n")
    disc(desk.tree)
    (found,) = desk.switcher.discs()

    assert desk.switcher.settings(found) == "# mine\n"


def test_a_memory_stick_is_left_alone_and_a_modem_too(desk: Desk) -> None:
    desk.lists("12d1:1f01", "12d1:1001")
    desk.tree.plug("1-1", "0781:5567", maker="SanDisk")
    desk.tree.function("1-1", 0, "usb-storage", kind="08:06:50")
    e220(desk.tree, "1-2")

    assert desk.switcher.discs() == []


def test_a_memory_stick_does_not_have_the_list_unpacked_at_each_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.lists("1c9e:f000", "0781:5567")
    desk.has_udev()
    rules = desk.root / "lib/udev/rules.d/40-usb_modeswitch.rules"
    rules.write_text('ATTR{idVendor}=="1c9e", ATTR{idProduct}=="f000", RUN+="usb_modeswitch"\n')
    monkeypatch.setattr(modeswitch, "_packed", lambda pack, ids: iter(pytest.fail("unpacked")))
    for place, ids in (("1-1", "0781:5567"), ("1-2", "1c9e:9999")):
        disc(desk.tree, place, ids)
    assert desk.switcher.discs() == []
    monkeypatch.undo()
    disc(desk.tree, "1-3", "1c9e:f000")
    assert [each.place for each in desk.switcher.discs()] == ["1-3"]


def test_a_telephone_with_a_card_is_none(desk: Desk) -> None:
    desk.tree.plug(ids="12d1:1037", maker="Android")
    desk.tree.function("1-1", 0, "usb-storage", kind="08:06:50")

    assert desk.switcher.discs() == []


def test_a_torn_list_knows_nothing(desk: Desk) -> None:
    desk.lists("12d1:1f01")
    pack = desk.root / "usr/share/usb_modeswitch/configPack.tar.gz"
    pack.write_bytes(pack.read_bytes()[:40])
    disc(desk.tree)
    (found,) = desk.switcher.discs()  # known by its maker

    assert desk.switcher.settings(found) is None


def test_a_missing_tool_is_told_with_what_to_install(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    disc(desk.tree)
    (found,) = desk.switcher.discs()
    shown = "HUAWEI Mobile (12d1:1f01, USB 1-1) still shows itself as a CD-ROM"
    assert desk.switcher.why(found) == (
        Reason.NO_DEVICE,
        f"{shown} and is switched; if it stays so, plug it in again",
    )

    def missing(tool: str) -> str:
        raise ToolMissing(tool, "usb-modeswitch")

    monkeypatch.setattr(modeswitch, "find_tool", missing)
    assert desk.switcher.why(found) == (
        Reason.NO_TOOL,
        f"{shown}: usb_modeswitch is not installed; install it with: apt install usb-modeswitch",
    )


def test_a_tool_that_fails_or_hangs_is_no_end_of_the_world(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.lists("12d1:1f01", "12d1:1446")
    disc(desk.tree, "1-1")
    disc(desk.tree, "1-2", "12d1:1446")
    with desk.context as context:
        context.expect(ARGV, hangs=True)
        second = [*ARGV[:4], "1446", *ARGV[5:]]
        context.expect(second, returncode=1, stderr="No devices in target mode")
        run(desk.switcher.switch_all())
    assert "did not end within 30 s" in caplog.text
    assert "usb_modeswitch failed: No devices in target mode" in caplog.text


def test_a_switch_that_failed_is_tried_again_later_and_later(desk: Desk) -> None:
    desk.lists("12d1:1f01")
    disc(desk.tree)
    clock = desk.context.clock
    with desk.context as context:
        for again in (60, 300, 1800, 1800):
            context.expect(ARGV, returncode=1)
            assert run(desk.switcher.switch_all()) == pytest.approx(again)
            assert run(desk.switcher.switch_all()) == pytest.approx(again)  # too early
            clock.now += again
        context.expect(ARGV)
        assert run(desk.switcher.switch_all()) is None

"""The note on the boot partition, for who holds the card."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

import pytest

from conman_core.paths import Paths
from conman_plugins.accesspoint import bootnote
from conman_plugins.accesspoint.bootnote import NAME, keep_note
from conman_plugins.accesspoint.credentials import key_file
from tests.accesspoint.kit import settings

log = logging.getLogger("accesspoint")
LINE = "{number} 1 179:1 / {folder} rw,relatime shared:30 - {kind} /dev/mmcblk0p1 rw,fmask=0022\n"


class Machine:
    """A machine whose /boot/firmware and /boot can be mounted."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mounts = root / "mountinfo"
        self.firmware, self.boot = root / "boot/firmware", root / "boot"
        self.firmware.mkdir(parents=True)
        self.paths = Paths(root / "run", root / "state")
        self.mounts.write_bytes(b"21 1 179:2 / / rw,noatime - ext4 /dev/mmcblk0p2 rw\n")

    def mount(self, folder: Path, kind: str = "vfat") -> None:
        with self.mounts.open("a") as file:
            file.write(LINE.format(number=30, folder=folder, kind=kind))

    def keep(self, **texts: str) -> None:
        keep_note(settings(**texts), log, self.paths)

    def notes(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.boot.rglob("*.txt"))

    @property
    def note(self) -> str:
        return (self.firmware / NAME).read_text()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr(bootnote, "MOUNTS", made.mounts)
    monkeypatch.setattr(bootnote, "FOLDERS", (made.firmware, made.boot))
    return made


def test_who_holds_the_card_reads_name_key_and_address(machine: Machine) -> None:
    machine.mount(machine.firmware)
    machine.keep(ssid="Box", address="10.7.0.1")
    assert "Network: Box\n" in machine.note
    assert f"Key:     {key_file(machine.paths).read_text().strip()}\n" in machine.note
    assert "http://10.7.0.1/" in machine.note
    assert "boot-note = no" in machine.note, "it says how to get rid of it"


def test_an_open_network_has_no_key(machine: Machine) -> None:
    machine.mount(machine.firmware)
    machine.keep(passphrase="open")
    assert "Key:     none, it is open\n" in machine.note
    assert not key_file(machine.paths).exists()


@pytest.mark.parametrize("kind", ["vfat", "msdos"])
def test_the_boot_partition_is_where_another_computer_reads_it(machine: Machine, kind: str) -> None:
    machine.mount(machine.boot, kind)
    machine.keep()
    assert machine.notes() == [f"boot/{NAME}"]


def test_of_two_boot_partitions_the_firmwares_has_the_note(machine: Machine) -> None:
    machine.mount(machine.boot)
    machine.mount(machine.firmware)
    machine.keep()
    assert machine.notes() == [f"boot/firmware/{NAME}"]


def test_a_machine_without_such_a_partition_has_no_note_and_no_key(machine: Machine) -> None:
    machine.mount(machine.boot, "ext4")
    machine.mount(machine.root / "media/usb", "vfat")
    machine.keep()
    assert machine.notes() == []
    assert not key_file(machine.paths).exists(), "nothing needed it yet"


@pytest.mark.parametrize("content", [b"", b"rubbish\n - vfat\n\xff\xfe vfat - \n", None])
def test_a_table_of_mounts_that_cannot_be_understood_is_no_partition(
    machine: Machine, content: bytes | None
) -> None:
    if content is None:
        machine.mounts.unlink()
    else:
        machine.mounts.write_bytes(content)
    machine.keep()
    assert machine.notes() == []


def test_the_card_is_written_only_when_something_has_changed(machine: Machine) -> None:
    machine.mount(machine.firmware)
    machine.keep()
    path = machine.firmware / NAME
    before = path.stat().st_ino
    for _ in range(3):
        machine.keep()
    assert path.stat().st_ino == before
    machine.keep(ssid="Other")
    assert "Network: Other\n" in machine.note
    assert os.listdir(machine.firmware) == [NAME]  # noqa: PTH208 - names


def test_the_setting_takes_the_note_away(machine: Machine) -> None:
    machine.mount(machine.firmware)
    machine.keep()
    for _ in range(2):
        machine.keep(boot_note="no")
        assert machine.notes() == []


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EROFS, "read-only"),
        (errno.ENOSPC, "the disk is full"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_partition_that_cannot_be_written_is_told_in_the_log_alone(
    machine: Machine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    number: int,
    why: str,
) -> None:
    machine.mount(machine.firmware)
    key_file(machine.paths).parent.mkdir()
    key_file(machine.paths).write_text("abcd-efgh-jkmn-pqrs\n")

    def fails(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "open", fails)
    machine.keep()
    monkeypatch.undo()
    (said,) = caplog.messages
    assert said.startswith("the note for who holds the card is not written: cannot write ")
    assert why in said
    assert "abcd-efgh" not in caplog.text


def test_a_note_that_cannot_be_removed_is_told_in_the_log_alone(
    machine: Machine, caplog: pytest.LogCaptureFixture
) -> None:
    machine.mount(machine.firmware)
    (machine.firmware / NAME).mkdir()
    machine.keep(boot_note="no")
    assert "the note for who holds the card is not removed: " in caplog.text

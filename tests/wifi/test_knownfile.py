"""The file of known networks on a disk: found, changed by several at once, never lost."""

from __future__ import annotations

import errno
import fcntl
import multiprocessing
import os
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conman_core import store
from conman_core.errors import SystemFault
from conman_plugins.wifi import knownfile
from conman_plugins.wifi.knownfile import KnownFile
from conman_plugins.wifi.network import Network, make_network

HOME = make_network("home", "correct horse")
TEXT = b'# mine\ncountry=GB\n\nnetwork={\n\tssid="van"\n\tpsk="van secret"\n}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "wpa_supplicant.conf"


@pytest.fixture
def written(path: Path) -> Path:
    path.parent.mkdir()
    path.write_bytes(TEXT)
    return path


def backup(path: Path) -> Path:
    return path.with_name("wpa_supplicant.conf.conman-bak")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(path: Path) -> list[str]:
    return [network.name for network in KnownFile(path).load().networks]


def refused(file: KnownFile) -> str:
    with pytest.raises(SystemFault) as caught:
        file.add(HOME)
    assert "correct horse" not in str(caught.value)
    return str(caught.value)


class TestReading:
    def test_a_file_that_is_not_there_knows_nothing(self, path):
        assert KnownFile(path).load().networks == ()
        assert not path.parent.exists()

    def test_a_file_is_read(self, written):
        known = KnownFile(written).load()
        assert (known.networks, known.country) == ((Network(b"van", "van secret"),), "GB")

    def test_a_change_by_hand_is_noticed(self, written):
        file = KnownFile(written)
        assert file.changed()
        file.load()
        assert not file.changed()
        written.write_bytes(TEXT + b"# more\n")
        assert file.changed()
        file.load()
        written.unlink()
        assert file.changed()
        file.load()
        assert not file.changed()
        assert file.fingerprint() is None

    def test_a_change_of_the_same_length_is_noticed(self, written):
        file = KnownFile(written)
        file.load()
        before = written.stat()
        while written.stat().st_ctime_ns == before.st_ctime_ns:  # the kernel's clock has ticks
            written.write_bytes(TEXT.replace(b"van secret", b"VAN SECRET"))
            os.utime(written, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert file.changed()

    def test_a_folder_or_a_pipe_in_its_place_is_named(self, path):
        path.mkdir(parents=True)
        assert "is not a file" in refused(KnownFile(path))
        path.rmdir()
        os.mkfifo(path)
        assert "is not a file" in refused(KnownFile(path))

    def test_a_file_beyond_any_list_is_not_read(self, written):
        with written.open("ab") as file:
            file.truncate(knownfile.LARGEST + 1)
        assert "no list of networks has" in refused(KnownFile(written))
        assert written.stat().st_size == knownfile.LARGEST + 1

    def test_what_may_not_be_read_is_named_with_the_remedy(self, written, monkeypatch):
        def no(*_: object) -> int:
            raise PermissionError(errno.EACCES, "Permission denied")

        monkeypatch.setattr(os, "open", no)
        with pytest.raises(SystemFault, match="run conman as root"):
            KnownFile(written).load()

    def test_a_loop_of_links_is_named(self, path):
        path.parent.mkdir()
        path.symlink_to(path)
        assert "ls -l " in refused(KnownFile(path))


class TestWriting:
    def test_the_first_network_makes_folder_and_file(self, path):
        KnownFile(path).add(HOME)
        assert names(path) == ["home"]
        assert (mode(path), mode(path.parent)) == (0o600, 0o755)
        assert not backup(path).exists()

    def test_the_version_before_stays_beside_it_for_its_owner_only(self, written):
        written.chmod(0o644)
        KnownFile(written).add(HOME)
        assert backup(written).read_bytes() == TEXT
        assert (mode(written), mode(backup(written))) == (0o600, 0o600)
        assert written.read_bytes().startswith(TEXT)

    def test_the_owner_stays(self, written):
        os.chown(written, 1234, 4321)
        KnownFile(written).add(HOME)
        assert (written.stat().st_uid, written.stat().st_gid) == (1234, 4321)

    def test_forgetting_restores_the_file(self, written):
        file = KnownFile(written)
        file.add(HOME)
        assert file.forget(b"home")
        assert written.read_bytes() == TEXT

    def test_forgetting_what_is_not_known_writes_nothing(self, written, path):
        before = written.stat()
        assert not KnownFile(written).forget(b"home")
        assert written.stat() == before
        assert not backup(written).exists()

    def test_adding_the_same_again_writes_nothing(self, written):
        file = KnownFile(written)
        file.add(HOME)
        before = file.fingerprint()
        file.add(HOME)
        assert file.fingerprint() == before

    def test_a_link_is_followed_and_stays(self, tmp_path, path):
        target = tmp_path / "data" / "networks.conf"
        target.parent.mkdir()
        target.write_bytes(TEXT)
        path.parent.mkdir()
        path.symlink_to(target)
        KnownFile(path).add(HOME)
        assert path.is_symlink()
        assert names(target) == ["van", "home"]
        assert sorted(each.name for each in path.parent.iterdir()) == ["wpa_supplicant.conf"]

    def test_a_link_to_what_is_not_there_yet_is_followed(self, tmp_path, path):
        path.parent.mkdir()
        path.symlink_to(tmp_path / "data" / "networks.conf")
        KnownFile(path).add(HOME)
        assert path.is_symlink()
        assert names(tmp_path / "data" / "networks.conf") == ["home"]

    def test_nothing_else_is_left_in_the_folder(self, written):
        KnownFile(written).add(HOME)
        assert sorted(written.parent.iterdir()) == [written, backup(written)]

    def test_a_file_mounted_by_itself_is_written_in_place(self, written, tmp_path):
        script = (
            "import sys; from pathlib import Path\n"
            "from conman_plugins.wifi.knownfile import KnownFile\n"
            "from conman_plugins.wifi.network import make_network\n"
            "file = KnownFile(Path(sys.argv[1]))\n"
            "file.add(make_network('home', 'correct horse'))\n"
            "file.forget(b'van')\n"
        )
        outside = tmp_path / "outside.conf"
        outside.write_bytes(TEXT * 3)
        python = [sys.executable, script]
        commands = 'mount --bind "$1" "$2" && exec "$3" -c "$4" "$2"'
        subprocess.run(
            ["unshare", "--mount", "sh", "-ec", commands, "sh", outside, written, *python],
            check=True,
            timeout=60,
            cwd=Path(__file__).parents[2],
        )
        assert names(outside) == ["home"]
        assert outside.read_bytes().endswith(b'\tpsk="correct horse"\n}\n')
        assert backup(written).read_bytes().startswith(TEXT * 3)
        assert mode(outside) == 0o600

    def test_a_full_disk_leaves_the_file_as_it_was(self, written, monkeypatch):
        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        assert "the disk is full" in refused(KnownFile(written))
        assert written.read_bytes() == TEXT
        assert list(written.parent.iterdir()) == [written]

    def test_a_read_only_disk_is_named(self, written, monkeypatch):
        real = os.open

        def read_only(target: object, flags: int, *rest: int) -> int:
            if flags & (os.O_WRONLY | os.O_RDWR):
                raise OSError(errno.EROFS, "Read-only file system")
            return real(target, flags, *rest)  # type: ignore[arg-type]

        monkeypatch.setattr(os, "open", read_only)
        assert "read-only; see: findmnt" in refused(KnownFile(written))
        assert written.read_bytes() == TEXT

    def test_a_network_that_cannot_be_written_changes_nothing(self, written):
        with pytest.raises(ValueError, match="cannot be written"):
            KnownFile(written).add(Network(b"x", extras=(("id_str", '"a\nb"'),)))
        assert written.read_bytes() == TEXT

    def test_a_power_cut_before_the_new_file_is_in_place_leaves_the_old_one(
        self, written, monkeypatch
    ):
        def cut(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(store, "_take_over_mode", cut)
        with pytest.raises(KeyboardInterrupt):
            KnownFile(written).add(HOME)
        assert written.read_bytes() == TEXT


def _add_many(path: Path, first: int) -> None:
    for number in range(first, first + 8):
        KnownFile(path).add(make_network(f"net {number:03}", "correct horse"))


class TestSeveralWriters:
    def test_threads_lose_nothing(self, written):
        file = KnownFile(written)
        many = [make_network(f"net {n:03}", "correct horse") for n in range(24)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(file.add, many))
        assert sorted(names(written)) == [*(network.name for network in many), "van"]

    def test_processes_lose_nothing(self, written):
        spawn = multiprocessing.get_context("spawn")
        workers = [spawn.Process(target=_add_many, args=(written, 8 * n)) for n in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(60)
            assert worker.exitcode == 0
        assert sorted(names(written)) == [*(f"net {n:03}" for n in range(32)), "van"]

    def test_a_writer_waits_for_another_one(self, written):
        held = os.open(written.parent, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        adding = threading.Thread(target=KnownFile(written).add, args=(HOME,))
        adding.start()
        adding.join(0.2)
        assert adding.is_alive()
        assert written.read_bytes() == TEXT
        os.close(held)
        adding.join(10)
        assert names(written) == ["van", "home"]

    def test_a_writer_that_never_ends_is_not_waited_for_forever(self, written, monkeypatch):
        monkeypatch.setattr(knownfile, "LOCK_LIMIT", 0.1)
        held = os.open(written.parent, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            assert "fuser -v" in refused(KnownFile(written))
        finally:
            os.close(held)

    def test_reading_waits_for_nobody(self, written):
        held = os.open(written.parent, os.O_RDONLY)
        fcntl.flock(held, fcntl.LOCK_EX)
        assert names(written) == ["van"]
        os.close(held)

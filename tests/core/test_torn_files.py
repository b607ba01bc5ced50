"""What a killed conman left beside the files that it writes goes at the next start."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from conman_core import config
from conman_core.ledger import Ledger
from conman_core.net.resolver import Resolver
from conman_core.store import JsonStore, remove_torn
from conman_plugins.accesspoint import bootnote
from conman_plugins.wifi.knownfile import KnownFile
from tests.accesspoint.kit import settings

DEAD = 4_999_999  #: beyond PID_MAX_LIMIT, linux/threads.h


def left(path: Path, writer: int | str = DEAD) -> Path:
    made = path.with_name(f".{path.name}.{writer}.tmp")
    made.write_bytes(b"")
    return made


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_a_dead_writer_left_goes(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    left(path)
    left(path, DEAD + 1)
    remove_torn(path)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "name",
    [
        f".other.{DEAD}.tmp",
        f"resolv.conf.{DEAD}.tmp",
        f".resolv.conf.{DEAD}.tmp~",
        f".resolv.conf.0{DEAD}.tmp",
        f".resolvxconf.{DEAD}.tmp",
        ".resolv.conf.tmp",
        ".resolv.conf.x1.tmp",
        ".resolv.conf..tmp",
    ],
)
def test_any_other_name_is_a_users(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"mine")
    remove_torn(tmp_path / "resolv.conf")
    assert names(tmp_path) == [name]


def test_a_living_writer_is_not_disturbed(tmp_path: Path) -> None:
    path = tmp_path / "state"
    left(path, threading.get_native_id())
    left(path, os.getpid())
    remove_torn(path)
    assert names(tmp_path)


def test_no_file_is_no_file_of_ours(tmp_path: Path) -> None:
    path = tmp_path / "state"
    (tmp_path / f".state.{DEAD}.tmp").symlink_to(tmp_path / "precious")
    (tmp_path / f".state.{DEAD + 1}.tmp").mkdir()
    remove_torn(path)
    remove_torn(tmp_path / "nowhere" / "state")
    assert len(names(tmp_path)) == 2


def test_files_of_other_users_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "state"
    left(path)
    mine = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
    remove_torn(path)
    assert names(tmp_path)


def test_each_file_that_conman_keeps_is_looked_after_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver, networks = tmp_path / "resolv.conf", tmp_path / "wpa_supplicant.conf"
    link, memory, copy = tmp_path / "link", tmp_path / "memory.json", tmp_path / "last-good.cfg"
    link.symlink_to(networks)
    note = tmp_path / bootnote.NAME
    monkeypatch.setattr(bootnote, "_boot_partitions", lambda: iter([tmp_path]))
    beside = [resolver, networks, memory, copy, note]
    torn = [left(path) for path in [*beside, networks.with_name(networks.name + ".conman-bak")]]
    Resolver(resolver, Ledger(tmp_path / "ledger.json"))
    KnownFile(link)
    JsonStore(memory).load()
    config.keep(tmp_path / "setup.cfg", copy)
    bootnote.keep_note(settings(boot_note="no"), bootnote.logging.getLogger("x"))
    assert [path.name for path in torn if path.exists()] == []


def test_with_dns_none_the_resolver_files_folder_is_left_alone(tmp_path: Path) -> None:
    torn = left(tmp_path / "resolv.conf")
    Resolver(tmp_path / "resolv.conf", Ledger(tmp_path / "ledger.json"), "none")
    assert torn.exists()

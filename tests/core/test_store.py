from __future__ import annotations

import errno
import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conman_core.errors import SystemFault
from conman_core.store import LARGEST, JsonStore, write_atomic

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def failing(number: int) -> Any:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_new_file_has_the_content_and_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state"
    write_atomic(path, b"\x00new")

    assert path.read_bytes() == b"\x00new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names(tmp_path) == ["state"]


def test_the_mode_asked_for_does_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_atomic(tmp_path / "open", b"", 0o644)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o644


def test_mode_and_owner_stay_when_asked_and_only_then(tmp_path: Path) -> None:
    path = tmp_path / "theirs"
    path.write_bytes(b"old")
    path.chmod(0o664)
    if os.geteuid() == 0:
        os.chown(path, 12, 34)

    write_atomic(path, b"new", 0o600, keep_owner=True)
    kept = path.stat()
    write_atomic(path, b"new", 0o600)

    assert stat.S_IMODE(kept.st_mode) == 0o664
    if os.geteuid() == 0:
        assert (kept.st_uid, kept.st_gid) == (12, 34)
        assert path.stat().st_uid == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("where", "number", "says"),
    [
        ("fsync", errno.ENOSPC, "disk is full"),
        ("fsync", errno.EIO, os.strerror(errno.EIO)),
        ("open", errno.EROFS, "read-only"),
        ("open", errno.EACCES, "run conman as root"),
        ("open", errno.ENOSPC, "df -h"),
        ("fchmod", errno.EPERM, "chattr -i"),
    ],
)
def test_a_write_that_fails_leaves_the_old_content_and_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, number: int, says: str
) -> None:
    path = tmp_path / "state"
    path.write_bytes(b"old")
    with monkeypatch.context() as broken:
        broken.setattr(os, where, failing(number))
        with pytest.raises(SystemFault, match=says) as caught:
            write_atomic(path, b"new content")

    assert str(path) in str(caught.value)
    assert caught.value.errno == number
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["state"]


def test_a_rename_that_fails_leaves_no_temporary_file(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.mkdir()
    with pytest.raises(SystemFault, match="cannot write"):
        write_atomic(path, b"new")

    assert names(tmp_path) == ["state"]


def test_a_temporary_file_left_by_a_power_cut_does_not_stop_the_next_write(tmp_path: Path) -> None:
    left = tmp_path / f".state.{threading.get_native_id()}.tmp"
    left.write_bytes(b"a long piece of what was cut off")
    write_atomic(tmp_path / "state", b"new")

    assert (tmp_path / "state").read_bytes() == b"new"
    assert names(tmp_path) == ["state"]


def test_a_planted_link_in_place_of_the_temporary_file_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / f".state.{threading.get_native_id()}.tmp").symlink_to(victim)
    with pytest.raises(SystemFault):
        write_atomic(tmp_path / "state", b"new")

    assert victim.read_bytes() == b"precious"


def test_a_short_write_is_finished(tmp_path: Path) -> None:
    data = bytes(range(256)) * 8192
    write_atomic(tmp_path / "state", data)

    assert (tmp_path / "state").read_bytes() == data


def test_a_folder_that_cannot_be_synced_is_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fsync

    def fsync(handle: int) -> None:
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "")
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomic(tmp_path / "state", b"new")

    assert (tmp_path / "state").read_bytes() == b"new"


def test_the_data_is_on_disk_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, rename = os.fsync, Path.replace

    def fsync(handle: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "data")
        sync(handle)

    def replace(self: Path, target: Path) -> Path:
        steps.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_atomic(tmp_path / "state", b"new")

    assert steps == ["data", "rename", "folder"]


@given(values=st.dictionaries(st.text(), JSON))
@settings(max_examples=60, deadline=None)
def test_what_was_saved_is_loaded(values: dict[str, Any], tmp_path_factory: Any) -> None:
    path = tmp_path_factory.mktemp("store") / "a.json"
    JsonStore(path).save(values)

    assert JsonStore(path).load() == values


def test_a_missing_file_is_an_empty_memory_and_no_news(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert JsonStore(tmp_path / "none.json").load() == {}
    assert not caplog.records


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b'{"a": 1, "b',
        b"[1, 2]",
        b"null",
        b"\xff\xfe\x00",
        b"[" * 200_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b" " * (LARGEST + 1) + b"{}",
    ],
    ids=["empty", "torn", "list", "null", "not text", "deep", "huge number", "too long"],
)
def test_a_file_that_cannot_be_used_is_set_aside_and_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    path = tmp_path / "wwan.json"
    path.write_bytes(content)

    assert JsonStore(path).load() == {}
    assert names(tmp_path) == ["wwan.json.corrupt"]
    assert (tmp_path / "wwan.json.corrupt").read_bytes() == content
    (record,) = caplog.records
    assert str(path) in record.getMessage()


def test_only_the_latest_corrupt_file_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    for content in (b"first", b"second"):
        path.write_bytes(content)
        JsonStore(path).load()

    assert names(tmp_path) == ["a.json.corrupt"]
    assert (tmp_path / "a.json.corrupt").read_bytes() == b"second"


def test_a_folder_or_a_pipe_in_place_of_the_file_does_not_stop_the_start(tmp_path: Path) -> None:
    (tmp_path / "a.json").mkdir()
    os.mkfifo(tmp_path / "b.json")

    assert JsonStore(tmp_path / "a.json").load() == {}
    assert JsonStore(tmp_path / "b.json").load() == {}


def test_a_file_that_can_neither_be_read_nor_moved_does_not_stop_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"torn")
    monkeypatch.setattr(Path, "replace", failing(errno.EROFS))

    assert JsonStore(path).load() == {}
    assert str(path) in caplog.text


def test_the_first_save_makes_a_folder_for_root_only(tmp_path: Path) -> None:
    path = tmp_path / "drivers" / "wwan.json"
    JsonStore(path).save({"apn": "internet"})

    assert json.loads(path.read_bytes()) == {"apn": "internet"}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_saving_the_same_again_does_not_touch_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    JsonStore(path).save({"a": 1, "b": 2})
    before = path.stat()
    JsonStore(path).save({"b": 2, "a": 1})

    assert path.stat().st_ino == before.st_ino


def test_a_full_disk_is_told_and_the_old_memory_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = JsonStore(tmp_path / "a.json")
    store.save({"pin": "tried once"})
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", failing(errno.ENOSPC))
        with pytest.raises(SystemFault, match="full"):
            store.save({"pin": "tried twice"})

    assert store.load() == {"pin": "tried once"}


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes"])
def test_a_value_without_a_json_form_is_the_callers_mistake(tmp_path: Path, value: Any) -> None:
    store = JsonStore(tmp_path / "a.json")
    store.save({"a": 1})
    with pytest.raises(TypeError):
        store.save({"a": value})

    assert store.load() == {"a": 1}


def test_too_much_to_read_back_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="too many"):
        JsonStore(tmp_path / "a.json").save({"a": "x" * LARGEST})


def test_threads_that_save_the_same_file_at_once_never_tear_it(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    problems: list[str] = []
    JsonStore(path).save({"writer": 9, "filler": ""})
    ready = threading.Barrier(5)

    def write(number: int) -> None:
        ready.wait()
        for count in range(25):
            JsonStore(path).save({"writer": number, "filler": "x" * (number * 997 + count)})

    def read() -> None:
        ready.wait()
        for _ in range(200):
            if not isinstance(JsonStore(path).load().get("writer"), int):
                problems.append(path.read_text())

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    threads.append(threading.Thread(target=read))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not problems
    assert names(tmp_path) == ["a.json"]

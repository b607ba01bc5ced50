"""Name and key: made once for the device, kept, and good to read and to type."""

from __future__ import annotations

import errno
import math
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conman_core.errors import SystemFault
from conman_core.paths import Paths
from conman_plugins.accesspoint import credentials
from conman_plugins.accesspoint.credentials import expand_ssid, key_file, passphrase, wanted_of
from tests.accesspoint.kit import settings

AUTO = settings()
MADE = re.compile("[a-hjkmnp-z2-9]{4}(-[a-hjkmnp-z2-9]{4}){3}")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "run", tmp_path / "state")


def test_a_key_is_made_once_and_then_stays(paths: Paths) -> None:
    first = passphrase(AUTO, paths)
    assert first
    assert MADE.fullmatch(first)
    assert passphrase(AUTO, paths) == first
    assert key_file(paths).read_text() == f"{first}\n"


def test_each_device_has_another_one(tmp_path: Path) -> None:
    made = {passphrase(AUTO, Paths(tmp_path, tmp_path / str(n))) for n in range(20)}
    assert len(made) == 20


def test_only_the_owner_can_read_it(paths: Paths) -> None:
    before = os.umask(0)
    try:
        passphrase(AUTO, paths)
    finally:
        os.umask(before)
    assert key_file(paths).stat().st_mode & 0o777 == 0o600
    assert paths.state.stat().st_mode & 0o777 == 0o700


def test_nothing_but_the_key_is_left_in_the_folder(paths: Paths) -> None:
    passphrase(AUTO, paths)
    assert [path.name for path in paths.state.iterdir()] == ["accesspoint.key"]


@pytest.mark.parametrize(
    "left",
    [b"abcd-efgh-jk", b"\0" * 20, b"\xff\xfe garbage", b"abcd-efgh-jkmn-pqr0\n", b"x" * 5000],
    ids=["torn", "zeros", "not text", "a letter that is never used", "long"],
)
def test_a_damaged_file_is_replaced_and_that_is_said(
    paths: Paths, caplog: pytest.LogCaptureFixture, left: bytes
) -> None:
    paths.state.mkdir()
    key_file(paths).write_bytes(left)
    made = passphrase(AUTO, paths)
    assert MADE.fullmatch(made or "")
    assert key_file(paths).read_text().strip() == made
    assert [record.message for record in caplog.records] == [
        f"{key_file(paths)} is damaged: the access point has a new key"
    ]
    assert str(left) not in caplog.text


def test_an_empty_file_is_filled(paths: Paths) -> None:
    """As after a power cut of a file system that does not keep its promises."""
    paths.state.mkdir()
    key_file(paths).touch()
    assert MADE.fullmatch(passphrase(AUTO, paths) or "")


def test_a_power_cut_while_it_is_written_leaves_no_half_of_it(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", cut)
    with pytest.raises(KeyboardInterrupt):
        passphrase(AUTO, paths)
    assert not key_file(paths).exists()


def test_a_key_that_cannot_be_read_says_what_to_do(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file(paths).mkdir(parents=True)
    with pytest.raises(SystemFault, match="Is a directory; once it is removed a new one is made"):
        passphrase(AUTO, paths)

    def denied(*_: object, **__: object) -> str:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "read_text", denied)
    with pytest.raises(SystemFault, match="Permission denied; as root it can"):
        passphrase(AUTO, paths)


def test_a_key_that_cannot_be_kept_says_what_to_do(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SystemFault, match=r"accesspoint\.key: the disk is full; free some space"):
        passphrase(AUTO, paths)
    assert not any(paths.state.iterdir())


def test_no_key_looks_like_another_one() -> None:
    alphabet = credentials._ALPHABET
    assert len(set(alphabet)) == len(alphabet) == 31
    assert not set("il1o0") & set(alphabet)
    assert 16 * math.log2(len(alphabet)) > 79


def test_each_letter_is_as_likely_as_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """A chi-squared test: with 30 degrees of freedom more than 90 comes once in 10^7 runs."""
    monkeypatch.setattr(credentials, "write_atomic", lambda path, data: None)
    letters: Counter[str] = Counter()
    for _ in range(2000):
        letters.update(credentials._make(Path("/tmp/key")).replace("-", ""))
    expected = 2000 * 16 / 31
    assert sum((letters[c] - expected) ** 2 / expected for c in credentials._ALPHABET) < 90


def test_a_key_of_the_users_own_and_none_at_all_are_not_kept(paths: Paths) -> None:
    assert passphrase(settings(passphrase="my own key"), paths) == "my own key"
    assert passphrase(settings(passphrase="open"), paths) is None
    assert not paths.state.exists()


def test_what_is_wanted_of_a_radio_has_name_and_key(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", str(paths.state))
    wanted = wanted_of(settings(ssid="Box", country="gr"))("wlan7")
    assert wanted.ssid == b"Box"
    assert wanted.passphrase == key_file(paths).read_text().strip()
    assert wanted.country == "GR"
    assert str(wanted.portal) == "192.0.2.1"


# -- the name


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine called pi-4, with a serial number and two radios."""
    net = tmp_path / "net"
    for name, mac in (("eth0", "dc:a6:32:00:00:01"), ("wlan0", "dc:a6:32:ab:cd:ef")):
        (net / name).mkdir(parents=True)
        (net / name / "address").write_text(f"{mac}\n")
    (net / "wlan0/phy80211").mkdir()
    (net / "wlan1/phy80211").mkdir(parents=True)
    (net / "wlan1/address").write_text("00:11:22:33:44:55\n")
    (tmp_path / "serial").write_text("10000000a1b2c3d4\0")
    monkeypatch.setattr(credentials, "_SYSFS", net)
    monkeypatch.setattr(credentials, "_SERIALS", (tmp_path / "no", tmp_path / "serial"))
    monkeypatch.setattr("socket.gethostname", lambda: "pi-4")
    return tmp_path


@pytest.mark.parametrize(
    ("template", "interface", "name"),
    [
        ("ContinuumBridge", "", b"ContinuumBridge"),
        ("{hostname}", "", b"pi-4"),
        ("Box {serial}", "", b"Box a1b2c3d4"),
        ("Box {mac}", "", b"Box abcdef"),
        ("Box {mac}", "wlan1", b"Box 334455"),
        ("Box {mac}", "gone", b"Box 000000"),
        ("{hostname}/{serial}/{mac}/{mac}", "", b"pi-4/a1b2c3d4/abcdef/abcdef"),
    ],
)
def test_placeholders_stand_for_the_devices_own(
    machine: Path, template: str, interface: str, name: bytes
) -> None:
    assert expand_ssid(template, interface) == name


def test_a_machine_without_a_serial_number_has_a_name_all_the_same(machine: Path) -> None:
    (machine / "serial").write_text("\0 -/")
    assert expand_ssid("{serial}") == b"conman"


@hypothesis_settings(max_examples=40)
@given(st.text(min_size=1, max_size=60))
@example("x" * 33)
@example("x" * 31 + "ä")
@example("x" * 29 + "📶")
@example("ä" * 17)
def test_a_name_is_cut_between_characters_to_32_bytes(name: str) -> None:
    made = expand_ssid(name.replace("{", "").replace("}", "") or "x")
    assert 0 < len(made) <= 32
    whole = (name.replace("{", "").replace("}", "") or "x").encode("utf-8", "replace")
    assert whole.startswith(made)
    made.decode()  # no half of a character
    assert len(whole) <= 32 or len(made) > 28, "no more is cut off than one character"


# -- what it costs


def test_the_daemons_side_loads_no_tls_library() -> None:
    """OpenSSL would be 3 MiB of memory for nothing, on devices that have little."""
    code = """
import importlib, sys
from conman_core.lean import without_tls
with without_tls():
    import conman_core.service
for name in "plugin session berth opening air door credentials bootnote attempts led".split():
    importlib.import_module(f"conman_plugins.accesspoint.{name}")
from conman_plugins.accesspoint import credentials
credentials._make.__globals__["write_atomic"] = lambda path, data: None
from pathlib import Path
credentials._make(Path("/tmp/never-written"))
heavy = {"_hashlib", "_ssl", "ssl", "hashlib", "hmac", "secrets", "tornado", "segno"}
print(sorted(heavy & set(sys.modules)), "libcrypto" in Path("/proc/self/maps").read_text())
"""
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.strip() == "[] False"

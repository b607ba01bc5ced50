"""What the host makes of what happens in the machine; and the parts that need no machine."""

from __future__ import annotations

import json
import lzma
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lab import genl, image, machine, medium, recipe, remote, wheels
from tests.lab.cache import ROOT
from tests.lab.hostapd import Settings
from tests.lab.machine import Answer

FAILING = """
import os, subprocess, sys, time
from pathlib import Path
import pytest

pytestmark = pytest.mark.lab


def test_output_of_a_failing_command_is_shown():
    subprocess.run("echo out of the machine; exit 7", shell=True, check=True)


def test_a_panic_is_reported_with_the_console():
    Path("/proc/sysrq-trigger").write_text("c")
    time.sleep(60)


def test_after_a_panic_the_next_test_has_a_machine():
    assert os.environ["CONMAN_LAB_GUEST"] == "1"


def test_a_process_left_behind_is_a_failure():
    subprocess.Popen(["sleep", "1234"], start_new_session=True)


@pytest.mark.timeout(3)
def test_a_hanging_test_is_ended():
    time.sleep(60)


@pytest.mark.skip(reason="told to skip")
def test_skipped():
    pass
"""


def on_host(test: Callable[..., None]) -> Callable[..., None]:
    """A test that starts machines itself: of the lab's tier, but run here."""
    marked: Callable[..., None] = pytest.mark.timeout(300)(pytest.mark.lab(host=True)(test))
    return marked


@on_host
def test_what_goes_wrong_inside_is_reported_outside() -> None:
    file = ROOT / "tests/lab" / f"test_made_{os.getpid()}.py"
    file.write_text(FAILING)
    argv = [sys.executable, "-m", "pytest", "-m", "lab", "-p", "no:cacheprovider", str(file)]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT)
    finally:
        file.unlink()
    said = done.stdout
    assert "4 failed, 1 passed, 1 skipped" in said, said + done.stderr
    assert "out of the machine" in said
    assert "sysrq: Trigger a crash" in said
    assert "left processes behind" in said
    assert "sleep 1234" in said
    assert "Timeout (>3.0s)" in said
    assert "told to skip" in said


@on_host
def test_a_machine_that_hangs_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with machine.Machine() as made:
        made.wait_ready()
        monkeypatch.setattr(machine, "SILENCE_LIMIT", 4.0)
        made.process.send_signal(signal.SIGSTOP)
        with pytest.raises(machine.MachineDied, match="hangs"):
            made.request(do="shell", script="true")


@on_host
def test_the_machine_ends_when_its_owner_is_killed() -> None:
    code = (
        "from tests.lab.machine import Machine; import time; m = Machine();"
        "print(m.process.pid, m.folder, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as owner:
        assert owner.stdout
        pid, folder = owner.stdout.readline().decode().split()
        assert Path(f"/proc/{pid}").exists()
        owner.kill()
    shutil.rmtree(folder)
    deadline = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@on_host
def test_run_gives_the_output_and_the_exit_code_of_a_script(tmp_path: Path) -> None:
    script = tmp_path / "job"
    script.write_text("#!/usr/bin/python3\nimport conman_core\nprint(conman_core.__file__)\n")
    argv = ["script/lab", "run", "--out", str(tmp_path), str(script), "echo kept >/out/f; exit 7"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.stdout == "/site/conman_core/__init__.py\n", done.stderr
    assert done.returncode == 7
    assert (tmp_path / "f").read_text() == "kept\n"


def test_without_the_image_the_command_that_makes_it_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CONMAN_LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda name, **_: name)
    assert image.missing() == "the lab's machine is missing (not built yet): sudo script/lab build"
    (tmp_path / "image-old").mkdir()
    assert "its recipe has changed" in image.missing()
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    assert "apt install qemu-system-x86" in image.missing()


def test_the_recipes_fingerprint_changes_with_every_source(tmp_path: Path) -> None:
    source = tmp_path / "build.py"
    source.write_text("one")
    before = recipe.fingerprint(source)
    assert before == recipe.fingerprint(source) != recipe.fingerprint()
    source.write_text("two")
    assert recipe.fingerprint(source) != before


def test_a_wheel_is_built_anew_when_a_file_of_it_is_changed_or_renamed(tmp_path: Path) -> None:
    plugin = tmp_path / "conman_plugins/radio"
    (plugin / "__pycache__").mkdir(parents=True)
    (plugin / "pyproject.toml").write_text("")
    (plugin / "driver.py").write_text("1")
    before = wheels.digest(wheels.sources(plugin), plugin)
    (plugin / "__pycache__/driver.pyc").write_text("compiled")
    assert wheels.digest(wheels.sources(plugin), plugin) == before
    (plugin / "driver.py").rename(plugin / "other.py")
    renamed = wheels.digest(wheels.sources(plugin), plugin)
    (plugin / "other.py").write_text("2")
    assert len({before, renamed, wheels.digest(wheels.sources(plugin), plugin)}) == 3
    assert wheels.distributions(tmp_path) == [tmp_path, plugin]


def test_what_pytest_inside_did_not_report_is_a_failure(request: pytest.FixtureRequest) -> None:
    nothing = Answer(code=4, timed_out=False, leaked=[], output="no such test")
    (report,) = remote.judge(request.node, nothing, 300)
    assert report.failed
    assert "no such test" in str(report.longrepr)


def test_a_kernel_that_is_not_packed_is_taken_as_it_is() -> None:
    elf = b"\x7fELF and so on"
    assert image.unpack_kernel(b"setup code" + lzma.compress(elf)) == elf
    assert image.unpack_kernel(b"setup code") == b"setup code"


def test_a_key_of_an_access_point_fits_its_security() -> None:
    text = Settings(b"\xff", "0" * 64, "wpa2").file("lan0", Path("/c"), Path("/f"))
    assert "ssid2=ff\n" in text
    assert f"wpa_psk={'0' * 64}\n" in text
    with pytest.raises(ValueError, match="wpa3 needs a key"):
        Settings(b"a", None, "wpa3").file("lan0", Path("/c"), Path("/f"))
    with pytest.raises(ValueError, match="1 to 32 bytes"):
        Settings(b"").file("lan0", Path("/c"), Path("/f"))


@given(st.dictionaries(st.integers(0, genl.NLA_TYPE_MASK), st.binary(max_size=40)))
def test_attributes_come_back_as_they_were(attributes: dict[int, bytes]) -> None:
    packed = genl.pack(attributes)
    assert genl.unpack(packed) == attributes
    assert len(packed) % 4 == 0


@given(st.binary(max_size=200))
def test_torn_messages_end_the_reading_and_nothing_else(data: bytes) -> None:
    for message in genl.messages(data):
        assert isinstance(message.attributes, dict)


def sent_frame(receiver: bytes, flags: int = 1) -> dict[int, bytes]:
    return {
        medium.ATTR_TRANSMITTER: bytes.fromhex("020000000100"),
        medium.ATTR_FRAME: b"\x40\0\0\0" + receiver + b"rest",
        medium.ATTR_FLAGS: struct.pack("=I", flags),
        medium.ATTR_FREQ: struct.pack("=I", 2412),
        medium.ATTR_TX_INFO: b"\0" * 8,
        medium.ATTR_COOKIE: b"\1" * 8,
    }


def test_a_frame_reaches_who_is_in_range_and_is_acknowledged_by_its_receiver_alone() -> None:
    rules = medium.Rules()
    first, second, third = (bytes.fromhex(f"02000000{number:02x}00") for number in (1, 2, 3))
    rules.obey(json.dumps({"pair": [first.hex(), second.hex()], "signal": -70}))
    rules.obey(json.dumps({"pair": [first.hex(), third.hex()], "signal": None}))
    assert dict(rules.hearers(first)) == {second: -70}
    assert dict(rules.hearers(second)) == {first: -70, third: medium.NEAR}
    for receiver, heard in ((second, True), (third, False), (b"\xff" * 6, True)):
        (command, frame), (last, news) = medium.deliver(rules, sent_frame(receiver))
        assert (command, last) == (medium.CMD_FRAME, medium.CMD_TX_INFO_FRAME)
        assert frame[medium.ATTR_RECEIVER] == bytes.fromhex("020000000200")
        flags = struct.unpack("=I", news[medium.ATTR_FLAGS])[0]
        assert bool(flags & medium.TX_ACKNOWLEDGED) is heard

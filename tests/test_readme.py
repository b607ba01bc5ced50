"""What the README says holds: settings, unit, keys, words."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from conman_core import config
from conman_core.cli.parser import _COMMANDS
from conman_core.commands import GROUP
from conman_core.contract import declared_by
from conman_core.entrypoints import installed
from conman_plugins.accesspoint.plugin import AccessPoint
from conman_plugins.cellular.wwan import WwanDriver
from conman_plugins.ethernet.driver import EthernetDriver
from conman_plugins.wifi.driver import WifiDriver
from tests.documents import ROOT, blocks, commands

INSTALL = 1  # the second shell block


def test_every_settings_file_in_it_is_valid(tmp_path: Path) -> None:
    for number, text in enumerate(blocks("README.md", "ini")):
        path = tmp_path / f"{number}.cfg"
        path.write_text(text)
        drivers = {"ethernet": EthernetDriver, "wifi": WifiDriver, "wwan": WwanDriver}
        known = {name: declared_by(driver) for name, driver in drivers.items()}
        loaded = config.load(path, known, {"accesspoint": declared_by(AccessPoint)})
        assert loaded.warnings == ()
        assert config.missing_drivers(loaded, known) == ()


def test_its_unit_is_accepted_by_systemd(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        assert not os.environ.get("CONMAN_TEST_ALL"), "systemd-analyze is missing"
        pytest.skip("systemd-analyze is not installed: apt install systemd")
    (unit,) = blocks("README.md", "systemd")
    path = tmp_path / "conman-readme.service"
    path.write_text(unit.replace("/usr/local/bin/conman", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(path)], check=False, capture_output=True, text=True
    )
    assert "conman-readme" not in done.stderr, done.stderr


def test_it_names_every_command_and_no_other() -> None:
    named = {command.split()[1] for command in commands("README.md") if command[:6] == "conman"}
    known = {command.name for command in _COMMANDS} | {"config"}
    known |= {one.point.name for one in installed(GROUP) if one.distribution.startswith("conman-")}

    assert named == known


def test_it_names_every_key_of_the_status() -> None:
    text = (ROOT / "README.md").read_text()
    source = (ROOT / "conman_core/status.py").read_text()
    for key in re.findall(r'^\s+"(\w+)": ', source, re.MULTILINE):
        assert f"`{key}`" in text or key in {"recent", "time"}, key  # of explain


def test_the_scripts_that_it_names_can_be_run() -> None:
    for name in ("script/demo", "script/test", "script/bench", "script/lab"):
        assert os.access(ROOT / name, os.X_OK)


@pytest.mark.wheel
def test_its_installation_works_as_written(tmp_path: Path) -> None:
    """In a mount namespace: /opt and /usr/local/bin are the test's own."""
    if os.geteuid() != 0:
        pytest.skip("needs root")
    lines = blocks("README.md", "sh")[INSTALL].replace("sudo ", "").splitlines()
    steps = [line for line in lines if not line.startswith("apt-get")]  # done by the test's set-up
    source = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, source, ignore=ignored)
    script = ["set -e", "mount -t tmpfs tmpfs /opt", "mount -t tmpfs tmpfs /usr/local/bin"]
    script += [*steps, "cd /", "/usr/local/bin/conman drivers", "conman --version"]
    script += ["conman provision --help"]
    path = f"{os.environ['PATH']}:/usr/local/bin"
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-c", "\n".join(script)],
        check=False,
        capture_output=True,
        text=True,
        cwd=source,
        env=os.environ | {"PATH": path},
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for name in ("ethernet", "wifi"):
        assert re.search(rf"^{name} +ok +conman-{name}", done.stdout, re.MULTILINE)
    assert "Open the access point" in done.stdout

"""The machine itself: what runs inside, and what the host hears of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.lab


def test_a_lab_test_runs_inside_the_machine() -> None:
    assert os.environ["CONMAN_LAB_GUEST"] == "1"
    assert Path("/proc/sys/kernel/hostname").read_text() == "lab\n"


def test_conman_comes_from_its_wheels_and_not_from_the_checkout() -> None:
    import conman_core
    from conman_plugins.ethernet import driver

    assert conman_core.__file__ == "/site/conman_core/__init__.py"
    assert driver.__file__.startswith("/site/")
    said = subprocess.run(["conman", "drivers"], capture_output=True, text=True, check=False)
    assert "ethernet" in said.stdout


@pytest.mark.parametrize("number", [1, 2])
def test_each_test_starts_from_a_clean_state(number: int) -> None:
    assert subprocess.run(["ip", "netns"], capture_output=True, check=True).stdout == b""
    assert not Path("/tmp/left-behind").exists()
    Path("/tmp/left-behind").touch()
    subprocess.run(["ip", "netns", "add", "left-behind"], check=True)


def test_skips_and_expected_failures_arrive_as_such(request: pytest.FixtureRequest) -> None:
    assert sys.version_info[:2] == (3, 11)
    request.applymarker(pytest.mark.xfail(reason="told to", strict=True))
    raise AssertionError

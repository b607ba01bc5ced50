"""The fixtures of the DHCP client's tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from conman_core.net import dhcpcd, lease, otherdhcpcd
from tests.core.net.fakedhcpcd import Fake


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("FAKE_FOLDER", str(folder))
    monkeypatch.setattr(otherdhcpcd, "RUN", tmp_path / "run-dhcpcd")
    monkeypatch.setattr(dhcpcd, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(lease, "SHORTEST_LEASE", 0)
    return Fake(folder)


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path / "run"

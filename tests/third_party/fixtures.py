"""Fixtures around `install`: a folder on `sys.path` of this process, and a way out of hangs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


def forget() -> None:
    """Let everything that hangs in one of the distributions go on, and forget their modules."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0].startswith("acme_"):
            if release := getattr(module, "RELEASE", None):
                release.set()
            del sys.modules[name]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder on `sys.path`, to be passed to `install`."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    yield folder
    forget()

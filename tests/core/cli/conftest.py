"""What every test of the command line needs: folders of its own, and a daemon on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from conman_core.cli import main

from .canned import CannedDaemon


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The runtime folder of these commands, without a daemon in it."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.delenv("CONMAN_CONFIG", raising=False)
    return tmp_path


@pytest.fixture
def daemon(runtime: Path) -> Iterator[CannedDaemon]:
    running = CannedDaemon(runtime / "conman.sock")
    yield running
    running.stop()


@pytest.fixture
def conman(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run a command in this process."""

    def run(*words: str) -> Ran:
        code = main(list(words))
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run

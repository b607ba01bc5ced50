"""`conman release` lets plugins undo what a conman that was killed has left of them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from conman_core import undoing
from conman_core.catalog import Catalog
from conman_core.children import Children
from conman_core.found import Found, LoadState
from conman_core.paths import Paths
from conman_core.plugin import Plugin, UndoContext
from conman_core.store import JsonStore


class Leaves(Plugin):
    @classmethod
    async def undo(cls, context: UndoContext) -> str:
        context.store.save({})
        return "removed a table"


class Silent(Plugin):
    """Remembers things, and has nothing to undo."""


class Point:
    def __init__(self, name: str) -> None:
        self.point = self
        self.name = name


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    made = Paths(tmp_path / "run", tmp_path / "state")
    made.make("release")
    return made


def release(paths: Paths, patch: pytest.MonkeyPatch, **there: Any) -> tuple[list[str], set[str]]:
    """Undo all with some plugins installed; return what was said, and what was not imported."""
    left_out: set[str] = set()

    async def plugins(self: Catalog, disabled: set[str]) -> list[Found]:
        left_out.update(disabled)
        headers = {name: Found(name, LoadState.DISABLED) for name in disabled}
        return list((there | headers).values())

    patch.setattr(undoing, "installed", lambda *_: [Point(name) for name in there])
    patch.setattr(Catalog, "plugins", plugins)
    return asyncio.run(undoing.undo_all(paths, Children(None))), left_out


def test_each_that_remembers_something_is_asked_once(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("table", "silent"):
        JsonStore(paths.drivers / f"{name}.json").save({"x": 1})
    there = {
        "table": Found("table", LoadState.LOADED, plugin=Leaves),
        "silent": Found("silent", LoadState.LOADED, plugin=Silent),
        "idle": Found("idle", LoadState.LOADED, plugin=Leaves),
    }
    assert release(paths, monkeypatch, **there) == (["removed a table"], {"idle"})
    assert release(paths, monkeypatch, **there) == ([], {"idle", "table"})


def test_one_that_cannot_be_loaded_is_named(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    JsonStore(paths.drivers / "table.json").save({"x": 1})
    broken = Found("table", LoadState.BROKEN, "table of acme 1: cannot be imported")
    assert release(paths, monkeypatch, table=broken)[0] == [
        "what a plugin left is not undone: table of acme 1: cannot be imported"
    ]

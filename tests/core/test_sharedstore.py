"""A memory that several drivers have: nobody's change is lost."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from conman_core.children import Children
from conman_core.context import Claims, Context
from conman_core.paths import Paths
from conman_core.store import SharedStore


def test_changes_of_several_threads_do_not_lose_each_other(tmp_path: Path) -> None:
    """Each has an object of its own, as drivers have."""
    path = tmp_path / "shared" / "pins.json"
    threads = [threading.Thread(target=_count, args=(path,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert SharedStore(path).load() == {"tries": 40}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _count(path: Path) -> None:
    for _ in range(10):
        with SharedStore(path).changing() as values:
            values["tries"] = values.get("tries", 0) + 1


def _fail(store: SharedStore) -> None:
    with store.changing() as values:
        values["tries"] = 1
        raise KeyError


def test_a_change_that_fails_saves_nothing_and_holds_up_nobody(tmp_path: Path) -> None:
    store = SharedStore(tmp_path / "pins.json")
    with pytest.raises(KeyError):
        _fail(store)
    with store.changing() as values:
        assert values == {}


def test_drivers_that_name_it_alike_have_the_same(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "run", tmp_path / "state")
    wwan, sakis3g = (
        Context(name, {}, paths=paths, children=Children(None), claims=Claims())
        for name in ("wwan", "sakis3g")
    )
    with wwan.shared("cellular/pins").changing() as values:
        values["tries"] = 1
    assert sakis3g.shared("cellular/pins").load() == {"tries": 1}
    assert sakis3g.shared("other").load() == {}
    assert sakis3g.store.load() == {}

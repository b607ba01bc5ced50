"""Entry points are read by several threads at once."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator

import pytest

from conman_core.entrypoints import installed

ROUNDS = 40


@pytest.fixture
def hasty() -> Iterator[None]:
    """Let threads take turns after almost every step, so that a race shows."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_two_groups_can_be_read_at_once(hasty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drivers and plugins are looked for side by side when conman starts."""
    failures: list[BaseException] = []
    both = threading.Barrier(2)

    def read(group: str) -> None:
        both.wait()
        try:
            installed(group)
        except KeyError as error:
            failures.append(error)

    monkeypatch.setattr("importlib.metadata.distributions", lambda: iter(()))  # it takes longest
    for _ in range(ROUNDS):
        for number in range(100):
            sys.path_importer_cache[f"/nowhere/{number}"] = None  # a path that nothing can import
        threads = [threading.Thread(target=read, args=(f"conman.{g}",)) for g in ("a", "b")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    importlib.invalidate_caches()
    assert not failures

"""The daemon's start: what happens in an order that nobody planned."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conman_core import daemon as daemon_module
from conman_core.daemon import Daemon
from conman_core.paths import Paths


class LateDriver:
    """In place of the drivers: the import of one ends while plugins are still looked for."""

    async def load(self, wanted: Any, late: Callable[[], object]) -> None:
        del wanted
        asyncio.get_running_loop().call_soon(late)

    def pending(self) -> set[str]:
        return set()


class SlowPlugins:
    """In place of the plugins: they are looked for a moment longer than the drivers."""

    async def find(self, disabled: Any, late: Callable[[], object]) -> None:
        del disabled, late
        await asyncio.sleep(0.01)


def test_a_driver_that_comes_late_while_conman_starts_is_no_fault(
    tmp_path: Path, caplog: Any
) -> None:
    async def start() -> None:
        daemon: Any = Daemon(Paths(tmp_path / "run", tmp_path / "lib"), tmp_path / "setup.cfg")
        daemon.drivers, daemon.plugins = LateDriver(), SlowPlugins()
        await daemon._load()
        while daemon._tasks:
            await asyncio.sleep(0)

    asyncio.run(start())
    assert not caplog.records


def test_a_driver_that_comes_late_once_conman_works_has_the_settings_read_again(
    tmp_path: Path,
) -> None:
    reloads: list[str] = []

    async def reload() -> None:
        reloads.append("read")

    async def start() -> None:
        daemon: Any = Daemon(Paths(tmp_path / "run", tmp_path / "lib"), tmp_path / "setup.cfg")
        daemon.drivers, daemon.plugins = LateDriver(), SlowPlugins()
        daemon.kernel, daemon._reload = object(), reload
        await daemon._load()
        while daemon._tasks:
            await asyncio.sleep(0)

    asyncio.run(start())
    assert reloads == ["read"]


class Quiet:
    """In place of the drivers and the engine: there is nothing to be looked at."""

    async def probed(self) -> None: ...

    async def look_for_owners(self) -> None: ...

    def settled(self) -> bool:
        return False

    def poke(self) -> None: ...


def test_plugins_that_hang_are_looked_for_again_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    async def start() -> None:
        def look() -> asyncio.Future[None]:
            nonlocal looks
            looks += 1
            if looks == 3:
                looking.cancel()
            return asyncio.ensure_future(asyncio.sleep(0))

        daemon: Any = Daemon(Paths(tmp_path / "run", tmp_path / "lib"), tmp_path / "setup.cfg")
        daemon.drivers = daemon.engine = Quiet()
        monkeypatch.setattr(daemon.host, "look", look)
        looking = asyncio.create_task(daemon._look_again())
        await asyncio.wait({looking}, timeout=5)

    monkeypatch.setattr(daemon_module, "LOOK_AGAIN", 0.0)
    asyncio.run(start())
    assert looks == 3

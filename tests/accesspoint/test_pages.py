"""A process of the page is started ahead, and is used or ended."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from conman_core.errors import SystemFault
from conman_plugins.accesspoint.door import Door
from conman_plugins.accesspoint.pages import Pages
from tests.accesspoint import actors
from tests.accesspoint.pagekit import STATE, serving
from tests.accesspoint.stage import Company, descriptors, gone


def a_door(company: Company, pages: Pages) -> Door:
    return Door(
        company,  # type: ignore[arg-type]
        addresses=["127.0.0.1"],
        port=0,
        submitted=lambda _: None,
        look=lambda: None,
        seen=lambda: None,
        pages=pages,
    )


def test_the_one_that_was_started_ahead_serves(tmp_path: Path) -> None:
    async def tale() -> None:
        company = Company(tmp_path, actors.behaves, actors.behaves)
        pages = Pages(company)  # type: ignore[arg-type]
        await pages.ahead()
        await pages.ahead()
        assert len(company.started) == 1
        door = a_door(company, pages)
        await door.open(STATE)
        assert len(company.started) == 1
        await door.close()
        assert gone(company.started[0])

    asyncio.run(tale())


def test_one_that_died_meanwhile_is_replaced(tmp_path: Path) -> None:
    async def tale() -> None:
        company = Company(tmp_path, actors.behaves, actors.behaves)
        pages = Pages(company)  # type: ignore[arg-type]
        await pages.ahead()
        os.kill(company.started[0], signal.SIGKILL)
        async with asyncio.timeout(5):
            while (await asyncio.sleep(0.01)) or not gone(company.started[0]):
                pass
        door = a_door(company, pages)
        await door.open(STATE)
        assert len(company.started) == 2
        await door.close()

    asyncio.run(tale())


def test_one_that_nobody_wanted_is_ended(tmp_path: Path) -> None:
    async def tale() -> None:
        before = descriptors()
        company = Company(tmp_path, actors.behaves)
        pages = Pages(company)  # type: ignore[arg-type]
        await pages.ahead()
        await pages.close()
        await pages.close()
        assert gone(company.started[0])
        await asyncio.sleep(0)
        assert len(descriptors()) == len(before)

    asyncio.run(tale())


def test_the_real_one_waits_until_it_is_wanted_and_ends_with_the_daemons_end(
    tmp_path: Path,
) -> None:
    async def tale() -> int:
        company = Company(tmp_path)
        pages = Pages(company)  # type: ignore[arg-type]
        await pages.ahead()
        process = await pages.take()
        process.link.close()
        async with asyncio.timeout(10):
            return await process.child.wait()

    assert asyncio.run(tale()) == 1


def test_it_gives_way_to_the_daemon_when_it_serves(tmp_path: Path) -> None:
    with serving(tmp_path) as site:
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, site.pid) == min(ours + 5, 19)


def test_what_hinders_is_told_when_one_is_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tale() -> None:
        company = Company(tmp_path)

        async def start(*_: object, **__: object) -> None:
            raise SystemFault("no more processes")

        monkeypatch.setattr(company, "start", start)
        pages = Pages(company)  # type: ignore[arg-type]
        await pages.ahead()
        with pytest.raises(SystemFault, match="no more processes"):
            await pages.take()
        await pages.close()

    asyncio.run(tale())

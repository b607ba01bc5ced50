"""What a person entered is tried with a serial modem that the core uses at the same time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from conman_core import ConnectError, Lost, Reason, Retry
from conman_core.errors import SystemFault
from conman_core.testing import run
from conman_plugins.cellular import pppd
from tests.cellular.serialkit import Desk, link_of

VALUES = {"apn": "mine"}


@pytest.fixture(autouse=True)
def _tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pppd, "find_tool", lambda name: f"/usr/sbin/{name}")


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_call_that_gives_way_is_told_and_the_core_dials_anew(desk: Desk) -> None:
    async def check() -> None:
        link = link_of(desk)
        await desk.driver.connect(link)
        await desk.driver.apply(VALUES)
        events = desk.driver.events()
        lost, retry = await anext(events), await anext(events)
        assert isinstance(lost, Lost)
        assert isinstance(retry, Retry)
        assert (lost.link, retry.link) == (link.name, link.name)
        await events.aclose()  # type: ignore[attr-defined]

    run(check())


def test_an_attempt_that_runs_gives_way_to_it(desk: Desk) -> None:
    async def check() -> None:
        link, dialled = link_of(desk), asyncio.Event()
        desk.context.programs["pppd"] = lambda program: dialled.set()
        desk.context.clock.sleep = lambda seconds: asyncio.sleep(60)  # type: ignore[method-assign]
        attempt = asyncio.create_task(desk.driver.connect(link))
        await dialled.wait()
        desk.context.programs["pppd"] = desk.pppd
        await desk.driver.apply(VALUES)
        with pytest.raises(ConnectError, match="that a person entered are tried") as raised:
            await attempt
        assert raised.value.reason is Reason.LOST
        assert desk.modem.apn == "mine"
        assert not any(program.running for program in desk.context.started)

    run(check())


def test_what_works_and_cannot_be_kept_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(values: Any) -> None:
        raise SystemFault("no space left on device")

    monkeypatch.setattr(desk.context.store, "save", full)
    with pytest.raises(ConnectError, match="it works, but is not kept: no space left") as raised:
        run(desk.driver.apply(VALUES))
    assert raised.value.reason is Reason.MISCONFIGURED

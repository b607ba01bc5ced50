"""The line to a modem breaks at a bad moment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from conman_core import Lost
from conman_core.testing import Fault
from conman_core.testing.fakes import FakeFinished
from tests.cellular.wwanrig import Rig


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path, {"apn": "internet"})


def test_a_line_that_cannot_be_mended_for_want_of_a_program_is_told(rig: Rig) -> None:
    async def check() -> None:
        await rig.connect()
        rig.context.fault = Fault.TOOL_MISSING
        rig.modem.break_lines()
        event = await rig.event()
        assert isinstance(event, Lost)
        assert "not installed" in event.sentence

    rig.on(check())


def test_a_line_that_breaks_while_a_session_begins_is_mended_afterwards(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = rig.context.run

    async def run_and_break(argv: Sequence[str], **more: Any) -> FakeFinished:
        done = await run(argv, **more)
        if "--wds-get-current-settings" in argv:
            call = rig.driver._modem(rig.link).call
            assert call
            rig.modem.break_lines()
            while call.line.alive:
                await asyncio.sleep(0)
        return done

    monkeypatch.setattr(rig.context, "run", run_and_break)

    async def check() -> None:
        await rig.connect()
        modem = rig.driver._modem(rig.link)
        assert modem.call
        async with asyncio.timeout(2):
            while not modem.call.line.alive or modem.turn.locked():
                await asyncio.sleep(0)
        rig.modem.modem.end_calls((6, 38))
        assert "network failure" in (await rig.event()).sentence

    rig.on(check())

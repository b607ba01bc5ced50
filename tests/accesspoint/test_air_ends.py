"""Killed, or cancelled at any moment: nothing of the access point stays on the machine."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from conman_core.net import nl80211
from conman_plugins.accesspoint.air import Air
from conman_plugins.accesspoint.opening import Opening
from conman_plugins.accesspoint.plan import Plan
from tests.accesspoint.kernelkit import WANTED, Heard, Kernel, Page, make, run
from tests.accesspoint.kit import ALONE, TOGETHER, a_core

both = pytest.mark.parametrize("plan", [ALONE, TOGETHER], ids=["alone", "together"])


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    Page.up.clear()
    with a_core() as core:
        yield Kernel(monkeypatch, core)


# -- what a killed one left


@both
def test_the_next_start_tidies_up(kernel: Kernel, plan: Plan) -> None:
    async def tale() -> None:
        core: Any = kernel.core
        await make(kernel).prepare(plan)
        kernel.interfaces[plan.ap_interface].kind = nl80211.ACCESS_POINT
        await Air.tidy(core)
        assert kernel.pristine
        ran = len(kernel.core.ran)
        await Air.tidy(core)
        assert len(kernel.core.ran) == ran, "there is nothing left to do"

    run(kernel, tale())


@pytest.mark.parametrize(
    "left",
    [
        {"interface": "gone0", "own": False, "before": {}, "addresses": ["10.0.0.1/24"]},
        {"interface": "eth0", "own": False, "before": None, "addresses": "rubbish"},
        {"interface": "eth0", "own": 1, "before": [], "addresses": ["a", 3]},
        {"interface": 7},
        {"else": True},
    ],
)
def test_whatever_is_in_the_file_nothing_else_is_touched(
    kernel: Kernel, monkeypatch: pytest.MonkeyPatch, left: dict[str, object]
) -> None:
    kernel.core.store.save(left)
    monkeypatch.setattr("conman_plugins.accesspoint.wall.open_up", lambda *_: None)
    run(kernel, Air.tidy(kernel.core))  # type: ignore[arg-type]
    assert kernel.pristine


# -- cancelled


def cut_short(kernel: Kernel, plan: Plan, after: int) -> bool:
    """Cancel an opening after some turns, then close it; tell whether it had not ended yet."""
    reached = False

    async def tale() -> None:
        nonlocal reached
        core: Any = kernel.core
        one = Opening(core, WANTED, plan, Heard())  # type: ignore[arg-type]
        loop: Any = asyncio.get_running_loop()
        turn, first = loop._run_once, loop.turns

        def counted() -> None:
            nonlocal reached
            if loop.turns - first == after:
                reached = not opening.done()
                opening.cancel()
            turn()

        opening = asyncio.create_task(one.open(None))  # type: ignore[arg-type]
        loop._run_once = counted
        await asyncio.wait({opening})
        del loop._run_once
        await one.close()

    run(kernel, tale())
    return reached


@both
@pytest.mark.parametrize("fails", ["", "hostapd", "dnsmasq"])
def test_cancelled_at_any_moment_nothing_is_left(kernel: Kernel, plan: Plan, fails: str) -> None:
    if fails:
        kernel.core.programs[fails] = lambda running: running.end(1)
    after = 1
    while cut_short(kernel, plan, after):
        assert kernel.core.running == []
        assert Page.up == []
        assert kernel.pristine
        assert kernel.core.store.load() == {}
        after += 1
    assert after > 10

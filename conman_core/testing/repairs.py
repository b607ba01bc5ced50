"""The checks of a driver's recovery ladder: a part of `DriverContract`."""

from __future__ import annotations

from typing import Any

import pytest

from conman_core.driver import LinkDriver
from conman_core.errors import ConnectError, ToolMissing
from conman_core.ladder import MOST_STEPS
from conman_core.model import Link
from conman_core.results import check_failure
from conman_core.testing.fakes import Fault
from conman_core.testing.harness import Leftovers, and_close, call, run
from conman_core.testing.offers import connect, link_of

_every_fault = pytest.mark.parametrize("fault", list(Fault), ids=[f.name.lower() for f in Fault])


async def _step(driver: LinkDriver, link: Link, step: int) -> bool:
    """Take a step as the core does; one that fails counts as taken."""
    try:
        taken = await call(driver, "recover", link, step)
    except ConnectError as error:
        check_failure(error.reason, error.sentence)
        return True
    except ToolMissing:
        return True
    assert isinstance(taken, bool), f"recover returned {taken!r}, not True or False"
    return taken


class RepairContract:
    """What `recover` must keep to, in the words of `LinkDriver.recover`."""

    def test_repairs_come_to_an_end(self, driver: LinkDriver, link: Link | None) -> None:
        """`recover` returns False for a step that it does not have."""

        async def check() -> None:
            chosen = await link_of(driver, link)
            for step in (MOST_STEPS, 1000):
                assert await call(driver, "recover", chosen, step) is False, f"step {step}"

        run(and_close(driver, check()))

    def test_repairs_may_come_at_any_time(self, driver: LinkDriver, link: Link | None) -> None:
        """Also for a link that was never connected, and twice."""

        async def check() -> None:
            chosen = await link_of(driver, link)
            for step in range(MOST_STEPS):
                taken = await _step(driver, chosen, step)
                assert await _step(driver, chosen, step) == taken, f"step {step} came twice"
                if not taken:
                    break

        run(and_close(driver, check()))

    def test_a_repaired_link_connects_again(self, driver: LinkDriver, link: Link | None) -> None:
        """After each step, and nothing is left behind of the connection before."""

        async def check() -> None:
            chosen = await link_of(driver, link)
            before = Leftovers(driver)
            await connect(driver, chosen)
            for step in range(MOST_STEPS):
                if step:  # the core takes it down before all but the first step
                    await call(driver, "disconnect", chosen)
                if not await _step(driver, chosen, step):
                    break
                await call(driver, "disconnect", chosen)
                # what a plain disconnect leaves is another check's
                assert not await before.found(), f"after step {step}"
                await connect(driver, chosen)
            await call(driver, "disconnect", chosen)

        run(and_close(driver, check()))

    @_every_fault
    def test_a_repair_that_fails_says_why(
        self, driver: LinkDriver, link: Link | None, fault: Fault
    ) -> None:
        """`recover` raises ConnectError (or lets ToolMissing through) and nothing else."""

        async def check() -> None:
            chosen = await link_of(driver, link)
            await connect(driver, chosen)
            context: Any = driver.context
            context.fault = fault
            for step in range(MOST_STEPS):
                if not await _step(driver, chosen, step):
                    break

        run(and_close(driver, check()))

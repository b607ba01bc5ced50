"""Sends the tests marked `lab` into the machine; inside, gives them their fixtures."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab import image, remote


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The limits of lab tests are kept inside and by the machine, not by this process."""
    if remote.INSIDE:
        return
    for item in items:
        if remote.belongs_inside(item):
            if own := item.get_closest_marker("timeout"):
                item.stash[remote.OWN_LIMIT] = float(own.args[0])
            item.add_marker(pytest.mark.timeout(0), append=False)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Any:
    """Run a lab test inside the machine in place of here."""
    if remote.INSIDE or not item.get_closest_marker("lab"):
        return None
    why = image.missing()
    if not why and not remote.belongs_inside(item):
        return None
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for report in remote.run_inside(item, why):
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


def pytest_sessionfinish() -> None:
    """Switch the machine off."""
    remote.lab.close()

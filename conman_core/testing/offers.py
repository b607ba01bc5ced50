"""What the driver under test offers: its name, a link to try, a connection."""

from __future__ import annotations

import importlib.metadata
from typing import Any

import pytest

from conman_core.driver import LinkDriver, Probed
from conman_core.errors import ConnectError
from conman_core.model import Connection, Link, Unavailable
from conman_core.results import check_probe
from conman_core.testing.harness import call


def name_of(driver: LinkDriver, probed: Any) -> str:
    """Return a driver's entry-point name; while it is not installed, the one its links give."""
    value = f"{type(driver).__module__}:{type(driver).__qualname__}"
    for point in importlib.metadata.entry_points(group="conman.drivers"):
        if point.value == value:
            return point.name
    links = probed if isinstance(probed, (list, tuple)) else ()
    return str(getattr(links[0], "driver", "")) if links else ""


async def probe(driver: LinkDriver) -> Probed:
    """Return what a good `probe` found; one that does not work has a check of its own."""
    try:
        probed = await call(driver, "probe")
        return check_probe(name_of(driver, probed), probed)
    except Exception as error:  # noqa: BLE001 - a stranger's code
        pytest.skip(f"probe does not work: {error}")


async def link_of(driver: LinkDriver, link: Link | None) -> Link:
    """Return the link to try: the one given, or the first that the driver offers."""
    if link:
        return link
    links = await probe(driver)
    if isinstance(links, Unavailable) or not links:
        why = links.sentence if isinstance(links, Unavailable) else "probe returned no link"
        pytest.fail(f"no link to try: {why}. Let it find one, or override the fixture `link`")
    return links[0]


async def connect(driver: LinkDriver, link: Link) -> Connection:
    """Return the connection; where this is called the driver has all that it needs for one."""
    try:
        connection: Connection = await call(driver, "connect", link)
    except ConnectError as error:
        pytest.fail(f"connect failed: {error.reason.name}: {error}. Give it what it needs")
    return connection

"""The slow facts that drivers tell people of their links: signal, speed, operator."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from conman_core.errors import ConmanError
from conman_core.guard import Guard
from conman_core.model import Link

Facts = dict[str, str]


async def facts_of(
    asked: Iterable[tuple[Guard, Link]], patience: float | None = None
) -> dict[str, Facts]:
    """Return the facts of each link by its name, all asked at once; `error` if that fails.

    Those that are not there within `patience` seconds are left out.
    """
    calls = {link.name: asyncio.create_task(_ask(guard, link)) for guard, link in asked}
    if calls:
        await asyncio.wait(calls.values(), timeout=patience)
    for call in calls.values():
        call.cancel()
    return {name: call.result() for name, call in calls.items() if call.done()}


async def _ask(guard: Guard, link: Link) -> Facts:
    if not guard.has("details"):
        return {}
    try:
        facts: Facts = await guard.call("details", link)
    except ConmanError as error:
        return {"error": str(error)}
    return facts

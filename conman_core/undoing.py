"""Lets plugins undo what they did to the machine and cannot undo themselves any more."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

from conman_core.catalog import PLUGINS, Catalog
from conman_core.children import Children
from conman_core.context import Claims, Context
from conman_core.entrypoints import installed
from conman_core.found import Found, LoadState
from conman_core.lane import describe, finished, in_thread, one_line
from conman_core.paths import Paths
from conman_core.plugin import Plugin

LIMIT = 10.0  #: seconds that a plugin may take


async def undo_all(paths: Paths, children: Children) -> list[str]:
    """Let every plugin undo what it left, for `conman release`; return a sentence for each.

    One that remembers nothing has nothing to undo, and is not even imported.
    """
    contexts = {
        one.point.name: Context(one.point.name, {}, paths=paths, children=children, claims=Claims())
        for one in installed(PLUGINS, lambda _: None)
    }
    idle = {name for name, context in contexts.items() if not context.store.load()}
    sentences = []
    for found in await Catalog().plugins(idle):
        if found.state is LoadState.LOADED:
            sentences.append(await undo(found, contexts[found.name]))
        elif found.state is not LoadState.DISABLED:
            sentences.append(f"what a plugin left is not undone: {found.sentence}")
    return [sentence for sentence in sentences if sentence]


async def undo(found: Found, context: Context) -> str:
    """Let one plugin undo what it left; return a sentence of what came of it. Never raises."""
    plugin = found.plugin
    if not (isinstance(plugin, type) and issubclass(plugin, Plugin) and context.store.load()):
        return ""
    title = f"plugin {found.name} of {found.origin}"
    # its own thread may be what hangs
    _, work = in_thread(f"undo {found.name}", lambda: asyncio.run(_undo(plugin, context)))
    if not await finished(work, LIMIT):
        return f"{title}: what it left is not undone after {LIMIT:g} s; reboot to be rid of it"
    error = work.exception()
    if error is not None:
        return f"{title}: what it left cannot be undone: {describe(error)}"
    return one_line(str(work.result() or ""))


async def _undo(plugin: type[Plugin], context: Any) -> Any:
    value: Any = plugin.undo(context)
    return await value if inspect.isawaitable(value) else value

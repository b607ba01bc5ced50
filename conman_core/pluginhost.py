"""Gives plugins their contexts, and takes back what they have when they are gone, broken or hang.

To be used from the core's loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from conman_core.children import Children
from conman_core.context import Claims
from conman_core.events import Announcer
from conman_core.found import Found
from conman_core.lane import finished, hand_over, in_thread
from conman_core.lender import Lender
from conman_core.paths import Paths
from conman_core.plugincontext import CorePluginContext
from conman_core.provisioner import Provisioner
from conman_core.undoing import undo

log = logging.getLogger(__name__)

STUCK = 60.0  #: seconds in one event, after which a plugin is taken for one that hangs
_END_LIMIT = 1.0  #: seconds that the programs of such a plugin get


class PluginHost:
    """`attach` it before any plugin is made."""

    def __init__(
        self, paths: Paths, children: Children, claims: Claims, announcer: Announcer
    ) -> None:
        self._paths = paths
        self._children = children
        self._claims = claims
        self._announcer = announcer
        self._contexts: dict[str, CorePluginContext] = {}
        self._found: dict[str, Found] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._taking = asyncio.Lock()

    def attach(self, provisioner: Provisioner, lender: Lender) -> None:
        """Have the core that plugins ask."""
        self._provisioner, self._lender = provisioner, lender
        self._loop = asyncio.get_running_loop()
        self._announcer.failed = lambda *what: hand_over(self._loop, self._failed, *what)

    def context(self, found: Found, settings: Mapping[str, Any]) -> CorePluginContext:
        """Return the context for an object of a plugin; called on that plugin's thread."""
        made = CorePluginContext(
            found.name,
            settings,
            paths=self._paths,
            children=self._children,
            claims=self._claims,
            core=self._provisioner,
            loop=self._loop,
        )
        self._contexts[found.name], self._found[found.name] = made, found
        return made

    async def gone(self, name: str) -> None:
        """Take that a plugin's object is not used any more, whether it has ended or hangs."""
        what = f"plugin {name} is used no more, and has not given back what it had"
        await self._take_back(name, what, gone=True)
        if context := self._contexts.pop(name, None):
            context.retire()  # it may hang, and wake when another has its radio
        self._provisioner.ask_again(name)

    def renewed(self, name: str) -> None:
        """Take that another object was made in its place."""
        self._provisioner.ask_again(name)

    async def look(self) -> None:
        """Take back what those have that hang."""
        for name, where in self._announcer.stuck(STUCK).items():
            await self._take_back(name, f"plugin {name} is stuck in {where}")

    def _failed(self, name: str, hook: str, what: str) -> None:
        if hook in {"conman_provision", "conman_provision_end"}:
            sentence = f"plugin {name}: {hook} raised {what}"
            task = asyncio.ensure_future(self._take_back(name, sentence))
            self._tasks.add(task)  # the loop itself keeps only a weak reference
            task.add_done_callback(self._tasks.discard)
            if hook == "conman_provision":
                self._provisioner.gave_up(sentence)

    async def _take_back(self, name: str, why: str, *, gone: bool = False) -> None:
        """Put the interfaces back that a plugin has, and let their drivers have them again."""
        context = self._contexts.get(name)
        async with self._taking:
            lent = self._lender.lent_to(name)
            if context is None or not (lent or (gone and context.started())):
                return
            log.error("%s: it loses %s and its programs", why, ", ".join(lent) or "nothing")
            work = partial(self._children.end, context.started(), _END_LIMIT)
            _, ending = in_thread(f"end {name}", work)
            await finished(ending)
            if sentence := await undo(self._found[name], context):
                log.warning("%s", sentence)
            await self._lender.give_back_all(plugin=name)
            if self._provisioner.showing and self._provisioner.showing.interface in lent:
                self._provisioner.on_air(None, attended=False)

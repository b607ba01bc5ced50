"""Checking a link: whether there is anything to ask, and a round of questions if there is."""

from __future__ import annotations

import asyncio

from conman_core.model import Connection, Family, Verdict
from conman_core.reach.path import Check, PathMemory, Targets, path_of
from conman_core.reach.round import Finding, Round


class Checker:
    """Checks links; keeps nothing between rounds, so that one serves all links at once."""

    async def check(
        self,
        connection: Connection,
        targets: Targets,
        memory: PathMemory | None = None,
        *,
        full: bool = False,
    ) -> Finding:
        """Run one round, of everything if `full` or if the memory says that it is time.

        Ends within `LIMIT` and a few milliseconds. What the kernel or the network refuses is part
        of the finding, never an exception. May be cancelled at any time.
        """
        memory = memory or PathMemory()
        if targets.mode is Check.NONE:
            sentence = f"{connection.interface} counts as online unchecked, as check = none asks"
            return Finding(Verdict.ONLINE, sentence, memory=memory)
        path = path_of(connection, Family.IPV4)
        if path is None:
            sentence = f"{connection.interface} has no IPv4 address to ask from"
            return Finding(Verdict.OFFLINE, sentence, memory=memory)
        if targets.mode is Check.GATEWAY and path.gateway is None:
            sentence = f"{connection.interface} has no router to ask, so it counts as online"
            return Finding(Verdict.ONLINE, sentence, memory=memory)
        now = asyncio.get_running_loop().time()
        full = full or memory.full_due(now, metered=connection.metered)
        return await Round(path, targets, memory, metered=connection.metered).run(full=full)

"""Hears when a network takes a modem that none would take: nobody has to wait for a retry."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from conman_core import ConnectError, DriverContext
from conman_plugins.cellular.line import Line
from conman_plugins.cellular.qmux import Message, QmuxError, Service
from conman_plugins.cellular.registration import REGISTER_INDICATIONS, SERVING_SYSTEM

_REGISTERED = 1


class Comeback:
    """Listens from `start` to `stop`, or until it has told once."""

    def __init__(
        self,
        context: DriverContext,
        device: str,
        open_line: Callable[[str], Awaitable[Line]],
        tell: Callable[[], None],
    ) -> None:
        self._context = context
        self._device = device
        self._open_line = open_line
        self._tell = tell
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Listen from now on."""
        name = f"driver:comeback {self._device}"
        self._task = asyncio.create_task(self._listen(), name=name)

    async def stop(self) -> None:
        """Listen no more. May come at any time."""
        task, self._task = self._task, None
        if task:
            task.cancel()
            await asyncio.wait({task})

    async def _listen(self) -> None:
        try:
            line = await self._open_line(self._device)
        except ConnectError as error:
            self._context.log.debug("%s: nobody listens for a network: %s", self._device, error)
            return
        taken = asyncio.Event()
        line.heard.append(lambda message: taken.set() if _registered(message) else None)
        line.ended.append(taken.set)  # a try will find out what happened to the modem
        try:
            client = await line.allocate(Service.NAS)
            await line.ask(Service.NAS, client, REGISTER_INDICATIONS, {0x13: b"\x01"})
            await taken.wait()
            self._tell()
            await line.release(Service.NAS, client)
        except ConnectError as error:
            self._context.log.debug("%s: listening for a network: %s", self._device, error)
        finally:
            line.close()


def _registered(message: Message) -> bool:
    if (message.service, message.number) != (Service.NAS, SERVING_SYSTEM):
        return False
    try:
        return message.value(0x01, "B")[0] == _REGISTERED
    except QmuxError:
        return False

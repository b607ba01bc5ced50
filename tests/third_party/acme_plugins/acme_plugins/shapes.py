"""Plugins that are a class, and an object with an `async def` hook."""

import asyncio

from acme_plugins.notes import note
from conman_core.hookspecs import hookimpl


class AClass:
    @hookimpl
    def conman_online(self, link):
        note(f"class {link}")


class Async:
    @hookimpl
    async def conman_online(self, link):
        await asyncio.sleep(0)
        note(f"async {link}")


an_async_object = Async()

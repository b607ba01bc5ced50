"""Drivers whose `probe` is wrong, or that never get so far."""

import asyncio
import sys

from acme_faults.base import RELEASE, Plain, hang
from conman_core import Link


class CannotBeMade(Plain):
    name = "cannot-be-made"

    def __init__(self, context):
        raise OSError("no license file")


class Raises(Plain):
    def probe(self):
        raise ZeroDivisionError("division by zero")


class Exits(Plain):
    def probe(self):
        sys.exit(3)


class Hangs(Plain):
    name = "probe-hangs"

    def probe(self):
        hang()
        return super().probe()


class Blocks(Plain):
    """An `async def` that blocks all the same."""

    name = "probe-blocks"

    async def probe(self):
        hang()
        return super().probe()


class HoldsOn(Plain):
    """Swallows its cancellation."""

    name = "probe-holds-on"

    async def probe(self):
        while not RELEASE.is_set():
            try:
                await asyncio.sleep(0.02)
            except asyncio.CancelledError:
                continue
        return super().probe()


class Rubbish(Plain):
    def probe(self):
        return [Link("ethernet", "eth0"), "eth1", None]

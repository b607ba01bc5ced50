"""Drivers whose `events` is wrong."""

from acme_faults.base import Plain, hang
from conman_core import ProbeAgain


class Raises(Plain):
    name = "events-raise"

    async def events(self):
        yield ProbeAgain("first")
        raise RuntimeError("the modem spoke Latin")


class Floods(Plain):
    name = "events-flood"

    async def events(self):
        while True:
            yield ProbeAgain("again")


class Blocks(Plain):
    name = "events-block"

    async def events(self):
        hang()
        yield ProbeAgain("at last")

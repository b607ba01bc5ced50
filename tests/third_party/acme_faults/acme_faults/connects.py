"""Drivers whose `connect` is wrong."""

import sys

from acme_faults.base import Plain, hang
from conman_core import Connection


class Raises(Plain):
    name = "connect-raises"

    def connect(self, link):
        raise RuntimeError("unexpected answer from the modem: +CME ERROR: 100")


class Exits(Plain):
    name = "connect-exits"

    def connect(self, link):
        sys.exit(1)


class Hangs(Plain):
    name = "connect-hangs"
    disconnected = 0

    def connect(self, link):
        hang()
        return super().connect(link)

    def disconnect(self, link):
        type(self).disconnected += 1


class Rubbish(Plain):
    name = "connect-rubbish"

    def connect(self, link):
        return Connection("a name that is no interface", ("10.0.0.1",))

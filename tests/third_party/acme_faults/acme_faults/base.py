"""What all of them would have if they were right: one link without an interface."""

import threading

from conman_core import Connection, Link, LinkDriver

#: a test that wants a hanging call to return sets this
RELEASE = threading.Event()


class Plain(LinkDriver):
    api_version = 1
    name = ""
    probe_limit = 1.0
    connect_limit = 2.0

    def probe(self):
        return [Link(self.name, "modem0")]

    def connect(self, link):
        return Connection("lo")

    def disconnect(self, link):
        return None


def hang() -> None:
    RELEASE.wait()

"""Claims a name that another distribution claims, too."""

from conman_core import LinkDriver


class RivalDriver(LinkDriver):
    def probe(self):
        return []

    def connect(self, link):
        raise NotImplementedError

    def disconnect(self, link):
        pass

"""Claims a name that another distribution claims, too."""

from conman_core import LinkDriver


class RivalDriver(LinkDriver):
    api_version = 1

    def probe(self):
        return []

    def connect(self, link):
        raise NotImplementedError

    def disconnect(self, link):
        pass

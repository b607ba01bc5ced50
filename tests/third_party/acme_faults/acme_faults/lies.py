"""Entry points that are not what they say, and one that only looks so."""

from acme_faults.base import Plain
from conman_core import Link, LinkDriver


def function(context):
    return Plain(context)


an_object = object()


class NoDriver:
    api_version = 1


class Half(LinkDriver):
    api_version = 1

    def probe(self):
        return []


class Duck:
    """Not derived from LinkDriver, but it has all that is needed."""

    api_version = 1

    def __init__(self, context):
        self.context = context

    @staticmethod
    def options():
        return ()

    def probe(self):
        return [Link("is-a-duck", "pond0")]

    def connect(self, link):
        raise NotImplementedError

    def disconnect(self, link):
        pass


class FromTheFuture(Plain):
    api_version = 99


class OptionsRaise(Plain):
    @classmethod
    def options(cls):
        raise KeyError("no options file")


class OptionsRubbish(Plain):
    @classmethod
    def options(cls):
        return {"speed": 9600}

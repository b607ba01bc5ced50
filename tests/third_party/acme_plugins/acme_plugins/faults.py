"""Plugins that are wrong, each in the way that its name says."""

import sys
import threading

from conman_core.hookspecs import hookimpl

RELEASE = threading.Event()


class Raises:
    @hookimpl
    def conman_online(self, link):
        raise RuntimeError(f"cannot tell the cloud about {link}")


class Exits:
    @hookimpl
    def conman_online(self):
        sys.exit(1)


class Hangs:
    def __init__(self):
        self.told = []

    @hookimpl
    def conman_online(self, link):
        RELEASE.wait()
        self.told.append(link)


class HangsWhenMade:
    def __init__(self):
        RELEASE.wait()

    @hookimpl
    def conman_online(self):
        pass


class UnknownHook:
    @hookimpl
    def conman_link_chnged(self, link):
        pass


class UnknownArgument:
    @hookimpl
    def conman_online(self, lnik):
        pass


raises, exits, hangs = Raises(), Exits(), Hangs()
unknown_hook, unknown_argument = UnknownHook(), UnknownArgument()
no_hook = object()

"""Commands, each with something wrong but `plain`."""

import sys
import threading
from types import SimpleNamespace

RELEASE = threading.Event()  #: lets what hangs go on
A_STRING = "not a command"


def command(build, **changed):
    return SimpleNamespace(
        **{"api_version": 1, "about": "Do 100% nothing", "build": build} | changed
    )


def runs(function):
    return command(lambda parser: parser.set_defaults(run=function))


def fail(*_):
    raise ValueError("the box is\non fire\x1b[2J")


def leave(*_):
    sys.exit(3)


def describe_oddly(parser):
    parser.add_argument("--percent", help="100% wrong")
    parser.add_argument("--number", type=fail)
    parser.set_defaults(run=lambda *_: 0)


class Command:
    api_version = 1
    about = "A class, not an object"

    def build(self, parser):
        raise NotImplementedError


class Hangs:
    def __iter__(self):
        RELEASE.wait()
        return iter(())


def noisy():
    print("to the shell")
    return [
        "fine",
        ("bad\x1b[2J", ""),
        ("two\nlines", ""),
        ("tab\t", ""),
        "",
        None,
        ("lone\udc80", ""),
        7,
    ]


def has_completers(parser):
    from conman_core.commands import complete_with

    for option, completer in (
        ("--raises", fail), ("--exits", leave), ("--hangs", Hangs), ("--rubbish", lambda: 7),
        ("--noisy", noisy),
    ):  # fmt: skip
        complete_with(parser.add_argument(option), completer)
    parser.set_defaults(run=lambda *_: 0)


plain = runs(lambda *_: 0)
no_version = SimpleNamespace(about="No version", build=lambda parser: None)
from_the_future = command(lambda parser: None, api_version=2)
build_raises = command(fail)
build_exits = command(leave)
odd_arguments = command(describe_oddly)
run_raises = runs(fail)
run_exits = runs(lambda *_: sys.exit("the box has left"))
run_returns_nothing = runs(lambda *_: None)
completers = command(has_completers)

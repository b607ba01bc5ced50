"""What an argparse parser takes, as plain values: the one module that looks inside argparse.

argparse has no public way to ask for this; these attributes are the same from Python 3.11 to 3.14,
and shtab and argcomplete live on them.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from conman_core.commands import Completer

MANY = 1 << 20  #: more values than a command line holds


class Place(NamedTuple):
    """What one argument takes: fixed `choices`, files, or what `completer` says; else anything.

    `least` and `most` count its values; an option of 0 values is a switch.
    """

    least: int = 1
    most: int = 1
    choices: tuple[str, ...] = ()
    files: bool = False
    completer: Completer | None = None


class Option(NamedTuple):
    """An option by all its names."""

    names: tuple[str, ...]
    about: str
    takes: Place
    repeats: bool


class Node(NamedTuple):
    """A command: its subcommands with what each does, its options, its further places in order."""

    words: Mapping[str, tuple[str, Node]]
    options: tuple[Option, ...]
    places: tuple[Place, ...]


def node_of(parser: argparse.ArgumentParser) -> Node:
    """Return what a parser takes. Hidden arguments (help=SUPPRESS) are left out."""
    words: dict[str, tuple[str, Node]] = {}
    options: list[Option] = []
    places: list[Place] = []
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            about = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, below in action.choices.items():
                words[name] = (about.get(name, below.description or ""), node_of(below))
        elif not action.option_strings:
            places.append(_place(action))
        elif action.help != argparse.SUPPRESS:
            about_it = "" if action.help is None else action.help.replace("%%", "%")
            repeats = isinstance(action, (argparse._AppendAction, argparse._CountAction))
            names = tuple(action.option_strings)
            options.append(Option(names, about_it, _place(action), repeats))
    return Node(words, tuple(options), tuple(places))


def _place(action: argparse.Action) -> Place:
    least, most = _count(action.nargs)
    choices = tuple(map(str, action.choices or ()))
    completer: Completer | None = getattr(action, "completer", None)
    return Place(least, most, choices, action.type is Path, completer)


def _count(nargs: int | str | None) -> tuple[int, int]:
    if isinstance(nargs, int):
        return nargs, nargs
    known = {None: (1, 1), "?": (0, 1), "*": (0, MANY), "+": (1, MANY)}
    return known.get(nargs, (0, MANY))  # also REMAINDER and PARSER, which take all there is

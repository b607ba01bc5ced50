"""Finds and loads the commands that distributions add; see `conman_core.commands`.

Their code is a stranger's: whatever it does, conman's own commands and the help go on, and the
sentence about it names its distribution.
"""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from typing import Any, NamedTuple, TypeVar

from conman_core.cli.tables import clean
from conman_core.commands import API_VERSION, GROUP, Command
from conman_core.entrypoints import Installed, installed
from conman_core.errors import ConmanError

T = TypeVar("T")
IMPORT_LIMIT = 5.0  #: seconds, where an import is not what the user asked for
_WORD = re.compile(r"[a-z][a-z0-9-]{0,29}")


class Added(NamedTuple):
    """A word that a distribution adds; `problem` says why it cannot be used, if it cannot."""

    name: str
    origin: str
    point: EntryPoint
    problem: str = ""


class Hangs(ConmanError):
    """A stranger's code has not ended in time."""


def find(own: Collection[str]) -> tuple[dict[str, Added], list[str]]:
    """Return the words that installed distributions add, and sentences about damaged ones.

    Nothing is imported. `own` are conman's own words.
    """
    damaged: list[str] = []
    claims: dict[str, list[Installed]] = {}
    for one in installed(GROUP, damaged.append):
        claims.setdefault(one.point.name, []).append(one)
    return {name: _judged(name, claims[name], own) for name in sorted(claims)}, damaged


def _judged(name: str, claims: list[Installed], own: Collection[str]) -> Added:
    origins = sorted({one.origin for one in claims})
    problem = ""
    if name in own:
        problem = f"{name} of {' and of '.join(origins)} is not used: conman has that word itself"
    elif not _WORD.fullmatch(name):
        problem = (
            f"the command {clean(repr(name))} of {' and of '.join(origins)} cannot be used: "
            "a command is lower-case letters, digits and dashes; tell its author"
        )
    elif len(claims) > 1:
        owners = " and by ".join(origins)
        problem = f"{name} is claimed by {owners}: neither is used; remove one"
    return Added(name, origins[0], claims[0].point, problem)


def load(one: Added) -> Command:
    """Import a command and check that it is one. Raises ConmanError with what is wrong."""
    if one.problem:
        raise ConmanError(one.problem)
    look = shlex.join([sys.executable, "-c", f"import {one.point.module}"])
    with _guarded(one, "cannot be imported", f"tell its author; see it fail: {look}"):
        command: Any = one.point.load()
        version = getattr(command, "api_version", None)
        about = getattr(command, "about", None)
        usable = callable(getattr(command, "build", None)) and not isinstance(command, type)
    named = f"the command {one.name} of {one.origin}"
    if isinstance(version, int) and version != API_VERSION:
        raise ConmanError(
            f"{named} is made for version {version} of conman's commands, this conman has version "
            f"{API_VERSION}; update the older one"
        )
    if not (isinstance(version, int) and isinstance(about, str) and usable):
        raise ConmanError(
            f"{named} is not a command: {one.point.value} must be a module or object with "
            "api_version, about and build; tell its author"
        )
    return command  # type: ignore[no-any-return]


def build(one: Added, command: Command, described: argparse.ArgumentParser) -> None:
    """Let a command describe its arguments. Raises ConmanError with what is wrong."""
    with _guarded(one, "cannot describe its arguments", "tell its author"):
        command.build(described)


@contextmanager
def _guarded(one: Added, what: str, cure: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - SystemExit is a stranger's, too
        from conman_core.lane import describe

        said = f"the command {one.name} of {one.origin} {what}: {describe(error)}; {cure}"
        raise ConmanError(said) from None


def within(limit: float, function: Callable[[], T], what: str) -> T:
    """Return what a function returns. Raises what it raises, or Hangs after `limit` seconds."""
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(function())
        except BaseException as error:  # noqa: BLE001 - handed over
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(limit)
    if errors:
        raise errors[0]
    if not results:
        raise Hangs(f"{what} has not ended after {limit:g} s; tell its author")
    return results[0]


def load_in_time(one: Added) -> Command:
    """Load a command that the user has not asked for: it may not hold up what they asked."""
    what = f"the import of the command {one.name} of {one.origin}"
    return within(IMPORT_LIMIT, lambda: load(one), what)


def loaded(own: Collection[str]) -> tuple[list[tuple[Added, Command]], list[str]]:
    """Return all added commands that can be used, and a sentence about each that cannot."""
    found, problems = find(own)
    usable = []
    for one in found.values():
        try:
            usable.append((one, load_in_time(one)))
        except ConmanError as error:
            problems.append(str(error))
    return usable, problems

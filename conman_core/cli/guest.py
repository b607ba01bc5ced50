"""Runs a command that another distribution adds, and describes all of them for the help."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence

from conman_core.cli import FAILED, USAGE, parser, place_of
from conman_core.cli.added import Added, build, find, load, loaded
from conman_core.cli.tables import Screen, clean, complain
from conman_core.cli.words import OWN
from conman_core.errors import ConmanError

#: for a hint; that they are added is known by their entry points only
_FIRST_PARTY = {"wifi": "conman-wifi", "provision": "conman-accesspoint"}
_HIGHEST_CODE = 255  # _exit(2)
_LONG_WORD = 40  #: characters of a word that a hint is looked for


def run(words: Sequence[str]) -> int:
    """Run the command that the first of some words names; it is none of conman's own.

    Returns its exit code. Raises ConmanError, SystemExit of argparse, BrokenPipeError and
    KeyboardInterrupt as a command of conman does; whatever else it raises is told with its origin.
    """
    found, damaged = find(OWN)
    one = found.get(words[0])
    if one is None:
        return _unknown(words, found, damaged)
    command = load(one)
    top, commands = parser.top()
    described = parser.add_parser(commands, one.name, clean(command.about))
    build(one, command, described)
    try:
        arguments = top.parse_args(words)
        function = getattr(arguments, "run", None)
        if function is None:  # a command with subcommands, none of which was named
            described.print_help(sys.stderr)
            return USAGE
        code = function(arguments, Screen(sys.stdout))
    except (ConmanError, BrokenPipeError, KeyboardInterrupt):
        raise
    except SystemExit as end:
        code = _code_of(end)
    except BaseException as error:  # noqa: BLE001 - a person at a terminal gets a sentence
        return _fault(one, place_of(error))
    if isinstance(code, int) and not isinstance(code, bool) and 0 <= code <= _HIGHEST_CODE:
        return code
    return _fault(one, f"it returned {clean(repr(code))[:60]}, not an exit code")


def _unknown(words: Sequence[str], found: Mapping[str, Added], damaged: Iterable[str]) -> int:
    from difflib import get_close_matches

    for sentence in damaged:
        complain(sentence)
    package = _FIRST_PARTY.get(words[0])
    if package and not _is_installed(package):
        from conman_core.origin import install_hint

        complain(f"the command {words[0]} comes with {package}; {install_hint(package)}")
        return USAGE
    usable = [name for name, one in found.items() if not one.problem]
    if near := get_close_matches(words[0][:_LONG_WORD], {*OWN, *usable, *_FIRST_PARTY}, 1):
        complain(f"there is no command {words[0]}; did you mean: {near[0]}? See: conman --help")
        return USAGE
    parser.build("", usable).parse_args(words)  # says which words there are, and ends
    return USAGE


def _is_installed(package: str) -> bool:
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


def _code_of(end: SystemExit) -> object:
    """Return the exit code as the interpreter would take it, after its message."""
    if isinstance(end.code, str):
        complain(end.code)
        return FAILED
    return 0 if end.code is None else end.code


def _fault(one: Added, what: str) -> int:
    complain(f"this is a fault in {one.origin} ({one.name}), please tell its author: {what}")
    return FAILED


def help_of(own: Collection[str], width: int) -> str:
    """Return the part of conman's help about added commands, empty if there are none."""
    import textwrap

    usable, problems = loaded(own)
    widest = min(max((len(one.name) for one, _ in usable), default=0), 20)
    lines: list[str] = []
    for one, command in usable:
        first = f"    {one.name:<{widest}}  "
        lines += textwrap.wrap(
            clean(f"{command.about} ({one.origin})"),
            width,
            initial_indent=first,
            subsequent_indent=" " * (widest + 6),
        )
    parts = [["commands that other packages add:", *lines, ""]] if lines else []
    if problems:  # not wrapped: a command at a sentence's end can be copied
        parts.append(["added, but not usable:", *(f"    {clean(one)}" for one in problems), ""])
    return "\n".join(line for part in parts for line in part)

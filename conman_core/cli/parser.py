"""The parser of the command line, and what runs a command."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from conman_core.cli.tables import Screen, complain
from conman_core.cli.words import ABOUT, CODES, OWN, Word
from conman_core.cli.words import COMMANDS as _COMMANDS
from conman_core.cli.words import CONFIG_COMMANDS as _CONFIG_COMMANDS

Function = Callable[[argparse.Namespace, Screen], int]

ASK = "__complete"  #: what the shells' scripts say when they need an answer


def command(argv: Sequence[str] | None) -> int:
    """Run the command that the arguments name and return its exit code."""
    words = sys.argv[1:] if argv is None else list(argv)
    first = words[0] if words else ""
    if first == ASK:
        from conman_core.cli.complete import answer

        return answer(words[1:])
    if first[:1] not in ("", "-") and first not in OWN:
        from conman_core.cli.guest import run

        return run(words)
    parser = build(first)
    arguments = parser.parse_args(words)
    if "function" not in arguments:
        parser.print_help(sys.stderr)
        return 2
    module, _, name = arguments.function.partition(".")
    function: Function = getattr(importlib.import_module(f"conman_core.cli.{module}"), name)
    return function(arguments, Screen(sys.stdout))


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        complain(f"{message}; see: {self.prog} --help")
        sys.exit(2)


class _Top(_Parser):
    def format_help(self) -> str:
        """Return the help, with what other packages add: looked for only when it is read."""
        from shutil import get_terminal_size

        from conman_core.cli.guest import help_of

        added = help_of(OWN, get_terminal_size().columns - 2)
        self.epilog = f"{added}\n{CODES}" if added else CODES
        return super().format_help()


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print("conman", version("conman-core"))
        except PackageNotFoundError:
            print("conman, not installed: running from its source tree")
        parser.exit()


def top() -> tuple[argparse.ArgumentParser, Any]:
    """Return the parser without commands, and where `add_parser` adds them."""
    parser = _Top(prog="conman", description=ABOUT, formatter_class=_formatter)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and end")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands", parser_class=_Parser)
    return parser, commands


def build(first: str, added: Iterable[str] = ()) -> argparse.ArgumentParser:
    """Return the parser; of all commands only the first word's, if it is one: half the time.

    `added` are words that are allowed as well, without arguments.
    """
    parser, commands = top()
    chosen = [word for word in _COMMANDS if word.name == first]
    for word in chosen or _COMMANDS:
        _add(commands, word)
    if not chosen:
        about = "Show or check the settings"
        config = commands.add_parser("config", help=about, description=f"{about}.")
        actions = config.add_subparsers(metavar="ACTION", title="actions", required=True)
        for word in _CONFIG_COMMANDS:
            _add(actions, word)
        for name in added:
            commands.add_parser(name)
    return parser


def add_parser(commands: Any, name: str, about: str, more: str = "") -> argparse.ArgumentParser:
    """Add a command without arguments and return its parser; `more` ends its help."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=about, description=f"{about}.", epilog=more, formatter_class=_formatter
    )
    return parser


def _add(commands: Any, word: Word) -> None:
    parser = add_parser(commands, word.name, word.about, word.more)
    parser.set_defaults(function=word.function)
    for add in word.arguments:
        add(parser)


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=20)

"""The words of the command line and their help."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from conman_core.cli.tables import Screen, complain

Function = Callable[[argparse.Namespace, Screen], int]
Adder = Callable[[argparse.ArgumentParser], None]

_ABOUT = """\
Gets this machine online by the best link there is, and keeps it there.

is it online, and how?     conman status
why this link?             conman explain
what could it use?         conman probe
what is happening?         conman watch
are the settings right?    conman config check"""
_CODES = """\
exit codes: 0 fine (status, wait-online: online), 1 error, 2 usage, 3 daemon not running,
4 not online"""
_SETTINGS = """
settings are read from --config FILE, else $CONMAN_CONFIG, else /etc/conman/setup.cfg,
else the defaults hold; the current folder is never looked at"""


class _Command(NamedTuple):
    """`function` is `module.function` in this package; `more` is what its help ends with."""

    name: str
    function: str
    about: str
    more: str
    arguments: tuple[Adder, ...]


def command(argv: Sequence[str] | None) -> int:
    """Run the command that the arguments name and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    parser = _build(words[0] if words else "")
    arguments = parser.parse_args(words)
    if "function" not in arguments:
        parser.print_help(sys.stderr)
        return 2
    module, _, name = arguments.function.partition(".")
    function: Function = getattr(importlib.import_module(f"conman_core.cli.{module}"), name)
    return function(arguments, Screen(sys.stdout))


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings file to use")


def _deep(parser: argparse.ArgumentParser) -> None:
    more = "ask the devices too: signal, operator (slower)"
    parser.add_argument("--deep", action="store_true", help=more)


def _help_options(parser: argparse.ArgumentParser) -> None:
    more = "explain every setting, of conman and of each driver"
    parser.add_argument("--help-options", action="store_true", help=more)


def _timeout(parser: argparse.ArgumentParser) -> None:
    more = "how long to wait, such as 30s or 5m (default 30s)"
    parser.add_argument("--timeout", type=_duration, default=30.0, metavar="TIME", help=more)


def _log_level(parser: argparse.ArgumentParser) -> None:
    levels = ("debug", "info", "warning", "error")
    more = "debug, info, warning or error (default info)"
    parser.add_argument("--log-level", choices=levels, default="info", metavar="LEVEL", help=more)


_COMMANDS = (
    _Command(
        "run",
        "service.run",
        "Run the daemon in this terminal",
        "example: sudo conman run --log-level debug\n"
        "end it with Ctrl-C; as a service it is started by: sudo systemctl start conman"
        + _SETTINGS,
        (_config, _log_level),
    ),
    _Command(
        "status",
        "status.status",
        "Show the uplink and all links",
        "example: conman status --json\nexit code 0: online, 4: not online, 3: daemon not running\n"
        "next: conman explain",
        (_json,),
    ),
    _Command(
        "explain",
        "status.explain",
        "Say why the uplink is the uplink, and why each other link is not",
        "example: conman explain\nnext: conman watch",
        (_json,),
    ),
    _Command(
        "watch",
        "events.watch",
        "Show what happens as it happens",
        "example: conman watch\nend it with Ctrl-C; with --json the first line is the full status, "
        "then one event a line",
        (_json,),
    ),
    _Command(
        "probe",
        "survey.probe",
        "Show what links could be used now; needs no daemon and changes nothing",
        "example: conman probe --deep\nexit code 1: a driver is broken" + _SETTINGS,
        (_json, _deep, _config),
    ),
    _Command(
        "drivers",
        "survey.drivers",
        "Show the drivers installed; needs no daemon",
        "example: conman drivers --help-options\nexit code 1: a driver is broken" + _SETTINGS,
        (_json, _help_options, _config),
    ),
    _Command(
        "rescan",
        "service.rescan",
        "Look for links again, and try those that failed at once",
        "example: sudo conman rescan\nnext: conman status",
        (_json,),
    ),
    _Command(
        "wait-online",
        "events.wait_online",
        "Wait until the machine is online, also for a daemon that is not there yet",
        "example: conman wait-online --timeout 2m && ./upload\n"
        "exit code 0: online, 4: not in time, 3: the daemon never appeared",
        (_json, _timeout),
    ),
    _Command(
        "release",
        "service.release",
        "Undo all that conman changed in the system",
        "puts back addresses, routes, resolver and kernel settings; the daemon must have ended\n"
        "example: sudo systemctl stop conman && sudo conman release",
        (_json,),
    ),
)
_CONFIG_COMMANDS = (
    _Command(
        "show",
        "config.show",
        "Show every setting that holds, and where it comes from",
        "example: conman config show" + _SETTINGS,
        (_json, _config),
    ),
    _Command(
        "check",
        "config.check",
        "Say whether the settings are right, and all that is wrong with them",
        "example: conman config check --config new.cfg\nexit code 1: something is wrong"
        + _SETTINGS,
        (_json, _config),
    ),
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        complain(f"{message}; see: {self.prog} --help")
        sys.exit(2)


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print("conman", version("conman-core"))
        except PackageNotFoundError:
            print("conman, not installed: running from its source tree")
        parser.exit()


def _build(first: str) -> argparse.ArgumentParser:
    """Return the parser; of all commands only the first word's, if it is one: half the time."""
    parser = _Parser(prog="conman", description=_ABOUT, epilog=_CODES, formatter_class=_formatter)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version and end")
    commands = parser.add_subparsers(metavar="COMMAND", title="commands")
    chosen = [entry for entry in _COMMANDS if entry.name == first]
    for entry in chosen or _COMMANDS:
        _add(commands, entry)
    if not chosen:
        about = "Show or check the settings"
        config = commands.add_parser("config", help=about, description=f"{about}.")
        actions = config.add_subparsers(metavar="ACTION", title="actions", required=True)
        for entry in _CONFIG_COMMANDS:
            _add(actions, entry)
    return parser


def _add(commands: Any, entry: _Command) -> None:
    parser: argparse.ArgumentParser = commands.add_parser(
        entry.name,
        help=entry.about,
        description=f"{entry.about}.",
        epilog=entry.more,
        formatter_class=_formatter,
    )
    parser.set_defaults(function=entry.function)
    for add in entry.arguments:
        add(parser)


def _formatter(prog: str) -> argparse.HelpFormatter:
    return argparse.RawDescriptionHelpFormatter(prog, max_help_position=20)


def _duration(text: str) -> float:
    from conman_core.options import parse_duration

    try:
        return parse_duration(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 30s or 5m") from None

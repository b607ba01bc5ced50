"""The words of the command line: what each does, what its help says, what it takes."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

Adder = Callable[[argparse.ArgumentParser], None]

ABOUT = """\
Gets this machine online by the best link there is, and keeps it there.

is it online, and how?     conman status
why this link?             conman explain
what could it use?         conman probe
what is happening?         conman watch
what has happened?         sudo conman log
are the settings right?    conman config check"""
CODES = """\
exit codes: 0 fine (status, wait-online: online), 1 error, 2 usage, 3 daemon not running,
4 not online"""
_SETTINGS = """
settings are read from --config FILE, else $CONMAN_CONFIG, else /etc/conman/setup.cfg,
else the defaults hold; the current folder is never looked at"""
_WRONG = "exit code 1: one is broken, stuck, missing, of another version, or there are two of it"
_OF_DAEMON = _SETTINGS.replace("else /etc", "else those of the\nrunning conman, else /etc")


class Word:
    """`function` is `module.function` in this package; `more` is what its help ends with."""

    # No NamedTuple: to make one takes 0.3 ms, at the start of every command.
    def __init__(
        self, name: str, function: str, about: str, more: str, arguments: tuple[Adder, ...]
    ) -> None:
        self.name = name
        self.function = function
        self.about = about
        self.more = more
        self.arguments = arguments


def _duration(text: str) -> float:
    from conman_core.options import parse_duration

    try:
        return parse_duration(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 30s or 5m") from None


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings file to use")


def _deep(parser: argparse.ArgumentParser) -> None:
    more = "ask the devices too: signal, operator (slower)"
    parser.add_argument("--deep", action="store_true", help=more)


def _help_options(parser: argparse.ArgumentParser) -> None:
    more = "explain every setting, of conman, of each driver and of each plugin"
    parser.add_argument("--help-options", action="store_true", help=more)


def _timeout(parser: argparse.ArgumentParser) -> None:
    more = "how long to wait, such as 30s or 5m (default 30s)"
    parser.add_argument("--timeout", type=_duration, default=30.0, metavar="TIME", help=more)


def _shell(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=("bash", "zsh"), metavar="SHELL", help="bash or zsh")


def _count(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text[:9]) > 0:
        return int(text[:9])
    raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines such as 50")


def _which(parser: argparse.ArgumentParser) -> None:
    more = "how many of the latest events (default 50)"
    parser.add_argument("--lines", "-n", type=_count, default=50, metavar="N", help=more)
    more = "only those of one link, such as ethernet:eth0"
    parser.add_argument("--link", metavar="LINK", help=more)


def _log_level(parser: argparse.ArgumentParser, default: str = "info", also: str = "") -> None:
    levels = ("debug", "info", "warning", "error")
    more = f"debug, info, warning or error (default {default}){also}"
    parser.add_argument("--log-level", choices=levels, default=default, metavar="LEVEL", help=more)


def _quiet(parser: argparse.ArgumentParser) -> None:
    _log_level(parser, "warning", "; tracebacks with debug only")


COMMANDS = (
    Word(
        "run",
        "service.run",
        "Run the daemon in this terminal",
        "example: sudo conman run --log-level debug\n"
        "end it with Ctrl-C; as a service it is started by: sudo systemctl start conman"
        + _SETTINGS,
        (_config, _log_level),
    ),
    Word(
        "status",
        "status.status",
        "Show the uplink and all links",
        "example: conman status --json\nexit code 0: online, 4: not online, 3: daemon not running\n"
        "next: conman explain",
        (_json,),
    ),
    Word(
        "explain",
        "status.explain",
        "Say why the uplink is the uplink, and why each other link is not",
        "example: conman explain\nnext: conman watch",
        (_json,),
    ),
    Word(
        "watch",
        "events.watch",
        "Show what happens as it happens",
        "example: conman watch\nend it with Ctrl-C; with --json the first line is the full status, "
        "then one event a line",
        (_json,),
    ),
    Word(
        "log",
        "log.log",
        "Show what has happened, also before the last restart; needs no daemon",
        "example: sudo conman log -n 20 --link wifi:wlan0\n"
        "with --json one event a line; as it happens: conman watch",
        (_json, _which),
    ),
    Word(
        "probe",
        "survey.probe",
        "Show what links could be used now; needs no daemon and changes nothing",
        "example: conman probe --deep\n" + _WRONG + _OF_DAEMON,
        (_json, _deep, _config, _quiet),
    ),
    Word(
        "drivers",
        "survey.drivers",
        "Show drivers and plugins, and what is wrong with which; needs no daemon",
        "example: conman drivers --help-options\n" + _WRONG + _OF_DAEMON,
        (_json, _help_options, _config, _quiet),
    ),
    Word(
        "rescan",
        "service.rescan",
        "Read the settings and look for links again, and try those that failed at once",
        "example: sudo conman rescan\nnext: conman status\n"
        "exit code 1: the settings are wrong, the last good ones stay in use",
        (_json,),
    ),
    Word(
        "wait-online",
        "events.wait_online",
        "Wait until the machine is online, also for a daemon that is not there yet",
        "example: conman wait-online --timeout 2m && ./upload\n"
        "exit code 0: online, 4: not in time, 3: the daemon never appeared",
        (_json, _timeout),
    ),
    Word(
        "release",
        "service.release",
        "Undo all that conman changed in the system",
        "puts back addresses, routes, resolver and kernel settings; the daemon must have ended\n"
        "example: sudo systemctl stop conman && sudo conman release",
        (_json,),
    ),
    Word(
        "completion",
        "completion.completion",
        "Print the script by which bash or zsh completes words when Tab is pressed",
        "example: conman completion bash | sudo tee /usr/share/bash-completion/completions/conman\n"
        "for zsh: conman completion zsh | sudo tee /usr/local/share/zsh/site-functions/_conman\n"
        "write it again after packages were added or removed: until then Tab is slower",
        (_shell,),
    ),
)
CONFIG_COMMANDS = (
    Word(
        "show",
        "config.show",
        "Show every setting that holds, and where it comes from",
        "example: conman config show" + _SETTINGS,
        (_json, _config),
    ),
    Word(
        "check",
        "config.check",
        "Say whether the settings are right, and all that is wrong with them",
        "example: conman config check --config new.cfg\nexit code 1: something is wrong"
        + _SETTINGS,
        (_json, _config),
    ),
)


OWN = frozenset([*(word.name for word in COMMANDS), "config"])

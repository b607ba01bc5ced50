"""`conman wifi`: its words and their help. What they do is in `showing` and `changing`."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from conman_core.commands import complete_with

if TYPE_CHECKING:
    from conman_core.cli.tables import Screen

api_version = 1
about = "Scan for WiFi networks; list, add and forget known ones"

_ADD = """\
The key is asked for and not shown; in scripts it is the first line of standard input.
With a running daemon the network is joined at once to see whether the key is right, and saved only
if it is. Without --now a radio that carries the traffic is not disturbed: a new network is saved
untried then, and one that is known keeps its key.

example: sudo conman wifi add "My Network"
example: sudo conman wifi add "My Network" < key.txt
exit code 1: it could not be joined; nothing was changed"""


def build(parser: argparse.ArgumentParser) -> None:
    """Add the actions (conman_core.commands.Command)."""
    actions = parser.add_subparsers(metavar="ACTION", title="actions", required=True)
    scan = _action(
        actions,
        "scan",
        "Look around and show the networks in sight",
        "example: sudo conman wifi scan\nnext: sudo conman wifi add NAME",
        "showing.scan",
    )
    _json(scan)
    known = _action(
        actions,
        "list",
        "Show the known networks, and what is wrong with the list",
        "example: sudo conman wifi list",
        "showing.known",
    )
    _json(known)
    add = _action(actions, "add", "Add a network, or give one a new key", _ADD, "changing.add")
    complete_with(add.add_argument("ssid", metavar="NAME", help="the network's name"), _seen)
    add.add_argument("--hidden", action="store_true", help="it does not show its name")
    add.add_argument("--open", action="store_true", help="it has no key")
    more = "try it even if that interrupts the present connection; that comes back if it fails"
    add.add_argument("--now", action="store_true", help=more)
    _json(add)
    forget = _action(
        actions,
        "forget",
        "Remove a network from the known ones",
        'example: sudo conman wifi forget "My Network"\n'
        "the list as it was before is kept beside it; a connection that is up stays up",
        "changing.forget",
    )
    complete_with(forget.add_argument("ssid", metavar="NAME", help="the network's name"), _known)
    _json(forget)


def _action(actions: object, name: str, short: str, more: str, run: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(  # type: ignore[attr-defined]
        name,
        help=short,
        description=f"{short}.",
        epilog=more,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings file to use")
    parser.set_defaults(run=_late(run))
    return parser


def _json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")


def _late(name: str) -> Callable[[argparse.Namespace, Screen], int]:
    """Import what does the work only when it is to be done."""
    module, _, function = name.partition(".")

    def run(arguments: argparse.Namespace, screen: Screen) -> int:
        work = importlib.import_module(f"conman_plugins.wifi.{module}")
        return int(getattr(work, function)(arguments, screen))

    return run


def _known() -> list[str]:
    from conman_plugins.wifi.completing import known_names

    return known_names()


def _seen() -> list[tuple[str, str]]:
    from conman_plugins.wifi.showing import seen_names

    return seen_names()

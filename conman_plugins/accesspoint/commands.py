"""`conman provision`: its words and their help. What they do is in `showing`."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conman_core.cli.tables import Screen

api_version = 1
about = "Open the access point with the page where a person enters settings"

_MORE = """\
It ends when settings work, when another link gets online, or when nobody has been there for the
time that --timeout, or timeout in [conman:accesspoint], says. Without an action it is opened.

example: sudo conman provision
example: sudo conman provision --timeout 10m
example: sudo conman provision --label sticker.svg
a button or another program may call it, too: gpio-watch 17 -- conman provision
exit code 3: the daemon does not run"""


def build(parser: argparse.ArgumentParser) -> None:
    """Add actions and options (conman_core.commands.Command)."""
    parser.epilog = _MORE
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "action",
        nargs="?",
        choices=("start", "stop", "status"),
        default="start",
        metavar="ACTION",
        help="start (as without it), stop, or status",
    )
    more = "how long it stays without anybody there, such as 10m"
    parser.add_argument("--timeout", type=_duration, metavar="TIME", help=more)
    more = "open it even if that interrupts the link that carries the traffic"
    parser.add_argument("--yes", action="store_true", help=more)
    more = "only write a sticker with name, key and QR code into a file; needs no daemon"
    parser.add_argument("--label", type=Path, metavar="FILE.svg", help=more)
    parser.add_argument("--no-qr", action="store_true", help="show no QR code")
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings file to use")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.set_defaults(run=_late("showing.provision"))


def _duration(text: str) -> float:
    from conman_core.options import parse_duration

    try:
        return parse_duration(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 30s or 5m") from None


def _late(name: str) -> Callable[[argparse.Namespace, Screen], int]:
    """Import what does the work only when it is to be done."""
    module, _, function = name.partition(".")

    def run(arguments: argparse.Namespace, screen: Screen) -> int:
        work = importlib.import_module(f"conman_plugins.accesspoint.{module}")
        return int(getattr(work, function)(arguments, screen))

    return run

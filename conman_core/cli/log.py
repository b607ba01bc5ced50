"""`conman log`: what happened, also before the last restart; needs no daemon."""

from __future__ import annotations

from argparse import Namespace

from conman_core import history
from conman_core.cli import FINE
from conman_core.cli.tables import Screen
from conman_core.cli.times import clock
from conman_core.errors import ConmanError
from conman_core.paths import Paths


def log(arguments: Namespace, screen: Screen) -> int:
    """Print the latest events, oldest first."""
    path = Paths.from_environment().history
    link = arguments.link

    def wanted(event: dict[str, object]) -> bool:
        return link is None or link in (event.get("link"), event.get("before"), event.get("after"))

    try:
        events = history.last(path, arguments.lines, wanted)
    except OSError as error:
        reason = f"{path} cannot be read: {error.strerror}"
        raise ConmanError(f"{reason}; events are for root: sudo conman log") from error
    if arguments.json:
        for event in events:
            screen.json(event, indent=None)
        return FINE
    screen.pairs(((clock(e.get("time")), e["sentence"]) for e in events), indent=0)
    if not events:
        about = f" of {link}" if link else ""
        screen.sentence(f"no events{about} are kept in {path.parent}")
    return FINE

"""`conman run`, `rescan` and `release`: what acts on the daemon or in its place."""

from __future__ import annotations

from argparse import Namespace

from conman_core.cli import FAILED, FINE
from conman_core.cli.tables import Screen, complain
from conman_core.paths import Paths

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}  # as the logging module counts
_RESCAN_LIMIT = 30.0  #: seconds for all drivers to look again


def run(arguments: Namespace, screen: Screen) -> int:
    """Be the daemon until a signal ends it."""
    from conman_core.lean import without_tls

    with without_tls():
        from conman_core.service import serve
    del screen
    return serve(arguments.config, _LEVELS[arguments.log_level])


def rescan(arguments: Namespace, screen: Screen) -> int:
    """Make the daemon read its settings and look for links again; 1 if the settings are wrong."""
    from conman_core.client import request

    result = request(Paths.from_environment(), "rescan", timeout=_RESCAN_LIMIT)
    problem = str(result.get("problem") or "")
    if arguments.json:
        screen.json(result)
        return FAILED if problem else FINE
    if problem:
        complain(problem)
    screen.sentence(result.get("sentence") or "conman looks for links again")
    return FAILED if problem else FINE


def release(arguments: Namespace, screen: Screen) -> int:
    """Undo what a daemon changed and left; AlreadyRunning if one still runs."""
    from conman_core.service import release as undo

    sentences = undo(Paths.from_environment())
    if arguments.json:
        screen.json({"undone": sentences})
    for sentence in () if arguments.json else sentences or ("there was nothing to undo",):
        screen.sentence(sentence)
    return FINE

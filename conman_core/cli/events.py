"""`conman watch` and `conman wait-online`: what follows the daemon's stream of events."""

from __future__ import annotations

import time
from argparse import Namespace
from typing import Any

from conman_core import client
from conman_core.cli import FINE, NOT_ONLINE, NOT_RUNNING
from conman_core.cli.status import headline
from conman_core.cli.tables import Screen, complain
from conman_core.cli.times import clock
from conman_core.errors import ConmanError, NotRunning
from conman_core.paths import Paths

_LOOK = 0.25  #: seconds between two looks for a daemon that is not there yet
_ASK_AGAIN = 5.0  #: seconds without an event after which the status is asked for all the same


def watch(arguments: Namespace, screen: Screen) -> int:
    """Print the status, then each event, until the daemon ends or the user has seen enough."""
    stream = client.watch(Paths.from_environment())
    status = next(stream)
    if arguments.json:
        screen.json(status, indent=None)
    else:
        screen.line(headline(status, screen))
    for event in stream:
        if arguments.json:
            screen.json(event, indent=None)
        else:
            screen.pairs([(clock(event.get("time")), event.get("sentence") or event)], indent=0)
    complain("the daemon has ended; start it with: sudo systemctl start conman")
    return NOT_RUNNING


def wait_online(arguments: Namespace, screen: Screen) -> int:
    """Wait until the daemon says online: 0; 4 at the time limit, 3 if there was no daemon."""
    deadline = time.monotonic() + arguments.timeout
    path = Paths.from_environment().socket
    failure: ConmanError | None = None
    status: dict[str, Any] | None = None
    while status is None or status.get("state") != "online":
        try:
            with client.Channel(path) as channel:
                status = channel.ask("watch", {}, max(deadline - time.monotonic(), 0.001))
                status = _follow(channel, status, deadline)
        except client.Denied:
            raise
        except ConmanError as error:
            failure = error
        left = deadline - time.monotonic()
        if left <= 0:
            break
        if status is None or status.get("state") != "online":
            time.sleep(min(_LOOK, left))
    if status is not None and status.get("state") == "online":
        _report(status, arguments, screen)
        return FINE
    if status is None and isinstance(failure, NotRunning):
        raise failure
    _report(status or {}, arguments, screen)
    complain(f"not online after {arguments.timeout:g} s; the reasons: conman explain")
    return NOT_ONLINE


def _follow(channel: client.Channel, status: dict[str, Any], deadline: float) -> dict[str, Any]:
    """Return the status once it is online, or the last one when the time or the daemon ended."""
    paths = Paths.from_environment()
    while status.get("state") != "online":
        now = time.monotonic()
        if now >= deadline:
            break
        try:
            if channel.receive(min(deadline, now + _ASK_AGAIN)) is None:
                break
        except TimeoutError:
            pass  # perhaps it came online in a way that no event told
        left = max(deadline - time.monotonic(), 0.1)
        status = client.request(paths, "status", timeout=min(left, client.TIMEOUT))
    return status


def _report(status: dict[str, Any], arguments: Namespace, screen: Screen) -> None:
    if arguments.json:
        screen.json(status)
    elif status:
        screen.line(headline(status, screen))

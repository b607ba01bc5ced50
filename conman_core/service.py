"""`conman run` and `conman release`: of both together only one at a time, under the lock."""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

from conman_core.children import Children
from conman_core.daemon import Daemon
from conman_core.ledger import Ledger
from conman_core.lock import Lock
from conman_core.net.resolver import Resolver
from conman_core.network import Network
from conman_core.paths import Paths
from conman_core.undoing import undo_all

_LOG_FORMAT = "%(asctime)s.%(msecs)03d %(levelname)-7s %(message)s"


def serve(config_path: Path | None, log_level: int) -> int:
    """Be the daemon until SIGTERM or SIGINT; return the exit code.

    Raises ConfigError for settings that cannot be used and were never good, AlreadyRunning,
    SystemFault.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(_LOG_FORMAT, "%Y-%m-%d %H:%M:%S"))
    logging.basicConfig(level=log_level, handlers=[handler])
    paths = Paths.from_environment()
    paths.make("run")
    with Lock(paths.lock):
        asyncio.run(Daemon(paths, config_path).run())
    return 0


def release(paths: Paths) -> list[str]:
    """Undo all that a daemon changed, also one that was killed; return a sentence for each.

    Raises AlreadyRunning while one runs, SystemFault.
    """
    paths.make("release")
    with Lock(paths.lock):
        children = Children(paths.runtime)
        done = [f"ended {left}" for left in children.end_leftovers()]
        done += asyncio.run(undo_all(paths, children))
        ledger = Ledger(paths.ledger)
        network = Network(ledger, Resolver(Path("/etc/resolv.conf"), ledger))
        try:
            return done + network.release()
        finally:
            network.close()

"""The settings that a running daemon works with: the file's, or the last good ones."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

from conman_core import config as configuration
from conman_core.config import Config
from conman_core.errors import ConfigError
from conman_core.values import Known

log = logging.getLogger(__name__)


class LiveConfig:
    """Reads the settings file at start and on demand. A bad file never costs a working daemon.

    `problem` says what is wrong with the file as it is now, None if nothing is.
    """

    def __init__(self, given: Path | None, last_good: Path) -> None:
        self._given = given
        self.path = configuration.locate(given)
        self.problem: str | None = None
        self.now: Config
        self._unchecked = False  # some of `now` was taken before its driver could look at it
        self._last_good = last_good
        self._said: set[str] = set()  # in the log, about the file as it is

    def wanted(self) -> tuple[str, ...]:
        """Return the drivers that the file names; if it is bad, those of the last good one too."""
        self.path = self.path or configuration.locate(self._given)  # it may have been made since
        names = configuration.wanted(self.path)
        if self.problem is None:
            return names
        return tuple(dict.fromkeys((*names, *configuration.wanted(self._last_good))))

    def start(
        self, known: Known, plugins: Known | None = None, pending: Collection[str] = ()
    ) -> None:
        """Load the file; if it is bad, what conman last ran with. ConfigError if there is none.

        `pending` are drivers and plugins that cannot look at their sections yet. May be called
        again, when those are there that `wanted` named meanwhile.
        """
        try:
            self._take(configuration.load(self.path, known, plugins), pending)
        except ConfigError as error:
            self._refuse(error)
            if not self._go_back(known, plugins, pending):
                raise
        log.info("settings: %s", self.now.path or "built-in defaults")

    def reload(
        self, known: Known, plugins: Known | None = None, pending: Collection[str] = ()
    ) -> bool:
        """Load the file again; return whether other settings hold now, `problem` tells of a fault.

        If it is bad, those stay that hold; or what conman last ran with, if a driver that came
        late says so of what was taken without it.
        """
        try:
            self._take(configuration.load(self.path, known, plugins), pending)
        except ConfigError as error:
            self._refuse(error)
            return self._unchecked and self._go_back(known, plugins, pending)
        return True

    def _take(self, config: Config, pending: Collection[str]) -> None:
        self.problem, self.now, self._unchecked = None, config, bool(pending)
        self._said.clear()
        if config.path is not None and not pending:
            configuration.keep(config.path, self._last_good)

    def _refuse(self, error: ConfigError) -> None:
        self.problem = str(error)
        self._say(self.problem)

    def _go_back(self, known: Known, plugins: Known | None, pending: Collection[str]) -> bool:
        try:
            self.now = configuration.load(self._last_good, known, plugins)
        except ConfigError:
            return False
        self._unchecked = bool(pending)
        self._say(f"using the settings of the last run, kept in {self._last_good}")
        return True

    def _say(self, sentence: str) -> None:
        if sentence not in self._said:
            self._said.add(sentence)
            log.error("%s", sentence)

    def answer(self, links: int) -> dict[str, Any]:
        """Return what is to be said after the file was loaded again and links were looked for."""
        found = f"found {links} link{'' if links == 1 else 's'}"
        if self.problem is not None:
            sentence = f"the settings are wrong, the last good ones stay in use; {found}"
        else:
            sentence = f"{found}; settings: {self.path or 'built-in defaults'}"
        return {"sentence": sentence, "problem": self.problem, "links": links}

    def notes(self, known: Known) -> list[str]:
        """Return what is to be said about the settings that hold."""
        return [*self.now.warnings, *configuration.missing_drivers(self.now, known)]

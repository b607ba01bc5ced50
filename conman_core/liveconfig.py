"""The settings that a running daemon works with: the file's, or the last good ones."""

from __future__ import annotations

import logging
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
        self._last_good = last_good

    def wanted(self) -> tuple[str, ...]:
        """Return the drivers that the file names; if it is bad, those of the last good one too."""
        self.path = self.path or configuration.locate(self._given)  # it may have been made since
        names = configuration.wanted(self.path)
        if self.problem is None:
            return names
        return tuple(dict.fromkeys((*names, *configuration.wanted(self._last_good))))

    def start(self, known: Known, plugins: Known | None = None) -> None:
        """Load the file; if it is bad, what conman last ran with. ConfigError if there is none."""
        try:
            self._take(configuration.load(self.path, known, plugins))
        except ConfigError as error:
            try:
                self.now = configuration.load(self._last_good, known, plugins)
            except ConfigError:
                raise error from None
            self.problem = str(error)
            log.error("%s", error)
            log.error("using the settings of the last run, kept in %s", self._last_good)
        log.info("settings: %s", self.now.path or "built-in defaults")

    def reload(self, known: Known, plugins: Known | None = None) -> None:
        """Load the file again, keeping what holds if it is bad: `problem` tells."""
        try:
            self._take(configuration.load(self.path, known, plugins))
        except ConfigError as error:
            self.problem = str(error)
            log.error("%s", error)

    def answer(self, links: int) -> dict[str, Any]:
        """Return what is to be said after the file was loaded again and links were looked for."""
        found = f"found {links} link{'' if links == 1 else 's'}"
        if self.problem is not None:
            sentence = f"the settings are wrong, the last good ones stay in use; {found}"
        else:
            sentence = f"{found}; settings: {self.path or 'built-in defaults'}"
        return {"sentence": sentence, "problem": self.problem, "links": links}

    def _take(self, config: Config) -> None:
        self.problem, self.now = None, config
        if config.path is not None:
            configuration.keep(config.path, self._last_good)

    def notes(self, known: Known) -> list[str]:
        """Return what is to be said about the settings that hold."""
        return [*self.now.warnings, *configuration.missing_drivers(self.now, known)]

"""Where conman keeps its files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from conman_core.errors import SystemFault

GROUP = "conman"  #: its members may use the control socket, if it was there at the start


# Not a dataclass: every command needs it, and that import alone costs more than the rest of it.
class Paths(NamedTuple):
    """The folder for what ends with the machine, and the one for what survives it."""

    runtime: Path
    state: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Paths:
        """Return the folders that systemd made (systemd.exec(5)), else the usual ones."""
        return cls(
            _first(environment.get("RUNTIME_DIRECTORY", ""), "/run/conman"),
            _first(environment.get("STATE_DIRECTORY", ""), "/var/lib/conman"),
        )

    @property
    def socket(self) -> Path:
        """The control socket."""
        return self.runtime / "conman.sock"

    @property
    def lock(self) -> Path:
        """The file whose lock says that a daemon runs."""
        return self.runtime / "lock"

    @property
    def ledger(self) -> Path:
        """What was changed in the system, to be undone by `conman release`."""
        return self.state / "ledger.json"

    @property
    def logbook(self) -> Path:
        """What repairs each link has had, so that their budgets survive a restart."""
        return self.state / "recovery.json"

    @property
    def usage(self) -> Path:
        """What each link used this month."""
        return self.state / "usage.json"

    @property
    def history(self) -> Path:
        """What happened, for `conman log`."""
        return self.state / "events.jsonl"

    @property
    def been_online(self) -> Path:
        """A file that exists once the machine has been online since it was switched on."""
        return self.runtime / "been-online"

    @property
    def last_good(self) -> Path:
        """The settings with which conman last ran, for a start with bad ones."""
        return self.state / "last-good.cfg"

    @property
    def drivers(self) -> Path:
        """The folder with each driver's own memory."""
        return self.state / "drivers"

    @property
    def shared(self) -> Path:
        """The folder with what several drivers remember together."""
        return self.state / "shared"

    def make(self, command: str) -> None:
        """Create the folders: the first is open to everybody, the second to root only.

        `command` is what needs them. Raises SystemFault.
        """
        for folder, mode in ((self.runtime, 0o755), (self.state, 0o700)):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                folder.chmod(mode)  # whatever the umask made of it
            except PermissionError as error:
                if not os.geteuid():
                    raise _unmade(folder, error) from error
                needs = f"conman {command} needs root, as it writes into {folder}"
                raise SystemFault(f"{needs}; type: sudo conman {command}") from error
            except OSError as error:
                raise _unmade(folder, error) from error


def _unmade(folder: Path, error: OSError) -> SystemFault:
    return SystemFault(f"the folder {folder} cannot be made: {error.strerror}")


def _first(folders: str, usual: str) -> Path:
    """Return the first folder of a list as systemd passes it; nothing relative is taken."""
    return Path(next((name for name in folders.split(":") if name.startswith("/")), usual))

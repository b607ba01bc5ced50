"""What a distribution gives to add a command to `conman`: the contract, and help with completion.

An entry point in the group `conman.commands` has the command's word as its name and refers to a
module or object that has what `Command` says. It is imported only when its word is typed, or for
the help and the completion of all words, so it should import what is heavy within its functions.
conman's own words come first, and a word that two distributions claim is refused.

A command may import `conman_core.cli.tables` (`Screen`, `complain`), `conman_core.cli` (the exit
codes), `conman_core.client` (`request` asks the daemon), `conman_core.paths` and
`conman_core.errors`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from conman_core.cli.tables import Screen

GROUP = "conman.commands"
API_VERSION = 1

_ANSWER = 1.0  #: seconds for the daemon to answer while somebody waits for a completion

Run = Callable[[argparse.Namespace, "Screen"], int]
#: Returns the words that may stand in a place, or pairs of a word and what it means.
Completer = Callable[[], Iterable[str | tuple[str, str]]]


class Command(Protocol):
    """A command of its own word. A module with these names is one, too."""

    @property
    def api_version(self) -> int:
        """The version of this contract that it was written for: 1."""

    @property
    def about(self) -> str:
        """What it does, in a line without a full stop, for the help."""

    def build(self, parser: argparse.ArgumentParser) -> None:
        """Add arguments or subcommands, and name what runs: `parser.set_defaults(run=...)`.

        `run(arguments, screen)` returns the exit code: 0 fine, 1 error, 2 usage, 3 daemon not
        running, 4 not online. It may raise a ConmanError, whose text is shown (exit code 1, of
        NotRunning 3); any other exception is shown in one line as a fault of its distribution.
        """


def complete_with(action: argparse.Action, completer: Completer) -> argparse.Action:
    """Let the shell complete an argument's value with the words that a function returns.

    The function is called each time that somebody presses Tab there. What it raises, or that it
    takes longer than two seconds, only costs the completion. Words may have blanks, quotes and
    anything else that is not a control character.
    """
    action.completer = completer  # type: ignore[attr-defined]
    return action


def link_names() -> list[tuple[str, str]]:
    """Return the links that the daemon has, each with its state: a completer.

    Raises ConmanError if it does not run or does not answer.
    """
    from conman_core.client import request
    from conman_core.paths import Paths

    links = request(Paths.from_environment(), "status", timeout=_ANSWER).get("links")
    return [
        (str(link["name"]), str(link.get("state") or ""))
        for link in (links if isinstance(links, list) else ())
        if isinstance(link, dict) and link.get("name")
    ]

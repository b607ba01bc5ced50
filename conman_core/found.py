"""What became of each driver and plugin that was looked for, with a sentence for people. Pure."""

from __future__ import annotations

import enum
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from conman_core.entrypoints import Installed
from conman_core.options import Declared
from conman_core.origin import install_hint
from conman_core.settings import FIRST_PARTY


class LoadState(enum.StrEnum):
    """What became of a name."""

    LOADED = "loaded"
    NOT_INSTALLED = "not_installed"
    BROKEN = "broken"
    DISABLED = "disabled"  #: installed, but not wanted; it was not imported
    WRONG_VERSION = "wrong_version"
    DUPLICATE = "duplicate"  #: two distributions claim the name; neither is used


@dataclass(frozen=True, slots=True)
class Found:
    """A driver or plugin. `sentence` says what is wrong and what to do, empty if nothing is."""

    name: str
    state: LoadState
    sentence: str = ""
    distribution: str = ""
    version: str = ""
    api_version: int | None = None
    driver_class: type[Any] | None = None
    declared: Declared = field(default_factory=Declared)  #: what it says of its settings, checked
    plugin: Any = None

    @property
    def origin(self) -> str:
        """Name and version of the distribution, for sentences."""
        return f"{self.distribution} {self.version}".strip()


def header_of(one: Installed) -> Found:
    """Return what is known without importing anything."""
    sentence = "disable in [conman] names it"
    name = one.point.name
    return Found(name, LoadState.DISABLED, sentence, one.distribution, one.version)


def refusal(name: str, claims: Sequence[Installed], there: Collection[str]) -> Found:
    """Return why a name cannot be loaded: nobody has it, or more than one.

    `claims` are the entry points with this name, `there` all the names that are installed.
    """
    if claims:
        owners = " and by ".join(sorted({one.origin for one in claims}))
        sentence = f"{name} is claimed by {owners}: neither is used; remove one"
        return replace(header_of(claims[0]), state=LoadState.DUPLICATE, sentence=sentence)
    if name in FIRST_PARTY:
        sentence = f"{name} is not installed; {install_hint(FIRST_PARTY[name])}"
    else:
        from difflib import get_close_matches

        near = get_close_matches(name, there, 1)
        known = f"installed: {', '.join(sorted(there)) or 'none'}"
        hint = f"did you mean {near[0]}?" if near else known
        sentence = f"no installed package has {name}; {hint}"
    return Found(name, LoadState.NOT_INSTALLED, sentence)

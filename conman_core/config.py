"""Finds the settings file and gives every setting its meaning, or says all that is wrong with it.

Search order: `--config FILE`, `$CONMAN_CONFIG`, `/etc/conman/setup.cfg`, built-in defaults.
The current folder is never looked at: what a daemon does must not depend on where it was started.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from conman_core import inifile, settings
from conman_core.errors import ConfigError
from conman_core.inifile import Document
from conman_core.options import Declared
from conman_core.settings import FIRST_PARTY, OPTIONS, Settings, section_options
from conman_core.store import remove_torn, write_atomic
from conman_core.values import Known, Reader, Shown, nearest

log = logging.getLogger(__name__)

DEFAULT_FILE = Path("/etc/conman/setup.cfg")


class ConfigProblems(ConfigError):
    """All that is wrong with a settings file: one sentence each in `problems`."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Config:
    """What holds now. `sections` has every known driver by its name, defaults filled in."""

    path: Path | None
    settings: Settings
    sections: Mapping[str, Mapping[str, Any]]
    warnings: tuple[str, ...] = ()
    shown: tuple[Shown, ...] = ()


def locate(given: Path | None, environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the settings file to use, None for the built-in defaults.

    A file that somebody named is returned whether it exists or not: `load` then says so.
    """
    named = given or environment.get("CONMAN_CONFIG")
    if named:
        return Path(named).absolute()
    try:
        DEFAULT_FILE.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:  # it may be there: let `load` say why it cannot be read
        pass
    return DEFAULT_FILE


def disabled(path: Path | None) -> frozenset[str]:
    """Return the drivers and plugins that must not be loaded: needed before `known` is known.

    Empty if the file cannot be read: `load` then says why.
    """
    try:
        core = inifile.read(path).sections.get("conman") if path else None
    except ConfigError:
        return frozenset()
    entry = core.entries.get("disable") if core else None
    return frozenset(entry.text.replace(",", " ").split()) if entry else frozenset()


def wanted(path: Path | None) -> tuple[str, ...]:
    """Return the drivers that `priority` names, less those disabled: needed before `known` is.

    Those of the built-in default if the file cannot be read: `load` then says why.
    """
    default = next(option.default for option in OPTIONS if option.name == "priority")
    try:
        core = inifile.read(path).sections.get("conman") if path else None
    except ConfigError:
        core = None
    entry = core.entries.get("priority") if core else None
    text = entry.text.replace("\n", ",") if entry else default
    names = (word.partition(":")[0] for word in text.split(","))
    off = disabled(path)
    return tuple(dict.fromkeys(n.strip() for n in names if n.strip() and n.strip() not in off))


def keep(path: Path, copy: Path) -> None:
    """Keep a copy of settings that are good, for a start with bad ones. A fault is only logged."""
    remove_torn(copy)
    try:
        content = path.read_bytes()
        if not copy.exists() or copy.read_bytes() != content:
            write_atomic(copy, content)
    except OSError as error:
        log.warning("the settings cannot be kept in %s: %s", copy, error)


def load(path: Path | None, known: Known, plugins: Known | None = None) -> Config:
    """Read a settings file as `locate` found it; None gives the built-in defaults.

    `known` are the drivers; what the core understands in a driver's section is added here.
    Raises ConfigError, in general ConfigProblems with everything that is wrong at once.
    """
    reader = Reader(inifile.read(path) if path else Document(Path()))
    document = reader.document
    if path and not document.sections and not document.problems:
        document.warn(1, "there is no section of conman in this file; the defaults hold")
    values = reader.section("conman", Declared(OPTIONS))
    declared = {**(plugins or {}), **{name: _with_ours(one) for name, one in known.items()}}
    sections = {
        name: reader.section(f"conman:{name}", one)
        for name, one in declared.items()
        if one is not None
    }
    reader.check_others(declared, values["disable"] or ())
    reader.check_disabled(declared, values["disable"] or ())
    reader.check_default(declared)
    if document.problems:
        raise ConfigProblems([sentence for _, sentence in sorted(document.problems)])
    users = "conman" in document.sections and "priority" in document.sections["conman"].entries
    return Config(
        path,
        settings.make(values, priority_is_users=users),
        sections,
        tuple(sentence for _, sentence in sorted(document.warnings)),
        tuple(reader.shown),
    )


def _with_ours(driver: Declared | None) -> Declared | None:
    return driver and replace(driver, options=section_options(driver.options))


def missing_drivers(config: Config, known: Known) -> tuple[str, ...]:
    """Return a sentence for each driver that the user's `priority` names and nothing provides.

    Not part of `load`: the drivers that are there must go on working without the missing one.
    """
    if not config.settings.priority_is_users:
        return ()
    line = next(shown.line for shown in config.shown if shown.key == "priority")
    wanted = dict.fromkeys(entry.partition(":")[0] for entry in config.settings.priority)
    return tuple(
        f"{config.path} line {line}: [conman] priority names {name}, which is not installed; "
        + (
            f"install {FIRST_PARTY[name]} from where conman came from"
            if name in FIRST_PARTY
            else f"installed: {', '.join(known) or 'none'}{nearest(name, [*known, *FIRST_PARTY])}"
        )
        for name in wanted
        if name not in known and name not in config.settings.disable
    )

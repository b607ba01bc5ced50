"""Finds the settings file and gives every setting its meaning, or says all that is wrong with it.

Search order: `--config FILE`, `$CONMAN_CONFIG`, `/etc/conman/setup.cfg`, built-in defaults.
The current folder is never looked at: what a daemon does must not depend on where it was started.
"""

from __future__ import annotations

import difflib
import logging
import os
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conman_core import inifile, settings
from conman_core.errors import ConfigError
from conman_core.inifile import Document, Entry
from conman_core.options import Kind, Option
from conman_core.settings import FIRST_PARTY, OPTIONS, Settings, section_options
from conman_core.store import write_atomic

log = logging.getLogger(__name__)

DEFAULT_FILE = Path("/etc/conman/setup.cfg")
HIDDEN = "(hidden)"
_LISTS = (Kind.LIST, Kind.ADDRESSES)
#: Kinds whose empty text says something: "none of them" or "no such name".
_MAY_BE_EMPTY = (*_LISTS, Kind.TEXT, Kind.SECRET)

_COMMENT = re.compile(r"\s[#;]")
_OWN_LINE = "a comment needs a line of its own"

#: The options of each driver, or plugin, by its name; None: installed, but they are not known.
Known = Mapping[str, tuple[Option, ...] | None]


class ConfigProblems(ConfigError):
    """All that is wrong with a settings file: one sentence each in `problems`."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting for people: its text as written, secrets hidden. `line` is None for a default."""

    section: str
    key: str
    text: str
    line: int | None


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
    reader = _Reader(inifile.read(path) if path else Document(Path()))
    document = reader.document
    if path and not document.sections and not document.problems:
        document.warn(1, "there is no section of conman in this file; the defaults hold")
    values = reader.section("conman", OPTIONS)
    declared = {
        **(plugins or {}),
        **{n: section_options(o) if o is not None else o for n, o in known.items()},
    }
    sections = {
        name: reader.section(f"conman:{name}", options)
        for name, options in declared.items()
        if options is not None
    }
    reader.check_others(declared, values["disable"] or ())
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
            else f"installed: {', '.join(known) or 'none'}{_nearest(name, [*known, *FIRST_PARTY])}"
        )
        for name in wanted
        if name not in known and name not in config.settings.disable
    )


class _Reader:
    """Turns the entries of a document into values, and notes what is wrong with them."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.shown: list[Shown] = []

    def section(self, name: str, options: tuple[Option, ...]) -> dict[str, Any]:
        """Return the values of all options of a section; one that is wrong is None."""
        section = self.document.sections.get(name)
        entries = section.entries if section else {}
        names = [option.name for option in options]
        for key, entry in entries.items():
            if key not in names:
                self.document.problem(
                    entry.line,
                    f"[{name}] has no key {_quote(key)}{_nearest(key, names)}; "
                    f"allowed: {', '.join(names)}",
                )
        values = {}
        for option in options:
            written = entries.get(option.name)
            values[option.name] = (
                self._value(name, option, written) if written else self._default(name, option)
            )
            self._show(name, option, written)
        return values

    def check_others(self, known: Known, disabled: Collection[str]) -> None:
        """Note what is to be said about sections whose driver is not there to check them."""
        for section in self.document.sections.values():
            name = section.name.partition(":")[2]
            if section.name == "conman" or known.get(name) is not None or name in disabled:
                continue
            if name in known:
                sentence = "is not checked: its driver is not loaded; see: conman drivers"
                self.document.warn(section.line, f"[{section.name}] {sentence}")
            elif name in FIRST_PARTY:
                sentence = f"has no effect: {FIRST_PARTY[name]} is not installed"
                self.document.warn(section.line, f"[{section.name}] {sentence}")
            else:
                names = list(dict.fromkeys([*known, *FIRST_PARTY]))
                self.document.problem(
                    section.line,
                    f"[{section.name}] is for a driver that is not installed"
                    f"{_nearest(name, names)}; allowed: {', '.join(names)}",
                )

    def _show(self, section: str, option: Option, entry: Entry | None) -> None:
        text = entry.text if entry else option.default
        if option.kind is Kind.SECRET and text:
            text = HIDDEN
        self.shown.append(Shown(section, option.name, text, entry.line if entry else None))

    def _default(self, section: str, option: Option) -> Any:
        try:
            return option.parse(option.default)
        except (ValueError, TypeError, AttributeError):  # another author's declaration
            self.document.warnings.append(
                (
                    0,
                    f"[{section}] {option.name} has a default that its driver does not allow; "
                    "set it, and tell the driver's author",
                )
            )
            return None

    def _value(self, section: str, option: Option, entry: Entry) -> Any:
        where = f"[{section}] {option.name}"
        text = entry.text
        if option.kind in _LISTS:
            text = text.replace("\n", ",")
        elif "\n" in text:
            self.document.problem(
                entry.line,
                f"{where} must be on one line; a line that begins with a space "
                "continues the one above",
            )
            return None
        if not text and option.default and option.kind not in _MAY_BE_EMPTY:
            self.document.problem(
                entry.line,
                f"{where} is empty; leave the line out for the default, {option.default}",
            )
            return None
        try:
            value = option.parse(text)
        except ValueError:
            self.document.problem(entry.line, where + _wrong(section, option, text))
            return None
        if _COMMENT.search(text) and option.kind is not Kind.SECRET:
            self.document.warn(entry.line, f"{where} = {_quote(text)} as it stands; {_OWN_LINE}")
        if section == "conman":
            for complaint in settings.complaints(option.name, value):
                self.document.problem(entry.line, f"{where} {complaint}")
        return value


def _wrong(section: str, option: Option, text: str) -> str:
    """Return the end of a sentence about a text that an option does not take."""
    if option.kind is Kind.SECRET:
        return f" is not allowed; allowed: {option.allowed}"
    limits = settings.limits(option.name) if section == "conman" else ""
    return (
        f" = {_quote(text)} is not allowed{_nearest(text, option.choices)}; "
        f"allowed: {option.allowed}{', ' + limits if limits else ''}"
        f"{'; ' + _OWN_LINE if _COMMENT.search(text) else ''}"
    )


def _nearest(name: str, names: Iterable[str]) -> str:
    """Return a hint at the name that was probably meant, empty if none is near."""
    plain = name.lower().replace("_", "-")[:100]
    near = difflib.get_close_matches(plain, names, 1, 0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _quote(text: str) -> str:
    """Return foreign text fit for one line of a message."""
    short = text if len(text) <= 60 else text[:57] + "..."
    return short if short.isprintable() and short else repr(short)

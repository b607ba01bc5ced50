"""Turns the entries of a settings file into values, and notes all that is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conman_core import settings
from conman_core.errors import DriverBug
from conman_core.inifile import Document, Entry, Section
from conman_core.objections import objections
from conman_core.options import LISTS, Declared, Kind, Option
from conman_core.settings import FIRST_PARTY

HIDDEN = "(hidden)"
#: Kinds whose empty text says something: "none of them" or "no such name".
_MAY_BE_EMPTY = (*LISTS, Kind.TEXT, Kind.SECRET)
_COMMENT = re.compile(r"\s[#;]")
_OWN_LINE = "a comment needs a line of its own"

#: What each driver, or plugin, declares, by its name; None: installed, but that is not known.
Known = Mapping[str, Declared | None]


@dataclass(frozen=True, slots=True)
class Shown:
    """A setting for people: its text as written, secrets hidden. `line` is None for a default."""

    section: str
    key: str
    text: str
    line: int | None


class Reader:
    """Reads the sections of one document; `shown` has every setting that was read."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.shown: list[Shown] = []

    def section(self, name: str, declared: Declared) -> dict[str, Any]:
        """Return the values of all options of a section; one that is wrong is None."""
        section = self.document.sections.get(name)
        entries = section.entries if section else {}
        names = [option.name for option in declared.options]
        faults = len(self.document.problems)
        for key, entry in entries.items():
            if key not in names:
                self.document.problem(
                    entry.line,
                    f"[{name}] has no key {quote(key)}{nearest(key, names)}; "
                    f"allowed: {', '.join(names)}",
                )
        values = {}
        for option in declared.options:
            written = entries.get(option.name)
            values[option.name] = (
                self._value(name, option, written) if written else self._default(name, option)
            )
            self._show(name, option, written)
        if len(self.document.problems) == faults:  # else one slip would be told as two
            self._ask(name, section, declared, values)
        return values

    def _ask(
        self, name: str, section: Section | None, declared: Declared, values: Mapping[str, Any]
    ) -> None:
        """Let the driver look at values that are right each by itself."""
        try:
            found = objections(name, declared, values)
        except DriverBug as error:
            self._warn_of_author(name, f"cannot be checked in full: its driver's check {error}")
            return
        for key, sentence in found:
            if section is None:
                self._warn_of_author(name, f"is refused as it is by default: {sentence}")
            else:
                written = section.entries.get(key)
                line = written.line if written else section.line
                self.document.problem(line, f"[{name}] {sentence}")

    def _warn_of_author(self, name: str, sentence: str) -> None:
        self.document.warnings.append((0, f"[{name}] {sentence}; tell its author"))

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
                self.document.problem(
                    section.line,
                    f"[{section.name}] is for a driver that is not installed{_choice(name, known)}",
                )

    def check_disabled(self, known: Known, disabled: Iterable[str]) -> None:
        """Note names that are disabled and that nobody has: it would be another that was meant."""
        core = self.document.sections.get("conman")
        entry = core.entries.get("disable") if core else None
        if entry is None:
            return
        for name in disabled:
            if name not in known and name not in FIRST_PARTY:
                self.document.problem(
                    entry.line,
                    f"[conman] disable has {name}, which is not installed{_choice(name, known)}",
                )

    def check_default(self, known: Known) -> None:
        """Note settings of conman in [DEFAULT], which other programs' readers take for everybody's.

        In a file of other programs too they may be theirs.
        """
        homes = {
            **{option.name: f"[conman:{name}]" for name, declared in known.items()
               for option in (declared.options if declared else ())},
            **{option.name: "[conman]" for option in settings.OPTIONS},
        }  # fmt: skip
        for entry in self.document.default:
            if home := homes.get(entry.key):
                tell = self.document.warn if self.document.shared else self.document.problem
                tell(
                    entry.line,
                    f"[DEFAULT] is not read by conman, so {entry.key} has no effect there; "
                    f"write it into {home}",
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
        if option.kind in LISTS:
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
            self.document.warn(entry.line, f"{where} = {quote(text)} as it stands; {_OWN_LINE}")
        if section == "conman" or option in settings.DRIVER_OPTIONS:
            for complaint in settings.complaints(option.name, value):
                self.document.problem(entry.line, f"{where} {complaint}")
        return value


def _wrong(section: str, option: Option, text: str) -> str:
    """Return the end of a sentence about a text that an option does not take."""
    if option.kind is Kind.SECRET:
        return f" is not allowed; allowed: {option.allowed}"
    limits = settings.limits(option.name) if section == "conman" else ""
    return (
        f" = {quote(text)} is not allowed{nearest(text, option.choices)}; "
        f"allowed: {option.allowed}{', ' + limits if limits else ''}"
        f"{'; ' + _OWN_LINE if _COMMENT.search(text) else ''}"
    )


def _choice(name: str, known: Iterable[str]) -> str:
    names = list(dict.fromkeys([*known, *FIRST_PARTY]))
    return f"{nearest(name, names)}; allowed: {', '.join(names)}"


def nearest(name: str, names: Iterable[str]) -> str:
    """Return a hint at the name that was probably meant, empty if none is near."""
    from difflib import get_close_matches  # 0.2 MiB for what is rarely wrong

    plain = name.lower().replace("_", "-")[:100]
    near = get_close_matches(plain, names, 1, 0.6)
    return f"; did you mean {near[0]}?" if near else ""


def quote(text: str) -> str:
    """Return foreign text fit for one line of a message."""
    short = text if len(text) <= 60 else text[:57] + "..."
    return short if short.isprintable() and short else repr(short)

"""Reads conman's sections out of an INI file, with the line of every key. Knows no options.

The file may be a host program's own setup.cfg: only `[conman]` and `[conman:*]` are looked at, so
that whatever the other sections hold cannot disturb conman. The one user of configparser.
"""

from __future__ import annotations

import configparser
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from conman_core.errors import ConfigError

LARGEST = 1 << 20  #: bytes of a settings file; beyond that it is something else by mistake
MOST_LINES = 1000  #: of conman's sections; also of things to say about a file
_HEADER = re.compile(r"\[([^]]*)](.*)")
_MISWRITTEN = re.compile(r"conman(\s*[-_.:/ ]\s*(.*))?", re.IGNORECASE | re.DOTALL)
_COMMENT = ("#", ";")
_EVERYBODYS = "DEFAULT"  #: configparser puts what stands there into every section
_ENTRY = re.compile(r"([^\s=:#;][^=:]*?)\s*[=:](.*)")


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key = text` of the file; a text over several lines has newlines in it."""

    key: str
    text: str
    line: int


@dataclass(slots=True)
class Section:
    """One of conman's sections. `line` is that of its header."""

    name: str
    line: int
    entries: dict[str, Entry] = field(default_factory=dict)


@dataclass(slots=True)
class Document:
    """What was read. Problems and warnings have a line and the sentence about it.

    `default` is what stands in `[DEFAULT]`; `shared`: other programs have sections here, too.
    """

    path: Path
    sections: dict[str, Section] = field(default_factory=dict)
    default: list[Entry] = field(default_factory=list)
    shared: bool = False
    problems: list[tuple[int, str]] = field(default_factory=list)
    warnings: list[tuple[int, str]] = field(default_factory=list)

    def problem(self, line: int, sentence: str) -> None:
        self.problems.append((line, f"{self.path} line {line}: {sentence}"))

    def warn(self, line: int, sentence: str) -> None:
        self.warnings.append((line, f"{self.path} line {line}: {sentence}"))


def read(path: Path) -> Document:
    """Read a settings file. Raises ConfigError if there is no text to be had from it."""
    return parse(_read_text(path), path)


def parse(text: str, path: Path) -> Document:
    """Find conman's sections in a text; whatever is wrong becomes a problem of the document."""
    document = Document(path)
    lines = list(enumerate(re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")), 1))
    _look_at_the_rest(lines, document)
    for section, content in _split(iter(lines), document):
        first = document.sections.setdefault(section.name, section)
        if first is not section:
            document.problem(
                section.line,
                f"[{section.name}] is there already in line {first.line}; put its keys together",
            )
        _parse_section(section, content, document)
    return document


def _read_text(path: Path) -> str:
    try:
        # Not blocking: opening a FIFO would otherwise wait for its writer, perhaps for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise ConfigError(f"{path} is not a file; name a settings file with --config FILE")
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor, not a path
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; create it, or name another file") from None
    except PermissionError:
        raise ConfigError(f"{path} may not be read by this user; try again with sudo") from None
    except ConfigError:
        raise
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{path} cannot be read: {reason}") from None
    if len(data) > LARGEST:
        raise ConfigError(f"{path} is larger than 1 MiB; this cannot be a settings file")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path} line {line}: is not UTF-8 text; save it as UTF-8") from None


_Lines = list[tuple[int, str]]


def _split(
    lines: Iterator[tuple[int, str]], document: Document
) -> Iterator[tuple[Section, _Lines]]:
    """Yield conman's sections, each with its lines; those of other programs are passed over."""
    section: Section | None = None
    content: _Lines = []
    started, mine = False, 0
    for number, line in lines:
        stripped = line.strip()
        mine += section is not None
        # Not only for the reader: configparser takes minutes for a megabyte of wrong lines.
        if max(mine, len(document.problems), len(document.warnings)) > MOST_LINES:
            document.problem(number, f"has more than {MOST_LINES} lines of settings or faults")
            break
        if line.startswith("[") or (section and stripped.startswith("[")):
            if section:
                yield section, content
            section, content = _header(number, line, document, inside=section is not None), []
            started = True
        elif stripped.startswith(_COMMENT):
            pass  # dropped here: to configparser it would end a list over several lines
        elif section and _has_control(line):
            document.problem(number, f"[{section.name}] has a control character; delete it")
        elif section or not stripped:
            content.append((number, line))
        elif not started:
            started = True  # one complaint is enough
            document.problem(number, "comes before any section; put [conman] above it")
    if section:
        yield section, content


def _header(number: int, line: str, document: Document, *, inside: bool) -> Section | None:
    """Return the section that a header opens, or None if it is another program's."""
    match = _HEADER.match(line.strip())
    if not match:
        if inside or _MISWRITTEN.match(line.lstrip("[ \t")):
            document.problem(number, "the section's name lacks its closing ]")
        return None
    name, rest = match[1], match[2].strip()
    if name != "conman" and not name.startswith("conman:"):
        _suspect(name, number, document)
        return None
    if _has_control(name):
        document.problem(number, "the section's name has a control character; delete it")
        return None
    if not line.startswith("["):
        document.problem(number, f"[{name}] must start at the beginning of its line")
    if rest and not rest.startswith(_COMMENT):
        document.problem(number, f"text after [{name}]; begin a new line after the ]")
    return Section(name, number)


def _has_control(line: str) -> bool:
    return any(unicodedata.category(char) == "Cc" for char in line if char != "\t")


def _suspect(name: str, number: int, document: Document) -> None:
    """Point out a section that was probably meant to be conman's."""
    match = _MISWRITTEN.fullmatch(name.strip())
    if match:
        right = f"conman:{match[2].strip().lower()}" if match[2] else "conman"
        document.problem(number, f"[{name}] is not read by conman; write [{right}]")
        return
    word = name.lower().partition(":")[0]
    if not 5 <= len(word) <= 8:
        return
    from difflib import SequenceMatcher  # 0.2 MiB for what is rarely wrong

    if SequenceMatcher(None, word, "conman").ratio() > 0.85:
        document.warn(
            number,
            f"[{name}] is not read by conman; its sections are [conman] and [conman:DRIVER]",
        )


def _look_at_the_rest(lines: _Lines, document: Document) -> None:
    """Note what stands in [DEFAULT], and whether other programs have sections, too."""
    name = ""
    for number, line in lines:
        if header := _HEADER.match(line):
            name = header[1]
            own = name in {_EVERYBODYS, "conman"} or name.startswith("conman:")
            document.shared = document.shared or not own
        elif (
            name == _EVERYBODYS
            and len(document.default) < MOST_LINES
            and (entry := _ENTRY.match(line))
        ):
            document.default.append(Entry(entry[1], entry[2].strip(), number))


class _Parser(configparser.ConfigParser):
    """Remembers on which line each key was: configparser tells nobody."""

    def __init__(self) -> None:
        # Values may contain % and #. Not strict: repeated keys are collected here, all of them.
        super().__init__(
            interpolation=None, strict=False, comment_prefixes=_COMMENT, empty_lines_in_values=False
        )
        self.line = 0
        self.seen: list[tuple[str, int]] = []
        self.reading = False

    def optionxform(self, optionstr: str) -> str:
        if self.reading:
            self.seen.append((optionstr, self.line))
        return optionstr

    def read_lines(self, lines: _Lines) -> tuple[list[int], dict[str, str]]:
        """Return the lines that are no `key = text`, and the texts."""
        wrong: list[int] = []
        self.reading = True
        try:
            self.read_file(self._feed(lines))
        except configparser.ParsingError as error:
            # Its message quotes the line, which may hold a secret: only the number is taken.
            wrong = [lines[number - 2][0] for number, _ in error.errors]
        self.reading = False
        return wrong, dict(self["section"])

    def _feed(self, lines: _Lines) -> Iterator[str]:
        yield "[section]"
        for self.line, text in lines:
            yield text


def _parse_section(section: Section, content: _Lines, document: Document) -> None:
    parser = _Parser()
    wrong, texts = parser.read_lines(content)
    for number in wrong:
        document.problem(number, f"[{section.name}] has a line that is not 'key = value'")
    for key, number in parser.seen:
        if key in section.entries:
            first = section.entries[key].line
            document.problem(
                number,
                f"[{section.name}] {key} is set already in line {first}; delete one of the two",
            )
        elif key in texts and key:  # a line '= value' has been complained about above
            section.entries[key] = Entry(key, texts[key].strip(), number)

"""What the screen gets: aligned tables, sentences that fit its width, colour, safe text."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

from conman_core.errors import SystemFault

_GREEN, _YELLOW, _RED, _BOLD, _END = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[1m", "\x1b[0m"
_COLOURS: Mapping[str, str] = {
    **dict.fromkeys(("online", "uplink", "ok", "OK"), _GREEN),
    **dict.fromkeys(("limited", "portal", "connecting", "provisioning"), _YELLOW),
    **dict.fromkeys(("offline", "failed", "broken", "stuck"), _RED),
}
_NARROWEST = 20  #: columns that a sentence keeps, whatever stands before it


def clean(text: object) -> str:
    """Return text that cannot steer a terminal: control characters become escapes."""
    plain = str(text)
    if plain.isprintable():
        return plain
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in plain
    )


def columns(text: str) -> int:
    """Return how many columns of a terminal a clean text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(
        0 if category(char) in ("Mn", "Me") else 2 if east_asian_width(char) in "WF" else 1
        for char in text
    )


class Screen:
    """Standard output: a terminal has a width and may have colour, a pipe or file has neither."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str] = os.environ) -> None:
        self._stream = stream
        terminal = stream.isatty()
        plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
        self.colour = terminal and not plain
        self.width: int | None = _width(stream, environment) if terminal else None

    def line(self, text: str = "") -> None:
        try:
            print(text, file=self._stream, flush=True)
        except BrokenPipeError:
            raise
        except OSError as error:  # a full disk, say
            raise SystemFault(f"the output cannot be written: {error.strerror}") from None

    def heading(self, text: str) -> None:
        self.line(f"{_BOLD}{text}{_END}" if self.colour else text)

    def word(self, text: str) -> str:
        """Return a word in the colour of what it says, if it says something good or bad."""
        colour = _COLOURS.get(text)
        return f"{colour}{text}{_END}" if self.colour and colour else text

    def json(self, value: object, *, indent: int | None = 2) -> None:
        import json

        self.line(json.dumps(value, indent=indent, default=str))

    def sentence(self, text: object, *, indent: int = 0, first: str | None = None) -> None:
        """Print a sentence; on a terminal its words are wrapped below its first one.

        `first` takes the place of the first line's indent.
        """
        lead = " " * indent if first is None else first
        for part in self._wrapped(clean(text), indent):
            self.line((lead + part).rstrip())
            lead = " " * indent

    def pairs(self, rows: Iterable[tuple[object, object]], *, indent: int = 2) -> None:
        """Print names, each with its sentence beside it."""
        cells = [(clean(name), sentence) for name, sentence in rows]
        widest = max((columns(name) for name, _ in cells), default=0)
        for name, sentence in cells:
            first = " " * indent + _padded(name, widest) + "  "
            self.sentence(sentence, indent=indent + widest + 2, first=first)

    def table(
        self, header: Sequence[str], rows: Sequence[tuple[Sequence[object], Sequence[object]]]
    ) -> None:
        """Print rows of cells below a header, each row followed by sentences about it."""
        lines = [[clean(cell) for cell in cells] for cells, _ in rows]
        widths = widths_of([header, *lines])
        self.heading(_joined(header, widths))
        for cells, (_, sentences) in zip(lines, rows, strict=True):
            padded = [_padded(cell, width) for cell, width in zip(cells, widths, strict=True)]
            painted = [
                self.word(cell) + text[len(cell) :]
                for cell, text in zip(cells, padded, strict=True)
            ]
            self.line("  ".join(painted).rstrip())
            for sentence in sentences:
                self.sentence(sentence, indent=4)

    def _wrapped(self, text: str, indent: int) -> Iterable[str]:
        if self.width is None:
            yield text
            return
        room = max(self.width - indent, _NARROWEST)
        part = ""
        for word in text.split(" "):
            if part and columns(part) + 1 + columns(word) > room:
                yield part
                part = word
            else:
                part = f"{part} {word}" if part else word
        yield part


def widths_of(lines: Sequence[Sequence[str]]) -> list[int]:
    """Return the width of each column of a table."""
    return [max(map(columns, column)) for column in zip(*lines, strict=True)]


def _joined(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(map(_padded, cells, widths)).rstrip()


def _padded(cell: str, width: int) -> str:
    return cell + " " * (width - columns(cell))


def _width(stream: TextIO, environment: Mapping[str, str]) -> int:
    wished = environment.get("COLUMNS", "")
    if wished.isascii() and wished.isdigit() and int(wished[:6]) > 0:
        return int(wished[:6])
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80


def complain(sentence: str) -> None:
    """Say to standard error what went wrong, each sentence on a line of its own."""
    for line in sentence.split("\n"):
        print(f"conman: {clean(line)}", file=sys.stderr)

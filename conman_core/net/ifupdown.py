"""What ifupdown has brought up: its state file and its interfaces(5) files."""

from __future__ import annotations

import glob
import shlex
from collections.abc import Iterator
from pathlib import Path

_DEEPEST = 5  #: files that include files
_LARGEST = 1 << 18  #: bytes of one file


def configured_as(state: Path, interface: str) -> str | None:
    """Return the name of the configuration that `ifup` used for an interface; None: it is not up.

    The state file has a line `eth0=eth0`, or `eth0=home` where a mapping chose it.
    """
    for line in _lines(state):
        name, _, logical = line.partition("=")
        if name.strip() == interface:
            return logical.strip() or None
    return None


def configured_in(interfaces: Path, logical: str) -> list[Path]:
    """Return the interfaces(5) files that give a configuration its addresses.

    A configuration whose every method is `manual` is left to another program: it is in none.
    """
    found: list[Path] = []
    for file, words in _statements(interfaces, _DEEPEST):
        if words[:2] == ["iface", logical] and words[3:4] != ["manual"] and file not in found:
            found.append(file)
    return found


def _statements(path: Path, depth: int) -> Iterator[tuple[Path, list[str]]]:
    for line in _lines(path):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if words[0] in ("source", "source-directory") and depth:
            for included in _included(path.parent, words[0], line.split(None, 1)[-1]):
                yield from _statements(included, depth - 1)
        else:
            yield path, words


def _included(folder: Path, word: str, pattern: str) -> Iterator[Path]:
    """Expand the wildcards of an include; a relative one counts from the including file."""
    try:
        for part in shlex.split(pattern):
            place = str(folder / part)
            # Path.glob would descend into `**` without end, and fails on a plain dot
            for path in map(Path, sorted(glob.glob(place))):  # noqa: PTH207
                if word == "source-directory" and path.is_dir():
                    yield from sorted(path.iterdir())
                else:
                    yield path
    except (OSError, ValueError):  # not readable; an open quotation mark, or a NUL
        return


def _lines(path: Path) -> list[str]:
    """Return the lines of a file, those continued with a backslash joined; none if unreadable."""
    try:
        if not path.is_file():
            return []
        with path.open(errors="replace") as file:
            return file.read(_LARGEST).replace("\\\n", " ").splitlines()
    except OSError:
        return []

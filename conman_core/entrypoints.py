"""Reads the entry points of installed distributions afresh, with name and version of each.

One damaged distribution is skipped and named; `importlib.metadata.entry_points` would fail for all.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import logging
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint

log = logging.getLogger(__name__)

#: two threads in importlib.invalidate_caches at once: one deletes what the other wants to delete
_forgetting = threading.Lock()
_LONG = 100  #: characters of a name or version that need a closer look


@dataclass(frozen=True, slots=True)
class Installed:
    """An entry point, and name and version of the distribution that has it."""

    point: EntryPoint
    distribution: str
    version: str

    @property
    def origin(self) -> str:
        """The distribution, for sentences."""
        return f"{self.distribution} {self.version}".strip()


def name_and_version(metadata: str) -> tuple[str, str]:
    """Return the Name and Version fields of a METADATA or PKG-INFO text (PEP 566), or empty.

    By hand, because the parser of `email` would stay in memory for these two lines.
    """
    head = metadata.partition("\n\n")[0]
    fields = dict(re.findall(r"^(Name|Version):[ \t]*(\S.*?)[ \t\r]*$", head, re.MULTILINE))
    return fields.get("Name", ""), fields.get("Version", "")


def installed(group: str, damaged: Callable[[str], None] = log.warning) -> list[Installed]:
    """Return the entry points of a group, also of what was installed since the last call.

    Of two copies of one distribution on `sys.path` the first counts, as for imports. `damaged` is
    given a sentence about each distribution that cannot be read.
    """
    with _forgetting:
        importlib.invalidate_caches()
        # not done by the line above before Python 3.12, nor is it a class method there
        importlib.metadata.MetadataPathFinder().invalidate_caches()
    found: list[Installed] = []
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        try:
            entries = _entries(distribution, group)
        except Exception as error:  # noqa: BLE001 - any file of any package on the machine
            from conman_core.lane import describe

            where = getattr(distribution, "_path", "a distribution")
            damaged(f"{where} is damaged, what it adds to conman is not used: {describe(error)}")
            continue
        name = re.sub(r"[-_.]+", "-", entries[0].distribution).lower() if entries else ""
        if entries and name not in seen:
            seen.add(name)
            found += entries
    return found


def _entries(distribution: Distribution, group: str) -> list[Installed]:
    if group not in (distribution.read_text("entry_points.txt") or ""):
        return []
    metadata = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO") or ""
    name, version = name_and_version(metadata)
    label = _label(name) or "(a distribution without a name)"
    points = distribution.entry_points
    return [Installed(point, label, _label(version)) for point in points if point.group == group]


def _label(text: str) -> str:
    if text.isprintable() and len(text) < _LONG:
        return text
    from conman_core.lane import one_line  # brings asyncio, which the command line does without

    return one_line(text)

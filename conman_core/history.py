"""The events of the past on disk, one JSON object a line: what `conman log` shows.

Two files take turns, so that a small card never fills. A line is written as it happens, without
forcing it to the disk: a power cut may cost the last seconds, and the card lives longer. What
cannot be read of a line, torn by that power cut say, is passed over.
"""

from __future__ import annotations

import json
import logging
import os
import stat
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from conman_core.store import write_fault

log = logging.getLogger(__name__)

LARGEST = 256 << 10  #: bytes of one of the two files
_LONGEST = 8 << 10  #: bytes of a line; an event is a sentence and a few words


class History:
    """Writes events. A disk that cannot be written is said once, and stops nothing else."""

    def __init__(self, path: Path, largest: int = LARGEST) -> None:
        self._path = path
        self._largest = largest
        self._complained = False

    def add(self, event: Mapping[str, Any]) -> None:
        """Add an event; its values have a JSON form."""
        line = json.dumps(event, default=str).encode() + b"\n"
        if len(line) > _LONGEST:
            shortened = {"time": event.get("time"), "sentence": str(event.get("sentence"))[:1000]}
            line = json.dumps(shortened).encode() + b"\n"
        try:
            self._append(line)
        except OSError as error:
            if not self._complained:
                log.warning("%s; events are not kept", write_fault(self._path, error))
            self._complained = True
        else:
            self._complained = False

    def _append(self, line: bytes) -> None:
        # O_NONBLOCK: a FIFO in the file's place must not hang conman
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with os.fdopen(os.open(self._path, flags, 0o600), "ab", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
                line = b"\n" + line  # the last one was torn
            file.write(line)
        if size + len(line) > self._largest:
            self._path.replace(older(self._path))


def older(path: Path) -> Path:
    """Return the file that holds what was before."""
    return path.with_name(f"{path.stem}.1{path.suffix}")


def last(path: Path, most: int, wanted: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Return the latest events that are `wanted`, oldest first. Raises PermissionError."""
    found: deque[dict[str, Any]] = deque(maxlen=most)
    for file in (older(path), path):
        found.extend(event for event in _events(file) if wanted(event))
    return list(found)


def _events(path: Path) -> Iterator[dict[str, Any]]:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return
        for line in file.read(2 * LARGEST).splitlines():
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict) and isinstance(event.get("sentence"), str):
                yield event

"""The lines of a wpa_supplicant.conf, exactly as wpa_supplicant 2.10 takes them. Pure.

Read from `wpa_config_get_line` in src/utils/config.c: fixed buffers, C strings, and a rule of its
own for what is a comment. A line is cut at a NUL byte and at the buffer's end; one that begins
with a NUL byte swallows the line after it.
"""

from __future__ import annotations

from dataclasses import dataclass

_SKIP = 100  #: bytes, the buffer that takes the rest of a line that is too long
_BLANK = b" \t\r"
_TAIL = b"\n \t\r"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that says something. All offsets are into the file's bytes."""

    number: int  #: from 1, as editors count
    start: int
    end: int  #: after its line end, and after what it swallows
    at: int  #: where `text` starts
    text: bytes  #: without indentation, comment and trailing blanks; never empty


class Lines:
    """Walks over the lines of a file."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.position = 0
        self._number = 1
        self._counted = 0

    def next(self, size: int) -> Line | None:
        """Return the next line that says something, read with a buffer of `size`; None at the end.

        wpa_supplicant's buffers: 512 outside of blocks, 2000 in a network, else 256.
        """
        while self.position < len(self._data):
            start = self.position
            chunk = self._chunk(size)
            if not _whole(chunk, size):
                self._skip()
            at = len(chunk) - len(chunk.lstrip(_BLANK))
            if chunk[at : at + 1] not in {b"#", b"\n", b""}:
                text = _without_comment(chunk[at:])
                return Line(self._count(start), start, self.position, start + at, text)
        return None

    def _chunk(self, size: int) -> bytes:
        """Take what fgets(3) would and return the C string it makes."""
        start = self.position
        stop = self._data.find(b"\n", start, start + size - 1)
        self.position = stop + 1 if stop >= 0 else min(start + size - 1, len(self._data))
        return self._data[start : self.position].split(b"\0", 1)[0]

    def _skip(self) -> None:
        while self.position < len(self._data) and not _whole(self._chunk(_SKIP), _SKIP):
            pass

    def _count(self, start: int) -> int:
        self._number += self._data.count(b"\n", self._counted, start)
        self._counted = start
        return self._number


def _whole(chunk: bytes, size: int) -> bool:
    return bool(chunk) and not (len(chunk) == size - 1 and not chunk.endswith(b"\n"))


def _without_comment(text: bytes) -> bytes:
    """Cut a comment off; `#` counts unless it is between two quotes, paired from the left."""
    end = text.find(b"#")
    looked = 0
    while end >= 0:
        opened = text.find(b'"', looked)
        if opened < 0 or opened > end:
            break
        closed = text.find(b'"', opened + 1)
        if closed < 0:
            break
        looked = closed + 1
        if looked > end:
            end = text.find(b"#", looked)
    kept = text if end < 0 else text[:end]
    # one character is always left
    return kept[:1] + kept[1:].rstrip(_TAIL)

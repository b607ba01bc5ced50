"""The blocks of a wpa_supplicant.conf: where each starts and ends, and its variables. Pure.

As `wpa_config_read` of wpa_supplicant 2.10 (config_file.c) with one difference: that refuses the
whole file for one fault. Here a block that is never closed ends where the next one starts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from conman_plugins.wifi.wpalines import Line, Lines

BOM = b"\xef\xbb\xbf"
_BLOB = b"blob-base64-"
_NETWORK_LINE, _OTHER_LINE, _GLOBAL_LINE = 2000, 256, 512  #: bytes, wpa_supplicant's buffers
_NEARLY = re.compile(rb"\s*(?:network|cred)\s*=?\s*\{.*|network\s*=?", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """A `name=value` line. Offsets are into the file's bytes."""

    line: int
    start: int
    end: int
    at: int  #: where the name starts
    name: bytes
    value: bytes = field(repr=False)

    @property
    def value_at(self) -> int:
        """Where the value starts."""
        return self.at + len(self.name) + 1


@dataclass(slots=True)
class Block:
    """A block from its opening line to its closing one."""

    kind: str  #: `network`, `cred`, `blob`
    name: bytes  #: of a blob
    line: int
    start: int
    end: int = 0
    closing: int = -1  #: where the closing line starts; -1 if there is none
    entries: list[Entry] = field(default_factory=list)
    strays: list[tuple[int, bytes]] = field(default_factory=list, repr=False)
    """(number, text) of lines that have no `=`; all lines of a blob."""


@dataclass(slots=True)
class Blocks:
    """What a file consists of."""

    blocks: list[Block] = field(default_factory=list)
    globals: list[Entry] = field(default_factory=list)
    strays: list[int] = field(default_factory=list)  #: numbers of lines that are nothing
    openings: list[int] = field(default_factory=list)  #: of lines that nearly open a block


def split(data: bytes) -> Blocks:
    """Find the blocks and the lines outside of blocks. Takes any bytes."""
    found = Blocks()
    lines = Lines(data)
    if data.startswith(BOM):  # wpa_supplicant itself takes it for a part of the first word
        lines.position = len(BOM)
    lost = False  # after a line that nearly opens a block
    while line := lines.next(_GLOBAL_LINE):
        opened = _opened(line)
        if opened:
            lost = False
            found.blocks.append(opened)
            _read_block(lines, opened)
        elif _NEARLY.fullmatch(line.text):
            lost = not line.text.endswith(b"}")
            found.openings.append(line.number)
        elif lost:
            lost = line.text != b"}"
        elif b"=" in line.text:
            found.globals.append(_entry(line))
        else:
            found.strays.append(line.number)
    return found


def _opened(line: Line) -> Block | None:
    if line.text in {b"network={", b"cred={"}:
        return Block(line.text[:-2].decode(), b"", line.number, line.start)
    if line.text.startswith(_BLOB) and b"=" in line.text:
        name = line.text[len(_BLOB) :].partition(b"=")[0]
        return Block("blob", name, line.number, line.start)
    return None


def _read_block(lines: Lines, block: Block) -> None:
    size = _NETWORK_LINE if block.kind == "network" else _OTHER_LINE
    block.end = lines.position
    before = lines.position
    while line := lines.next(size):
        if line.text == b"}":
            block.closing, block.end = line.start, line.end
            return
        if _opened(line):
            lines.position = before
            return
        if block.kind != "blob" and b"=" in line.text:
            block.entries.append(_entry(line))
        else:
            block.strays.append((line.number, line.text))
        before = block.end = lines.position


def _entry(line: Line) -> Entry:
    name, _, value = line.text.partition(b"=")
    return Entry(line.number, line.start, line.end, line.at, name, value)

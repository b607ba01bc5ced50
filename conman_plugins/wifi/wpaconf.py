"""The text of wpa_supplicant.conf: which networks it knows, and how to add and forget one. Pure.

Only blocks of their own are ever changed: every other byte stays. One bad block does not spoil
the others, as it does in wpa_supplicant itself. Where this reader takes more than that does: a
byte order mark at the start; blocks after one that is never closed; variables of later releases.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field

from conman_plugins.wifi import wpaedit
from conman_plugins.wifi.network import Network
from conman_plugins.wifi.wpablock import BOM, Block, Blocks, split
from conman_plugins.wifi.wpafault import Problem
from conman_plugins.wifi.wpanetwork import interpret
from conman_plugins.wifi.wpavalue import shown

__all__ = ["KnownNetworks", "Problem", "read"]

_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")


@dataclass(frozen=True, slots=True)
class KnownNetworks:
    """What one version of the file says."""

    data: bytes = field(default=b"", repr=False)
    networks: tuple[Network, ...] = ()  #: in the order of the file
    problems: tuple[Problem, ...] = ()  #: by line
    country: str | None = None  #: two capitals, as in ISO 3166
    globals: tuple[tuple[str, str, int], ...] = field(default=(), repr=False)  #: name, value, line
    blobs: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)
    """Certificates and the like that blocks refer to as `blob://name`."""

    def with_network(self, network: Network) -> bytes:
        """Return the file with this network: in the block that has its SSID, else in a new one.

        A block's other variables, comments and layout stay. When its key changes, variables that
        tie it to the access point of before (`bssid`, `proto`, ...) become comments; its priority
        and `scan_ssid=1` stay. Raises ValueError for what cannot be written to such a file.
        """
        return wpaedit.with_network(self.data, network)

    def without(self, ssid: bytes) -> bytes:
        """Return the file without the networks of this SSID; the same bytes if there is none."""
        return wpaedit.without(self.data, ssid)


def read(data: bytes) -> KnownNetworks:
    """Read a file. Takes any bytes."""
    parts = split(data)
    found = [interpret(block) for block in parts.blocks if block.kind == "network"]
    problems = [each for each in found if isinstance(each, Problem)]
    problems += _damage(data) + _line_problems(parts)
    blobs = []
    for block in parts.blocks:
        content = _blob(block) if block.kind == "blob" else b""
        if content is None:
            problems.append(Problem(block.line, "this blob is not base64 that ends with a } line"))
        elif block.kind == "blob":
            blobs.append((shown(block.name), content))
    country, fault = _country(parts)
    problems += fault
    return KnownNetworks(
        data,
        tuple(each for each in found if isinstance(each, Network)),
        tuple(sorted(problems, key=lambda problem: problem.line)),
        country,
        tuple((shown(entry.name), shown(entry.value), entry.line) for entry in parts.globals),
        tuple(blobs),
    )


def _line_problems(parts: Blocks) -> list[Problem]:
    opening = "a block must start with network={ alone on its line; what follows is skipped"
    stray = "this line is neither variable=value nor does it open a block"
    return [
        *(Problem(line, opening) for line in parts.openings),
        *(Problem(line, stray) for line in parts.strays),
    ]


def _damage(data: bytes) -> list[Problem]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        sentence = "the file is in UTF-16, which cannot be read: save it as UTF-8"
        return [Problem(1, sentence)]
    if data.startswith(BOM):
        sentence = "the file starts with a byte order mark, for which wpa_supplicant refuses it"
        return [Problem(1, f"{sentence}: save it without")]
    at = data.find(b"\0")
    if at >= 0:
        line = data.count(b"\n", 0, at) + 1
        sentence = "there are zero bytes here, as after a power cut: lines may be missing"
        return [Problem(line, sentence)]
    return []


def _blob(block: Block) -> bytes | None:
    """Return what a blob holds; None if wpa_supplicant could not decode it."""
    digits = _NO_BASE64.sub(b"", b"".join(line for _, line in block.strays))
    if block.closing < 0 or not digits:
        return None
    padded = digits + b"=" * (-len(digits) % 4)
    first_end = padded.find(b"=")
    stop = len(padded) if first_end < 0 else first_end + -first_end % 4
    try:
        return base64.b64decode(padded[:stop], validate=True)
    except binascii.Error:
        return None


def _country(parts: Blocks) -> tuple[str | None, list[Problem]]:
    country, problems = None, []
    for entry in parts.globals:
        if entry.name == b"country":
            if re.match(rb"[A-Za-z0-9]{2}", entry.value):
                country = entry.value[:2].decode().upper()
            else:
                sentence = "country must be two letters without quotes, such as country=GB"
                problems.append(Problem(entry.line, sentence))
    return country, problems

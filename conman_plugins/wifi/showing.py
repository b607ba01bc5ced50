"""`conman wifi scan` and `list`: what is in sight, and what is known."""

from __future__ import annotations

import asyncio
import sys
from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from conman_core.errors import ConmanError
from conman_plugins.wifi.desk import Desk, in_use
from conman_plugins.wifi.looking import cells as heard
from conman_plugins.wifi.looking import scan as look_around
from conman_plugins.wifi.scan import Cell, strongest_by_ssid
from conman_plugins.wifi.supplicant import Supplicant

if TYPE_CHECKING:
    from conman_core.cli.tables import Screen

_BARS = ("    ", "▂   ", "▂▄  ", "▂▄▆ ", "▂▄▆█")
_PLAIN_BARS = ("    ", "*   ", "**  ", "*** ", "****")


def scan(arguments: Namespace, screen: Screen) -> int:
    """Look around with every radio and show what is in sight, the strongest first."""
    desk = Desk(arguments.config)
    cells, used = asyncio.run(_look(desk))
    known = {network.ssid for network in desk.known.load().networks}
    rows = [_row(cell, known, used) for cell in strongest_by_ssid(cells)]
    hidden = sum(not cell.ssid for cell in cells)
    if arguments.json:
        screen.json({"networks": rows, "hidden": hidden})
        return 0
    if not rows:
        screen.line("no network is in sight")
    else:
        bars = _BARS if _draws(sys.stdout) else _PLAIN_BARS
        header = ("NETWORK", "SIGNAL", "", "BAND", "CHANNEL", "SECURITY", "KNOWN")
        screen.table(header, [(_cells(row, bars), ()) for row in rows])
    if hidden:
        count = "1 network hides its name" if hidden == 1 else f"{hidden} networks hide their names"
        screen.line(f"{count}; add one with: sudo conman wifi add --hidden NAME")
    if rows and not any(row["known"] for row in rows):
        screen.line("none of them is known; add one with: sudo conman wifi add NAME")
    return 0


def known(arguments: Namespace, screen: Screen) -> int:
    """Show the list of known networks and what is wrong with it."""
    desk = Desk(arguments.config)
    found = desk.known.load()
    used = asyncio.run(_used(desk))
    rows = [
        {
            "ssid": network.name,
            "ssid_hex": network.ssid.hex(),
            "security": _kind(network),
            "hidden": network.hidden,
            "priority": network.priority,
            "disabled": network.disabled,
            "in_use": network.ssid in used,
            "line": network.line,
        }
        for network in found.networks
    ]
    problems = [{"line": each.line, "sentence": each.sentence} for each in found.problems]
    if arguments.json:
        screen.json({"path": str(desk.known.path), "networks": rows, "problems": problems})
        return 0
    if rows:
        header = ("NETWORK", "SECURITY", "PRIORITY", "LINE", "")
        screen.table(header, [(_known_cells(row), ()) for row in rows])
    else:
        screen.line(f"no network is known in {desk.known.path}")
        screen.line("add one with: sudo conman wifi add NAME; see: sudo conman wifi scan")
    for problem in problems:
        screen.sentence(f"{desk.known.path} line {problem['line']}: {problem['sentence']}")
    return 0


def seen_names() -> list[tuple[str, str]]:
    """Return the names that the daemon's radios saw lately, for completion."""
    desk = Desk(None)

    async def seen() -> list[Cell]:
        cells: list[Cell] = []
        for interface in desk.interfaces():
            if supplicant := await desk.daemons(interface):
                cells += await heard(supplicant, 60.0)
                await supplicant.let_go()
        return cells

    cells = strongest_by_ssid(asyncio.run(seen()))
    return [(cell.name, f"{cell.signal} dBm") for cell in cells]


async def _look(desk: Desk) -> tuple[list[Cell], set[bytes]]:
    """Scan with all radios at once; return what is in sight and the SSIDs in use."""
    interfaces = desk.interfaces()
    if not interfaces:
        raise ConmanError("there is no WiFi radio; see: conman probe")
    progress = _Progress(interfaces)
    found = await asyncio.gather(
        *(_look_with(desk, each, progress) for each in interfaces), return_exceptions=True
    )
    progress.end()
    cells: list[Cell] = []
    used: set[bytes] = set()
    errors = [each for each in found if isinstance(each, BaseException)]
    for each in found:
        if isinstance(each, tuple):
            cells += each[0]
            used |= each[1]
    if errors and len(errors) == len(found):
        raise errors[0]
    for error in errors:
        print(f"conman: {error}", file=sys.stderr)
    return cells, used


async def _look_with(
    desk: Desk, interface: str, progress: _Progress
) -> tuple[list[Cell], set[bytes]]:
    async with desk.supplicant(interface) as supplicant:
        counting = asyncio.create_task(_count(supplicant, progress))
        try:
            return await look_around(supplicant), await in_use(supplicant)
        finally:
            counting.cancel()


async def _count(supplicant: Supplicant, progress: _Progress) -> None:
    with supplicant.listen() as events:
        while await events.get() is not None:
            progress.found(len({cell.ssid for cell in await heard(supplicant, 30.0) if cell.ssid}))


async def _used(desk: Desk) -> set[bytes]:
    used: set[bytes] = set()
    for interface in desk.interfaces():
        if supplicant := await desk.daemons(interface):
            used |= await in_use(supplicant)
            await supplicant.let_go()
    return used


class _Progress:
    """One line on the terminal while the radios look around; nothing in a pipe."""

    def __init__(self, interfaces: Sequence[str]) -> None:
        self._shown = sys.stderr.isatty()
        self._what = f"looking around with {', '.join(interfaces)} ..."
        self._say("")

    def found(self, count: int) -> None:
        self._say(f" {count} in sight")

    def end(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _say(self, more: str) -> None:
        if self._shown:
            print(f"\r\x1b[K{self._what}{more}", end="", file=sys.stderr, flush=True)


def _row(cell: Cell, known: Iterable[bytes], used: Iterable[bytes]) -> dict[str, Any]:
    return {
        "ssid": cell.name,
        "ssid_hex": cell.ssid.hex(),
        "bssid": cell.bssid,
        "signal": cell.signal,
        "bars": cell.bars,
        "frequency": cell.frequency,
        "channel": cell.channel,
        "band": cell.band,
        "security": cell.security,
        "known": cell.ssid in known,
        "in_use": cell.ssid in used,
    }


def _cells(row: dict[str, Any], bars: Sequence[str]) -> list[str]:
    known = "in use" if row["in_use"] else "known" if row["known"] else ""
    signal = f"{row['signal']} dBm"
    return [
        *(row["ssid"], bars[row["bars"]], signal),
        *(row["band"], str(row["channel"]), row["security"], known),
    ]


def _known_cells(row: dict[str, Any]) -> list[str]:
    notes = [
        word
        for word, holds in (
            ("in use", row["in_use"]),
            ("hidden", row["hidden"]),
            ("disabled", row["disabled"]),
        )
        if holds
    ]
    line = str(row["line"] or "")
    return [row["ssid"], row["security"], str(row["priority"]), line, ", ".join(notes)]


def _kind(network: Any) -> str:
    if network.raw is not None:
        return "as written"
    return "open" if network.key is None else "key"


def _draws(stream: Any) -> bool:
    """Tell whether the terminal can show block characters."""
    return stream.isatty() and (stream.encoding or "").lower().startswith("utf")

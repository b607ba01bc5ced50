"""`conman status` and `conman explain`: what the daemon says, made readable.

The daemon may be of another version, so every key may be missing or of another type.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from typing import Any

from conman_core.cli import FINE, NOT_ONLINE
from conman_core.cli.tables import Screen, clean, columns, widths_of
from conman_core.cli.times import age, amount, clock
from conman_core.client import request
from conman_core.paths import Paths

_WIDEST_ADDRESS = 18  #: 192.168.100.200/24; longer ones stand below the row


def status(arguments: Namespace, screen: Screen) -> int:
    """Print the status; 0 if the machine is online."""
    report = request(Paths.from_environment(), "status", details=True)
    if arguments.json:
        screen.json(report)
    else:
        print_status(report, screen)
    return FINE if report.get("state") == "online" else NOT_ONLINE


def explain(arguments: Namespace, screen: Screen) -> int:
    """Print why each link has the role that it has, and what happened lately."""
    report = request(Paths.from_environment(), "explain")
    if arguments.json:
        screen.json(report)
    else:
        print_explained(report, screen)
    return FINE


def print_explained(report: dict[str, Any], screen: Screen) -> None:
    """Print the answer to `explain`."""
    screen.sentence(report.get("sentence") or "There is no uplink.")
    links = records(report, "links")
    if links:
        screen.line()
        screen.pairs((link.get("name", "?"), link.get("sentence") or "-") for link in links)
    recent = records(report, "recent")
    if recent:
        screen.line()
        screen.heading("Recently")
        screen.pairs((clock(event.get("time")), event.get("sentence") or "-") for event in recent)
    if report.get("config"):
        screen.line()
        print_settings(report, screen)


def headline(report: dict[str, Any], screen: Screen) -> str:
    """Return state, uplink and since when, in one line."""
    state = clean(report.get("state") or "unknown")
    through = f" through {clean(report['uplink'])}" if report.get("uplink") else ""
    lasting = age(report.get("since"))
    return screen.word(state) + through + (f" for {lasting}" if lasting else "")


def records(report: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """Return a list of objects out of a report; what is not an object is left out."""
    found = report.get(key)
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def print_drivers(report: dict[str, Any], screen: Screen) -> None:
    """Print the drivers that do not work and why, nothing if all do that are to be used."""
    fine = ("ok", "unused")
    bad = [driver for driver in records(report, "drivers") if driver.get("state") not in fine]
    if bad:
        screen.line()
        screen.heading("Drivers that need attention")
        screen.pairs((driver.get("name", "?"), _driver_sentence(driver)) for driver in bad)


def _driver_sentence(driver: dict[str, Any]) -> str:
    source = " ".join(str(driver[key]) for key in ("distribution", "version") if driver.get(key))
    parts = (driver.get("state"), source and f"({source})", driver.get("sentence"))
    return " ".join(str(part) for part in parts if part)


def print_status(report: dict[str, Any], screen: Screen) -> None:
    """Print the answer to `status`."""
    screen.line(headline(report, screen))
    if report.get("state") != "online":
        screen.line("the reasons: conman explain")
    asking = report.get("provisioning")
    if isinstance(asking, dict):
        screen.sentence(_access_point(asking), indent=4, first="")
    _print_links(records(report, "links"), screen)
    print_drivers(report, screen)
    screen.line()
    print_settings(report, screen)


def print_settings(
    report: dict[str, Any], screen: Screen, if_wrong: str = " (the last good settings hold)"
) -> None:
    """Print which settings file was used, what is wrong with it, and the notes of a report."""
    config = report.get("config")
    config = config if isinstance(config, dict) else {}
    path = config.get("path") or "built-in defaults"
    screen.sentence(f"settings: {path}", indent=10, first="")
    if config.get("problem"):
        screen.sentence(f"{config['problem']}{if_wrong}", indent=10)
    for note in _texts(report.get("notes")):
        screen.sentence(f"note: {note}", indent=6, first="")


def _access_point(asking: dict[str, Any]) -> str:
    """Return what a person finds who is to enter settings."""
    clients = asking.get("clients")
    there = f"; phones there: {clients}" if clients else ""
    return (
        f"settings are asked for: join {asking.get('ssid')}, then http://{asking.get('address')}/"
        f"{there}; its key: sudo conman provision status"
    )


def _print_links(links: list[dict[str, Any]], screen: Screen) -> None:
    screen.line()
    if not links:
        screen.line("no links; what could be used: conman probe")
        return
    header = ["LINK", "ROLE", "STATE", "VERDICT", "RX", "TX", "ADDRESS", "GATEWAY"]
    cells = [_cells(link) for link in links]
    wide = sum(widths_of([header, *cells])) + 2 * (len(header) - 1)
    gateway_below = screen.width is not None and wide > screen.width
    if gateway_below:
        header, cells = header[:-1], [row[:-1] for row in cells]
    details = [list(_details(link, gateway_below=gateway_below)) for link in links]
    screen.table(header, list(zip(cells, details, strict=True)))


def _cells(link: dict[str, Any]) -> list[str]:
    role = link.get("role")
    first = next(iter(_texts(link.get("addresses"))), "-")
    cells = (
        link.get("name", "?"),
        role if role in ("uplink", "standby") else "-",
        link.get("state") or "-",
        link.get("verdict") or "-",
        amount(link.get("rx_bytes")),
        amount(link.get("tx_bytes")),
        first if columns(clean(first)) <= _WIDEST_ADDRESS else "(below)",
        ", ".join(_texts(link.get("gateway"))) or "-",
    )
    return [clean(cell) for cell in cells]


def _details(link: dict[str, Any], *, gateway_below: bool) -> Iterator[str]:
    if link.get("sentence"):
        yield str(link["sentence"])
    recovery = link.get("recovery")
    if isinstance(recovery, dict) and recovery.get("sentence"):
        yield f"repair: {recovery['sentence']}"
    addresses = _texts(link.get("addresses"))
    below = [
        address
        for number, address in enumerate(addresses)
        if number or columns(address) > _WIDEST_ADDRESS
    ]
    gateways = _texts(link.get("gateway")) if gateway_below else []
    used = link.get("usage")
    facts = [
        "metered" if link.get("metered") else "",
        str(used.get("sentence") or "") if isinstance(used, dict) else "",
        f"address {', '.join(below)}" if below else "",
        f"gateway {', '.join(gateways)}" if gateways else "",
        f"dns {', '.join(_texts(link.get('dns')))}" if link.get("dns") else "",
    ]
    if any(facts):
        yield "; ".join(fact for fact in facts if fact)
    if told := told_by_driver(link):
        yield "; ".join(told)


def told_by_driver(link: dict[str, Any]) -> list[str]:
    """Return what a link's driver tells of it: signal, speed, operator."""
    details = link.get("details")
    facts = details.items() if isinstance(details, dict) else ()
    return [f"{name}: {value}" for name, value in facts]


def _texts(value: Any) -> list[str]:
    """Return one text or several as a list."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [clean(item) for item in value if item]
    return [clean(value)] if value else []

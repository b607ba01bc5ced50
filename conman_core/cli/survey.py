"""`conman probe` and `conman drivers`: what is there, found without a daemon."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from conman_core.cli import FAILED, FINE
from conman_core.cli.status import print_drivers, records
from conman_core.cli.tables import Screen


def probe(arguments: Namespace, screen: Screen) -> int:
    """Print the links that could be used; 1 if a driver is broken."""
    import asyncio

    from conman_core.inspect import probe_report

    report: dict[str, Any] = asyncio.run(probe_report(arguments.config, arguments.deep))
    if arguments.json:
        screen.json(report)
        return _code(report)
    links = records(report, "links")
    if links:
        header = ("LINK", "INTERFACE", "STATE", "METERED")
        screen.table(header, [(_cells(link), _details(link)) for link in links])
    else:
        screen.line("no link could be used now")
    print_drivers(report, screen)
    return _code(report)


def drivers(arguments: Namespace, screen: Screen) -> int:
    """Print the drivers, on demand with their settings; 1 if one is broken."""
    import asyncio

    from conman_core.inspect import drivers_report

    report: dict[str, Any] = asyncio.run(drivers_report(arguments.config))
    found = records(report, "drivers")
    if arguments.json:
        screen.json(report)
    elif arguments.help_options:
        _print_core_options(screen)
        for driver in found:
            _print_options(f"conman:{driver.get('name')}", records(driver, "options"), screen)
    elif found:
        header = ("DRIVER", "STATE", "DISTRIBUTION", "VERSION", "API")
        screen.table(header, [(_driver_cells(driver), _sentences(driver)) for driver in found])
    else:
        screen.line("no drivers are installed; without one conman has no links")
    return _code(report)


def _code(report: dict[str, Any]) -> int:
    states = [str(driver.get("state")) for driver in records(report, "drivers")]
    return FAILED if {"broken", "stuck"}.intersection(states) else FINE


def _cells(link: dict[str, Any]) -> list[Any]:
    metered = "yes" if link.get("metered") else "no"
    return [link.get("name", "?"), link.get("interface") or "-", link.get("state") or "-", metered]


def _details(link: dict[str, Any]) -> list[str]:
    details = link.get("details")
    facts = details.items() if isinstance(details, dict) else ()
    return [*_sentences(link), *(f"{name}: {value}" for name, value in facts)]


def _driver_cells(driver: dict[str, Any]) -> list[Any]:
    keys = ("name", "state", "distribution", "version", "api_version")
    return [driver.get(key) or "-" for key in keys]


def _sentences(record: dict[str, Any]) -> list[str]:
    return [str(record["sentence"])] if record.get("sentence") else []


def _print_core_options(screen: Screen) -> None:
    from conman_core.settings import OPTIONS, limits

    described = [
        {
            "name": option.name,
            "kind": ", ".join(filter(None, (option.kind.value, limits(option.name)))),
            "default": option.default,
            "help": option.help,
            "choices": option.choices,
        }
        for option in OPTIONS
    ]
    _print_options("conman", described, screen)


def _print_options(section: str, options: Iterable[dict[str, Any]], screen: Screen) -> None:
    screen.heading(f"[{section}]")
    for option in options:
        default = option.get("default")
        screen.sentence(f"{option.get('name')} = {default}" if default else option.get("name"))
        screen.sentence(option.get("help") or "", indent=4)
        choices = option.get("choices")
        allowed = ", ".join(map(str, choices)) if choices else option.get("kind")
        screen.sentence(f"allowed: {allowed}", indent=4)
    screen.line()

"""`conman probe` and `conman drivers`: what is there, found with or without a daemon."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterable
from typing import Any

from conman_core.cli import FAILED, FINE
from conman_core.cli.status import print_drivers, print_settings, records, told_by_driver
from conman_core.cli.tables import Screen

_WRONG = {"broken", "stuck", "wrong_version", "duplicate", "not_installed"}


def probe(arguments: Namespace, screen: Screen) -> int:
    """Print the links that could be used; 1 if a driver cannot be."""
    import asyncio

    from conman_core.cli.quiet import quietly
    from conman_core.inspect import probe_report

    report: dict[str, Any]
    with quietly(arguments.log_level):
        report = asyncio.run(probe_report(arguments.config, arguments.deep))
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
    screen.line()
    print_settings(report, screen)
    return _code(report)


def drivers(arguments: Namespace, screen: Screen) -> int:
    """Print drivers and plugins, on demand with their settings; 1 if one cannot be used."""
    import asyncio

    from conman_core.cli.quiet import quietly
    from conman_core.inspect import drivers_report

    report: dict[str, Any]
    with quietly(arguments.log_level):
        report = asyncio.run(drivers_report(arguments.config))
    if arguments.json:
        screen.json(report)
    elif arguments.help_options:
        _print_core_options(screen)
        for one in _all(report):
            _print_options(f"conman:{one.get('name')}", records(one, "options"), screen)
    else:
        _print_tables(report, screen)
        screen.line()
        print_settings(report, screen, if_wrong="")
    return _code(report)


def _print_tables(report: dict[str, Any], screen: Screen) -> None:
    found, plugins = records(report, "drivers"), records(report, "plugins")
    if found:
        header = ["DRIVER", "STATE", "DISTRIBUTION", "VERSION", "API"]
        keys = ["name", "state", "distribution", "version", "api_version"]
        screen.table(header, [(_values(one, keys), _sentences(one)) for one in found])
    else:
        screen.line("no drivers are installed; without one conman has no links")
    if plugins:
        screen.line()
        header, keys = ["PLUGIN", *header[1:-1]], keys[:-1]
        screen.table(header, [(_values(one, keys), _sentences(one)) for one in plugins])


def _all(report: dict[str, Any]) -> list[dict[str, Any]]:
    return records(report, "drivers") + records(report, "plugins")


def _code(report: dict[str, Any]) -> int:
    return FAILED if any(one.get("state") in _WRONG for one in _all(report)) else FINE


def _cells(link: dict[str, Any]) -> list[Any]:
    metered = "yes" if link.get("metered") else "no"
    return [link.get("name", "?"), link.get("interface") or "-", link.get("state") or "-", metered]


def _details(link: dict[str, Any]) -> list[str]:
    return [*_sentences(link), *told_by_driver(link)]


def _values(record: dict[str, Any], keys: Iterable[str]) -> list[Any]:
    return [record.get(key) or "-" for key in keys]


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

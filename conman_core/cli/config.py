"""`conman config show` and `conman config check`."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from conman_core.cli import FAILED, FINE
from conman_core.cli.tables import Screen, complain
from conman_core.config import DEFAULT_FILE, Config, ConfigProblems, load, locate, missing_drivers
from conman_core.errors import ConfigError


def show(arguments: Namespace, screen: Screen) -> int:
    """Print every setting that holds, with the line that it comes from."""
    from conman_core.cli.quiet import quietly
    from conman_core.inspect import known_options, known_plugins

    with quietly():
        known, plugins = known_options(arguments.config), known_plugins(arguments.config)
        config = load(locate(arguments.config), known, plugins)
    if arguments.json:
        screen.json(
            {
                "path": config.path,
                "warnings": config.warnings,
                "settings": [
                    {"section": entry.section, "key": entry.key, "value": entry.text,
                     "line": entry.line}
                    for entry in config.shown
                ],
            }
        )  # fmt: skip
        return FINE
    screen.sentence(f"settings: {_source(config)}")
    for section, entries in groupby(config.shown, lambda entry: entry.section):
        screen.line()
        screen.heading(f"[{section}]")
        screen.pairs(
            (
                entry.key,
                f"{entry.text.replace(chr(10), ', ') or '(not set)'}  "
                f"({f'line {entry.line}' if entry.line else 'default'})",
            )
            for entry in entries
        )
    for warning in config.warnings:
        screen.sentence(f"note: {warning}")
    return FINE


def check(arguments: Namespace, screen: Screen) -> int:
    """Print OK, or every problem; 1 if there is one."""
    from conman_core.cli.quiet import quietly

    path = locate(arguments.config)
    with quietly():
        problems, warnings = _judged(path, arguments.config)
    if arguments.json:
        screen.json({"ok": not problems, "path": path, "problems": problems, "warnings": warnings})
        return FAILED if problems else FINE
    for warning in warnings:
        screen.sentence(f"note: {warning}")
    for problem in problems:
        complain(problem)
    if not problems:
        screen.sentence(f"OK: {path or f'built-in defaults, there is no {DEFAULT_FILE}'}")
    return FAILED if problems else FINE


def _judged(path: Path | None, given: Path | None) -> tuple[Sequence[str], Sequence[str]]:
    """Return the problems of a settings file, and what is to be said about it else."""
    from conman_core.inspect import known_options, known_plugins

    known, plugins = known_options(given), known_plugins(given)
    try:
        config = load(path, known, plugins)
    except ConfigProblems as error:
        return error.problems, ()
    except ConfigError as error:
        return (str(error),), ()
    return missing_drivers(config, known), config.warnings


def _source(config: Config) -> str:
    return str(config.path) if config.path else f"built-in defaults, there is no {DEFAULT_FILE}"

"""What `conman probe`, `drivers` and `config` find out without a daemon. Changes nothing.

Where a daemon runs, `probe` and `drivers` take its settings file if nobody named another, and
`drivers` what it knows: a driver may be fine to look at, and broken or stuck at work.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conman_core import config as configuration
from conman_core.children import Children
from conman_core.client import request
from conman_core.context import Claims, Context
from conman_core.drivers import Drivers
from conman_core.errors import ConfigError, ConmanError, NotRunning
from conman_core.events import Announcer
from conman_core.facts import facts_of
from conman_core.found import Found, LoadState
from conman_core.model import Link
from conman_core.offers import settle
from conman_core.options import Option
from conman_core.paths import Paths
from conman_core.plugin import PluginContext
from conman_core.plugins import Plugins
from conman_core.settings import default_settings, section_options
from conman_core.values import Known

_ALONE = "no conman runs to be asked: ok says only that it can be loaded"


def known_options(config_path: Path | None) -> Known:
    """Return what every driver that the settings name declares."""
    return asyncio.run(_load(config_path)).known()


def known_plugins(config_path: Path | None) -> Known:
    """Return what every plugin that is not disabled declares."""
    return asyncio.run(_plugins(config_path)).known()


async def _plugins(config_path: Path | None) -> Plugins:
    plugins = Plugins(Announcer(), _NoHost())
    await plugins.find(configuration.disabled(configuration.locate(config_path)), patience=None)
    return plugins


class _NoHost:
    """Plugins are looked at here, not made."""

    def context(self, found: Found, settings: Mapping[str, Any]) -> PluginContext:
        raise NotImplementedError

    async def gone(self, name: str) -> None:
        raise NotImplementedError

    def renewed(self, name: str) -> None:
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class _Sources:
    """The settings file to use, and what a daemon with that file says, if there is one."""

    path: Path | None
    daemon: dict[str, Any] | None = None
    note: str = ""


async def _sources(given: Path | None) -> _Sources:
    path = configuration.locate(given)
    try:
        daemon = await asyncio.to_thread(request, Paths.from_environment(), "drivers")
        theirs = Path(daemon["config"]["path"]) if daemon["config"]["path"] else None
    except NotRunning:
        return _Sources(path, note=_ALONE)
    except ConmanError as error:
        return _Sources(path, note=f"conman could not be asked: {error}")
    except (LookupError, TypeError):
        return _Sources(path, note="conman could not be asked: it runs with another version")
    named = given or os.environ.get("CONMAN_CONFIG")
    if theirs == path or (theirs and not named):
        return _Sources(theirs, daemon)
    return _Sources(path, note=f"the running conman has other settings: {theirs or 'defaults'}")


async def drivers_report(config_path: Path | None) -> dict[str, Any]:
    """Return every driver and plugin with its state and its options."""
    sources = await _sources(config_path)
    drivers, plugins = await asyncio.gather(_load(sources.path), _plugins(sources.path))
    settings, problem = default_settings(), None
    try:
        settings = configuration.load(sources.path, drivers.known(), plugins.known()).settings
    except ConfigError as error:
        problem = str(error)
    rows = _known_to(sources.daemon, "drivers", drivers.report(settings))
    for row in rows:
        found = drivers.found[row["name"]]
        loaded = found.state is LoadState.LOADED
        row["options"] = _options(section_options(found.declared.options)) if loaded else []
    return {
        "drivers": rows,
        "plugins": [
            {**row, "options": _options(plugins.options(row["name"]))}
            for row in _known_to(sources.daemon, "plugins", plugins.report())
        ],
        "config": {"path": sources.path, "problem": problem},
        "running": sources.daemon is not None,
        "notes": [sources.note] if sources.note else [],
    }


def _known_to(
    daemon: dict[str, Any] | None, key: str, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows, each as a daemon has it if it has it."""
    theirs = daemon.get(key) if daemon else None
    there = theirs if isinstance(theirs, list) else ()
    told = {row["name"]: row for row in there if isinstance(row, dict) and "name" in row}
    return [told.get(row["name"], row) for row in rows]


def _options(options: Iterable[Option]) -> list[dict[str, Any]]:
    return [
        {
            "name": option.name,
            "kind": option.kind.value,
            "default": option.default,
            "help": option.help,
            "choices": list(option.choices),
        }
        for option in options
    ]


async def probe_report(config_path: Path | None, deep: bool) -> dict[str, Any]:
    """Return every link on offer and the drivers, with slow facts if `deep`.

    Raises ConfigError.
    """
    path = (await _sources(config_path)).path
    drivers, plugins = await asyncio.gather(_load(path), _plugins(path))
    config = configuration.load(path, drivers.known(), plugins.known())
    drivers.use(config.sections)
    await asyncio.gather(*drivers.probe())
    settled = settle(drivers.links(), config.settings.order)
    used = [link for link, _ in settled.used.values()]
    facts = await facts_of((drivers.guards[link.driver], link) for link in used) if deep else {}
    rows = [_row(link, "available", link.note, facts.get(link.name)) for link in used]
    rows += [_row(link, "unused", why) for link, why in settled.refused.values()]
    return {
        "links": rows,
        "drivers": drivers.report(config.settings),
        "config": {"path": path, "problem": None},
    }


async def _load(config_path: Path | None) -> Drivers:
    paths = Paths.from_environment()
    children, claims = Children(None), Claims()

    def context(name: str, settings: Mapping[str, Any]) -> Context:
        return Context(name, settings, paths=paths, children=children, claims=claims)

    drivers = Drivers(
        context,
        event=lambda _: None,
        changed=lambda *_: None,
        offers_changed=lambda: None,
        listen=False,
    )
    await drivers.load(configuration.wanted(configuration.locate(config_path)), patience=None)
    return drivers


def _row(
    link: Link, state: str, sentence: str, details: Mapping[str, str] | None = None
) -> dict[str, Any]:
    return {
        "name": link.name,
        "interface": link.interface,
        "metered": link.metered,
        "state": state,
        "reason": None,
        "sentence": sentence,
        "details": details or {},
    }

"""What `conman probe`, `drivers` and `config` find out without a daemon. Changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conman_core import config as configuration
from conman_core.children import Children
from conman_core.context import Claims, Context
from conman_core.drivers import Drivers
from conman_core.errors import ConmanError
from conman_core.events import Announcer
from conman_core.found import LoadState
from conman_core.model import Link
from conman_core.offers import settle
from conman_core.paths import Paths
from conman_core.plugin import PluginContext
from conman_core.plugins import Plugins
from conman_core.settings import section_options
from conman_core.values import Known


def known_options(config_path: Path | None) -> Known:
    """Return what every driver that the settings name declares."""
    return asyncio.run(_load(config_path)).known()


def known_plugins(config_path: Path | None) -> Known:
    """Return what every plugin that is not disabled declares."""
    return asyncio.run(_plugins(config_path))


async def _plugins(config_path: Path | None) -> Known:
    plugins = Plugins(Announcer(), _no_context)
    await plugins.find(configuration.disabled(configuration.locate(config_path)), patience=None)
    return plugins.known()


def _no_context(name: str, settings: Mapping[str, Any]) -> PluginContext:
    raise NotImplementedError  # plugins are looked at here, not made


async def drivers_report(config_path: Path | None) -> dict[str, Any]:
    """Return every driver with its state and its options."""
    drivers = await _load(config_path)
    rows = drivers.report()
    for row in rows:
        found = drivers.found[row["name"]]
        row["options"] = [
            {
                "name": option.name,
                "kind": option.kind.value,
                "default": option.default,
                "help": option.help,
                "choices": list(option.choices),
            }
            for option in section_options(found.declared.options)
            if found.state is LoadState.LOADED
        ]
    return {"drivers": rows}


async def probe_report(config_path: Path | None, deep: bool) -> dict[str, Any]:
    """Return every link on offer and the drivers, with slow facts if `deep`.

    Raises ConfigError.
    """
    drivers, plugins = await asyncio.gather(_load(config_path), _plugins(config_path))
    path = configuration.locate(config_path)
    config = configuration.load(path, drivers.known(), plugins)
    drivers.use(config.sections)
    await asyncio.gather(*drivers.probe())
    settled = settle(drivers.links(), config.settings.order)
    rows = [_row(link, "available", "") for link, _ in settled.used.values()]
    rows += [_row(link, "unused", why) for link, why in settled.refused.values()]
    if deep:
        links = [link for link, _ in settled.used.values()]
        facts = await asyncio.gather(*(_details(drivers, link) for link in links))
        for row, found in zip(rows, facts, strict=False):
            row["details"] = found
    return {"links": rows, "drivers": drivers.report()}


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


async def _details(drivers: Drivers, link: Link) -> dict[str, str]:
    try:
        found: dict[str, str] = await drivers.guards[link.driver].call("details", link)
    except ConmanError as error:
        return {"error": str(error)}
    return found


def _row(link: Link, state: str, sentence: str) -> dict[str, Any]:
    return {
        "name": link.name,
        "interface": link.interface,
        "metered": link.metered,
        "state": state,
        "reason": None,
        "sentence": sentence,
        "details": {},
    }

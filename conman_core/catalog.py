"""Finds and loads drivers and plugins, with stevedore, from the entry points of what is installed.

stevedore has four traps, cured here: its entry points do not know their distribution, its cache
on disk may be stale for two minutes after an installation, AssertionError and SystemExit at
import pass through it, and what is broken it reports as missing. Each import runs on a thread of
its own, so one that hangs costs itself only.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

from stevedore.extension import Extension
from stevedore.named import NamedExtensionManager

from conman_core.contract import WrongVersion, check_driver_class, declared_by
from conman_core.entrypoints import Installed, installed
from conman_core.errors import DriverLoadError
from conman_core.events import hook_fault
from conman_core.failures import trace_of
from conman_core.found import Found, LoadState, header_of, refusal
from conman_core.lane import describe, finished, hand_over, in_thread, stack_of
from conman_core.options import Declared
from conman_core.plugin import Plugin

log = logging.getLogger(__name__)

DRIVERS = "conman.drivers"
PLUGINS = "conman.plugins"
IMPORT_LIMIT = 5.0  #: seconds


Report = Callable[[Found], None]


@dataclass(frozen=True, slots=True)
class _Import:
    """An import under way on its own thread; its future always gets a Found."""

    thread: threading.Thread
    future: Future[Found]


if TYPE_CHECKING:
    _NamedManager = NamedExtensionManager[_Import]
else:
    _NamedManager = NamedExtensionManager  # older versions are not generic at run time


class _Manager(_NamedManager):
    """stevedore's choice and order, with fresh entry points and an import thread for each."""

    def __init__(
        self, group: str, points: list[EntryPoint], begin: Callable[[EntryPoint, Any], _Import]
    ) -> None:
        self._points = points
        self._begin = begin
        super().__init__(group, [point.name for point in points], name_order=True)

    def list_entry_points(self) -> list[EntryPoint]:
        return self._points

    def _load_one_plugin(self, ep: EntryPoint, *arguments: Any) -> Extension[_Import]:
        load = partial(super()._load_one_plugin, ep, *arguments)
        return Extension(ep.name, ep, _Import, self._begin(ep, load))


class Catalog:
    """Loads drivers and plugins, and remembers imports that are still under way."""

    def __init__(self, import_limit: float = IMPORT_LIMIT) -> None:
        self._limit = import_limit
        self._imports: dict[tuple[str, str], _Import] = {}

    async def drivers(
        self,
        names: Sequence[str],
        report: Report | None = None,
        scanned: Callable[[], object] = lambda: None,
    ) -> list[Found]:
        """Load the drivers named; the result has their order, then what else is installed.

        `report` gets each result as soon as it is known, on the caller's loop, and once more if
        an import that took too long ends later; `scanned` is called when it has got all that are
        installed and not named. May be called again at any time (`rescan`).
        """
        return await self._load(DRIVERS, lambda _: names, _examine_driver, report, scanned)

    async def plugins(
        self, disabled: Collection[str] = (), report: Report | None = None
    ) -> list[Found]:
        """Load all plugins but those disabled, in the order of their names; see `drivers`."""
        return await self._load(
            PLUGINS,
            lambda there: [name for name in sorted(there) if name not in disabled],
            _examine_plugin,
            report,
        )

    async def _load(
        self,
        group: str,
        choose: Callable[[Iterable[str]], Sequence[str]],
        examine: Callable[[Found, Any], Found],
        report: Report | None,
        scanned: Callable[[], object] = lambda: None,
    ) -> list[Found]:
        _, scan = in_thread("entry points", partial(_by_name, group))
        await finished(scan)
        asyncio.get_running_loop().call_soon(scanned)  # also if there is no result
        there = scan.result()
        results: dict[str, Found] = {}

        def put(found: Found) -> None:
            results[found.name] = found
            if report:
                report(found)

        wanted = list(dict.fromkeys(choose(there)))
        single = [there[name][0] for name in wanted if len(there.get(name, ())) == 1]
        headers = {one.point.name: header_of(one) for one in single}
        begin = partial(self._begin, group, headers, examine)
        manager = _Manager(group, [one.point for one in single], begin)
        waits = [self._settle(headers[one.name], one.obj, put) for one in manager if one.obj]
        for name in wanted:
            if name not in headers:
                put(refusal(name, there.get(name, []), there))
        for name in sorted(there.keys() - set(wanted)):
            put(header_of(there[name][0]))
        await asyncio.gather(*waits)
        return [results[name] for name in [*wanted, *sorted(there.keys() - set(wanted))]]

    def _begin(
        self,
        group: str,
        headers: dict[str, Found],
        examine: Callable[[Found, Any], Found],
        point: EntryPoint,
        load: Callable[[], Any],
    ) -> _Import:
        key = (group, point.value)
        under_way = self._imports.get(key)
        if under_way and not under_way.future.done():
            return under_way  # a second thread would only wait for the module's import lock
        work = partial(_import, headers[point.name], point, load, examine)
        self._imports[key] = _Import(*in_thread(f"import {point.name}", work))
        return self._imports[key]

    async def _settle(self, header: Found, one: _Import, put: Report) -> None:
        if await finished(one.future, self._limit):
            put(one.future.result())
            return
        sentence = (
            f"{header.name} of {header.origin}: its import has not ended after {self._limit:g} s;"
            f" tell its author, the log says where it hangs"
        )
        log.error("%s:\n%s", sentence, stack_of(one.thread))
        put(replace(header, state=LoadState.BROKEN, sentence=sentence))
        loop = asyncio.get_running_loop()
        one.future.add_done_callback(lambda late: hand_over(loop, put, late.result()))


def _by_name(group: str) -> dict[str, list[Installed]]:
    found = defaultdict(list)
    for one in installed(group):
        found[one.point.name].append(one)
    return dict(found)


def _import(
    header: Found,
    point: EntryPoint,
    load: Callable[[], Any],
    examine: Callable[[Found, Any], Found],
) -> Found:
    try:
        return examine(header, load().plugin)
    except WrongVersion as error:
        state, what = LoadState.WRONG_VERSION, f"{point.value} {error}"
    except DriverLoadError as error:
        state, what = LoadState.BROKEN, f"{point.value} {error}; tell its author"
        if error.__cause__:
            log.error("%s of %s: %s\n%s", header.name, header.origin, what, trace_of(error))
    except BaseException as error:  # noqa: BLE001 - SystemExit at import is a stranger's, too
        state, what = LoadState.BROKEN, f"{point.value} cannot be imported: {describe(error)}"
        if isinstance(error, ModuleNotFoundError):
            what += "; reinstall it, and restart conman if its installation is editable"
        log.error("%s of %s: %s\n%s", header.name, header.origin, what, trace_of(error))
    return replace(header, state=state, sentence=f"{header.name} of {header.origin}: {what}")


def _examine_driver(header: Found, thing: Any) -> Found:
    declared = check_driver_class(thing)
    return replace(
        header,
        state=LoadState.LOADED,
        sentence="",
        api_version=thing.api_version,
        driver_class=thing,
        declared=declared,
    )


def _examine_plugin(header: Found, thing: Any) -> Found:
    if thing is None:
        raise DriverLoadError("is None, not a plugin")
    if wrong := hook_fault(header.name, thing):
        raise DriverLoadError(f"cannot be used: {wrong}")
    needs_context = isinstance(thing, type) and issubclass(thing, Plugin)
    declared = declared_by(thing) if needs_context else Declared()
    return replace(header, state=LoadState.LOADED, sentence="", plugin=thing, declared=declared)

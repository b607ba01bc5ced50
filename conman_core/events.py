"""Tells plugins what happens, with pluggy: each on a lane of its own, in order.

Every plugin has a plugin manager to itself, so one that raises, exits or hangs keeps nothing from
the others, and the core never waits.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
import logging
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

import pluggy

from conman_core import hookspecs
from conman_core.failures import trace_of
from conman_core.lane import Lane, describe, hand_over, one_line

log = logging.getLogger(__name__)

REGISTER_LIMIT = 5.0  #: seconds
WAITING = 100  #: events kept for a plugin that is behind; beyond that the oldest go


class Refused(Exception):
    """A plugin does not fit the hook specifications; the text says why."""


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def hook_fault(name: str, thing: Any) -> str:
    """Return what is wrong with the hooks of a plugin, empty if nothing is; of a class its names.

    A class is not made into an object for that. Runs the plugin's code.
    """
    if isinstance(thing, type):
        return _unknown_hook(thing)
    try:
        _manager_for(name, lambda: thing)
    except (Refused, pluggy.PluginValidationError) as error:
        return one_line(str(error))
    return ""


def _unknown_hook(plugin: Any) -> str:
    manager = _manager()
    hooks = sorted(hook for hook in vars(manager.hook) if not hook.startswith("_"))
    for name in dir(plugin):
        marked = manager.parse_hookimpl_opts(plugin, name)
        hook = (marked and marked.get("specname")) or name
        if marked and not marked.get("optionalhook") and hook not in hooks:
            from difflib import get_close_matches

            near = get_close_matches(hook, hooks, 1) or [", ".join(hooks)]
            return f"it has {hook}, which is no hook; the nearest is {near[0]}"
    return ""


def _manager_for(name: str, make: Callable[[], Any]) -> pluggy.PluginManager:
    """Make one plugin and register it alone. Runs the plugin's code."""
    manager, plugin = _manager(), make()
    manager.register(plugin, name)
    if wrong := _unknown_hook(plugin):
        raise Refused(wrong)
    if not manager.get_hookcallers(manager.get_plugin(name)):
        raise Refused("it has no hook: mark its functions with conman_core.hookspecs.hookimpl")
    return manager


class _Audience:
    """One plugin: its events wait here and are delivered one by one, on its lane."""

    def __init__(self, name: str, origin: str, failed: Callable[[str, str], None]) -> None:
        self.title = f"plugin {name} of {origin}"
        self.lane = Lane(f"plugin {name}")
        self._name = name
        self.hooks: set[str] = set()  #: that it has
        self._manager: pluggy.PluginManager | None = None  # used on the lane only
        self._task: asyncio.Task[None] | None = None
        self._waiting: deque[tuple[str, dict[str, Any]]] = deque()
        self._lock = threading.Lock()
        self._delivering = False
        self._when_idle: Callable[[], None] | None = None
        self._lost = 0
        self._now_in = ""
        self._since = 0.0  #: since when the event has gone on, by a clock that never jumps
        self._tell_failed = failed
        self._failing: set[str] = set()

    def register(self, make: Callable[[], Any], answer: Callable[[str], None]) -> None:
        """Register the plugin, on the lane; `answer` gets what is wrong with it, or nothing."""
        try:
            self._manager = _manager_for(self._name, make)
            self.hooks = {caller.name for caller in self._callers()}
        except (Refused, pluggy.PluginValidationError) as error:
            answer(one_line(str(error)))
        except BaseException as error:  # noqa: BLE001 - a stranger's code
            log.error("%s cannot be registered:\n%s", self.title, trace_of(error))
            answer(f"it raised {describe(error)} when it was registered")
        else:
            answer("")

    def _callers(self) -> list[Any]:
        manager = self._manager
        return (manager.get_hookcallers(manager.get_plugin(self._name)) or []) if manager else []

    def put(self, hook: str, arguments: dict[str, Any]) -> None:
        """Queue an event, from the core's loop; begin to deliver unless that goes on already."""
        with self._lock:
            self._waiting.append((hook, arguments))
            if len(self._waiting) > WAITING:
                self._waiting.popleft()
                self._lost += 1
            first_loss = self._lost == 1 and len(self._waiting) == WAITING
            begin, self._delivering = not self._delivering, True
            if begin:
                self._since = time.monotonic()
        if first_loss:
            log.error(
                "%s is still in %s and misses events from now on; its thread is at:\n%s",
                *(self.title, self._now_in or "its registration", self.lane.stack()),
            )
        if begin:
            self.lane.post(self._begin)

    def stuck(self, limit: float) -> str:
        """Return in what it has been for so many seconds; empty if it has not."""
        with self._lock:
            late = self._delivering and time.monotonic() - self._since >= limit
            return (self._now_in or "what it does by itself") if late else ""

    def when_idle(self, callback: Callable[[], None]) -> None:
        """Call back once, from any thread, when all that was put has been delivered."""
        with self._lock:
            if self._delivering:
                self._when_idle = callback
                return
        callback()

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._deliver())

    async def _deliver(self) -> None:
        while event := self._next():
            hook, arguments = event
            self._now_in = f"{hook} since {time.strftime('%H:%M:%S')}"
            try:
                await self._call(hook, arguments)
            except BaseException as error:
                # a stranger's code: SystemExit and the like, too
                if isinstance(error, asyncio.CancelledError) and self._ending():
                    raise
                self._failed(hook, error)

    def _next(self) -> tuple[str, dict[str, Any]] | None:
        with self._lock:
            if self._waiting:
                self._since = time.monotonic()
                return self._waiting.popleft()
            self._delivering, self._now_in = False, ""
            lost, self._lost = self._lost, 0
            idle, self._when_idle = self._when_idle, None
        if lost:
            log.warning("%s goes on, it has missed %d events", self.title, lost)
        if idle:
            idle()
        return None

    async def _call(self, hook: str, arguments: dict[str, Any]) -> None:
        if self._manager is None:
            return
        answers = getattr(self._manager.hook, hook)(**arguments)
        for answer in answers if isinstance(answers, list) else [answers]:
            if inspect.isawaitable(answer):
                await answer

    def _failed(self, hook: str, error: BaseException) -> None:
        self._tell_failed(hook, describe(error))
        if hook in self._failing:
            log.debug("%s: %s failed again: %s", self.title, hook, describe(error))
            return
        self._failing.add(hook)
        log.error(
            "%s: %s raised %s; tell its author, this is said once\n%s",
            *(self.title, hook, describe(error), trace_of(error)),
        )

    def _ending(self) -> bool:
        return bool(self._task and self._task.cancelling())


class Announcer:
    """Tells all plugins. To be used from the core's loop."""

    def __init__(self) -> None:
        self._audience: dict[str, _Audience] = {}
        #: gets plugin, hook and exception when a hook has raised; called on the plugin's thread
        self.failed: Callable[[str, str, str], None] = lambda *_: None

    async def add(self, name: str, plugin: Any, origin: str) -> str | None:
        """Register a plugin: a module, an object, or a class of which one object is made.

        `origin` is name and version of its distribution. Returns None, or a sentence that says
        why the plugin is refused. A name that is registered already is left as it is.
        """
        return await self.make(
            name, lambda: plugin() if isinstance(plugin, type) else plugin, origin
        )

    async def make(self, name: str, make: Callable[[], Any], origin: str) -> str | None:
        """Register the plugin that `make` returns, which is called on its thread; see `add`."""
        if name in self._audience:
            return None
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        audience = _Audience(name, origin, lambda *what: self.failed(name, *what))
        audience.lane.post(
            audience.register, make, lambda problem: hand_over(loop, _resolve, answer, problem)
        )
        try:
            problem = await asyncio.wait_for(answer, REGISTER_LIMIT)
        except TimeoutError:
            problem = f"its registration has not ended after {REGISTER_LIMIT:g} s"
            log.error("%s: %s:\n%s", audience.title, problem, audience.lane.stack())
        if problem:
            audience.lane.close()
            return f"{audience.title} is not used: {problem}"
        self._audience[name] = audience
        return None

    def tell(self, hook: str, to: str | None = None, **arguments: Any) -> None:
        """Tell every plugin something: the name of a hook in `hookspecs`, with its arguments.

        `to` names the only one that is told.
        Returns at once, and never fails because of a plugin. Raises AttributeError or TypeError
        for what the hook specifications do not have.
        """
        inspect.signature(getattr(hookspecs, hook)).bind(**arguments)
        for name, audience in self._audience.items():
            if to in (None, name):
                audience.put(hook, copy.deepcopy(arguments))  # its own to change

    def stuck(self, limit: float) -> dict[str, str]:
        """Return the plugins that have been in one event for some seconds, and in which."""
        return {name: where for name, one in self._audience.items() if (where := one.stuck(limit))}

    def has(self, hook: str) -> bool:
        """Tell whether any plugin listens to a hook."""
        return any(hook in audience.hooks for audience in self._audience.values())

    async def remove(
        self, name: str, limit: float = 5.0, then: Callable[[str], Awaitable[None]] | None = None
    ) -> None:
        """Tell one plugin `conman_stopping`, give it `limit` seconds, and end its lane.

        Before the lane ends `then` is called, with the name.
        """
        if audience := self._audience.pop(name, None):
            audience.put("conman_stopping", {})
            await _idle(audience, limit)
            if then:
                await then(name)
            audience.lane.close()

    async def stop(self, limit: float = 1.0) -> None:
        """Tell `conman_stopping`, give all plugins `limit` seconds together, end their lanes."""
        self.tell("conman_stopping")
        await asyncio.gather(*(_idle(audience, limit) for audience in self._audience.values()))
        for audience in self._audience.values():
            audience.lane.close()
        self._audience.clear()


def _resolve(future: asyncio.Future[str], problem: str) -> None:
    if not future.done():
        future.set_result(problem)


async def _idle(audience: _Audience, limit: float) -> None:
    loop = asyncio.get_running_loop()
    idle = asyncio.Event()
    audience.when_idle(lambda: hand_over(loop, idle.set))
    try:
        await asyncio.wait_for(idle.wait(), limit)
    except TimeoutError:
        log.warning("%s had not finished when conman ended", audience.title)

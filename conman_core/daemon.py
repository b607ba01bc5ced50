"""`conman run` from start to end: puts the parts together and carries events between them."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from conman_core import config as configuration
from conman_core import status
from conman_core.answers import Answers
from conman_core.children import Children
from conman_core.context import Claims, Context
from conman_core.control import ControlServer
from conman_core.drivers import Drivers
from conman_core.engine import Engine
from conman_core.events import Announcer
from conman_core.forms import Forms
from conman_core.herald import Herald
from conman_core.history import History
from conman_core.kernelwatch import KernelWatch
from conman_core.ledger import Ledger
from conman_core.lender import Lender
from conman_core.liveconfig import LiveConfig
from conman_core.logbook import Logbook
from conman_core.model import DriverEvent, ProbeAgain
from conman_core.net.resolver import Resolver
from conman_core.network import Network
from conman_core.offers import settle
from conman_core.paths import Paths
from conman_core.pluginhost import PluginHost
from conman_core.plugins import Plugins
from conman_core.policy import firewalled, policy_of, rules_of, targets_of, wishes_of
from conman_core.provisioner import Provisioner
from conman_core.store import JsonStore
from conman_core.values import Known

log = logging.getLogger(__name__)

LOOK_SOON = (1.0, 4.0)  #: seconds after an interface has come or gone
LOOK_AGAIN = 30.0  #: seconds between probes that nothing in particular asked for


class Daemon:
    """One running conman. Made and run once."""

    def __init__(self, paths: Paths, config_path: Path | None) -> None:
        self.paths = paths
        self.live = LiveConfig(config_path, paths.last_good)
        self.children = Children(paths.runtime)
        self.claims = Claims()
        self.ledger = Ledger(paths.ledger)
        self.history = History(paths.history)
        self.announcer = Announcer()
        self.host = PluginHost(paths, self.children, self.claims, self.announcer)
        self.plugins = Plugins(self.announcer, self.host)
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._soon: list[asyncio.TimerHandle] = []

    async def run(self) -> None:
        """Start, work until told to stop, and end, leaving the connection as it is."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGINT, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._once_started, self.rescan, {})
        self.children.end_leftovers()
        self.drivers = Drivers(
            self._context,
            event=self._driver_event,
            changed=lambda name, origin, sentence: self.announcer.tell(
                "conman_driver_broken", driver=name, distribution=origin, sentence=sentence
            ),
            offers_changed=self._offers_changed,
        )
        await self._load()
        self.live.start(*self._known())
        if self.live.problem is not None:  # the last good settings may name others
            await self._load()
            self.live.start(*self._known())
        self._assemble()
        try:
            await self.control.start()
            await self._work()
        finally:
            await self._end()

    def _assemble(self) -> None:
        settings = self.live.now.settings
        resolver = Resolver(settings.resolv_conf, self.ledger, settings.dns)
        self.network = Network(
            self.ledger, resolver, self.children.groups, resolv_conf=settings.resolv_conf
        )
        herald = Herald(self.announcer.tell, self._publish)
        logbook = Logbook(JsonStore(self.paths.logbook))
        self.engine = Engine(
            self.network,
            policy_of(settings),
            lambda driver: targets_of(self.live.now, driver),  # the settings change
            herald,
            logbook,
            usage=JsonStore(self.paths.usage),
        )
        self.lender = Lender(self.engine, self.claims, self._offers_changed)
        self.provisioner = Provisioner(
            self.engine,
            self.announcer,
            Forms(self.drivers, self.lender.holds),
            self.lender,
            rules=lambda: rules_of(self.live.now.settings),
            firewalled=lambda entry: firewalled(self.live.now, entry),
            been_online=self.paths.been_online,
        )
        self.host.attach(self.provisioner, self.lender)
        self.answers = Answers(
            *(self.live, self.drivers, self.engine, self.ledger, logbook),
            plugins=self.plugins,
            provisioning=self.provisioner.status,
        )
        self.control = ControlServer(
            self.paths.socket,
            {"rescan": self.rescan, **self.answers.requests(), **self.provisioner.requests()},
        )
        self.claims.link_on = self._link_on
        self.kernel = KernelWatch(
            self.network,
            self.engine.roster,
            changed=self.engine.poke,
            interfaces_changed=self._interfaces_changed,
        )

    def _publish(self, event: dict[str, Any]) -> None:
        self.history.add(event)
        self.control.publish(event)

    async def _work(self) -> None:
        self.engine.herald.say(f"conman {status.version()} starts")
        self.drivers.use(self.live.now.sections)
        for sentence in self.answers.notes():
            log.warning("%s", sentence)
        plugins = self._spawn(self.plugins.use(self.live.now.sections))
        self._spawn(self._first_probe(plugins))
        self._spawn(self._look_again())
        self._spawn(self.engine.traffic.run())
        engine = self._spawn(self.engine.run())
        stop = self._spawn(self._stop.wait())
        await asyncio.wait({engine, stop}, return_when=asyncio.FIRST_COMPLETED)
        if engine.done():
            engine.result()  # a fault of conman itself: say it, and let the service start it again

    async def _first_probe(self, plugins: asyncio.Task[Any]) -> None:
        await self.drivers.probed()
        self._sweep()
        self.engine.starting = False
        self.engine.poke()
        await asyncio.wait({plugins})  # each has its time limits
        names = tuple(link.name for link in self.engine.moment().links)
        self.announcer.tell("conman_started", version=status.version(), links=names)

    def _sweep(self) -> None:
        """Remove what an earlier conman left on interfaces that are no links any more.

        Only once all drivers have told their links: what one that is late, or broken today, will
        offer may be carrying the traffic now.
        """
        if self.drivers.settled():
            self.network.sweep([e.interface for e in self.engine.roster.in_use() if e.interface])

    async def _look_again(self) -> None:
        """Probe now and then: not every device announces itself, and what was broken may not be."""
        while True:
            await asyncio.sleep(LOOK_AGAIN)
            try:
                await self.drivers.probed()
                self._sweep()
                await self.engine.look_for_owners()
                await self.host.look()
            except Exception:  # the next look may find what would else be missed for ever
                log.exception("a fault of conman itself, please report it")
            self.engine.poke()

    async def _end(self) -> None:
        self.engine.herald.say("conman ends; addresses, routes and names stay as they are")
        for task in self._tasks:
            task.cancel()
        for timer in self._soon:
            timer.cancel()
        self.kernel.close()
        self.provisioner.close()
        await asyncio.gather(self.announcer.stop(), self.control.stop(), self.engine.close())
        self.children.close()
        self.network.close()

    def _spawn(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a fault of conman itself, please report it: %s", error, exc_info=error)

    # -- drivers

    def _context(self, name: str, settings: Any) -> Context:
        return Context(
            name,
            settings,
            paths=self.paths,
            children=self.children,
            claims=self.claims,
            protected=self.live.now.settings.check_targets,
        )

    def _link_on(self, interface: str) -> str | None:
        entries = list(self.engine.entries.values())  # asked for from the drivers' threads
        return next((e.link.name for e in entries if e.busy and e.interface == interface), None)

    def _interfaces_changed(self) -> None:
        """Look at once, and soon again: a new device shows itself to the kernel step by step."""
        self.drivers.probe()
        for timer in self._soon:
            timer.cancel()
        loop = asyncio.get_running_loop()
        self._soon = [loop.call_later(delay, self.drivers.probe) for delay in LOOK_SOON]

    def _driver_event(self, event: DriverEvent) -> None:
        if self._stop.is_set():
            return  # its children end with conman; the connections they made stay
        if isinstance(event, ProbeAgain):
            self.drivers.probe()
        elif not self.lender.takes(event):
            self.engine.roster.driver_event(event)
            self.engine.poke()

    def _offers_changed(self) -> None:
        settled = settle(self.drivers.links(), self.live.now.settings.order, self.claims.all())
        self.engine.roster.offers_changed(
            settled, self.drivers.guards, partial(wishes_of, self.live.now)
        )
        self.engine.poke()

    async def _load(self) -> None:
        late = partial(self._once_started, self._reload)
        off = configuration.disabled(self.live.path)
        await asyncio.gather(
            self.drivers.load(self.live.wanted(), late=late), self.plugins.find(off, late=late)
        )

    def _known(self) -> tuple[Known, Known, set[str]]:
        pending = self.drivers.pending() | self.plugins.pending()
        return self.drivers.known(), self.plugins.known(), pending

    def _once_started(self, work: Callable[..., Any], *arguments: Any) -> None:
        if hasattr(self, "kernel"):  # while conman starts it is about to read the settings anyway
            self._spawn(work(*arguments))

    # -- settings

    async def _reload(self) -> None:
        """Take the settings file as it is now; a bad one changes nothing but the status."""
        if self.live.reload(*self._known()):
            self.engine.policy = policy_of(self.live.now.settings)
            self.drivers.use(self.live.now.sections)
            self.claims.keep(self.drivers.guards)
            await self.plugins.use(self.live.now.sections)
            await self.drivers.probed()
            self._offers_changed()

    # -- what the command line asks

    async def rescan(self, request: dict[str, Any]) -> dict[str, Any]:
        """Look afresh for settings, drivers and links, and try what failed at once."""
        del request
        await self._load()
        await self._reload()
        if self.live.problem is not None:  # see `run`
            await self._load()
        for guard in self.drivers.guards.values():
            guard.forgive()
        await self.drivers.probed()
        self._sweep()
        self.engine.roster.retry_all()
        self.engine.use_uplink()
        self.engine.poke()
        return self.live.answer(links=len(self.engine.roster.in_use()))

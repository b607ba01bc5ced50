"""A machine made of fakes round the real engine, on an event loop whose time only jumps.

Nothing is waited for: when no task can go on, the clock moves to the next timer. So hours pass in
a moment, and what happens is the same each time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import selectors
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from ipaddress import IPv4Interface, ip_address
from typing import Any, TypeVar

from conman_core.actions import Actions
from conman_core.driver import Probed
from conman_core.engine import Engine
from conman_core.entry import Entry, Wishes
from conman_core.errors import ConnectError, SystemFault
from conman_core.evidence import Counters
from conman_core.herald import Herald
from conman_core.logbook import Logbook
from conman_core.model import Address, Connection, DriverEvent, Family, Link, Reason, Verdict
from conman_core.network import Interface
from conman_core.offers import settle
from conman_core.reach import Finding, PathMemory, Targets
from conman_core.schedule import Policy
from conman_core.usage import Seen

T = TypeVar("T")
TARGETS = Targets(hosts=(ip_address("1.1.1.1"),))


class _Jumping(selectors.SelectSelector):
    """Never waits: tells the loop how far its clock has to jump."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("nothing will ever happen again: every task waits")
        if not ready and timeout:
            self.loop.passed += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self.passed = 1000.0
        self.turns = 0
        selector = _Jumping()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.passed

    def _run_once(self) -> None:
        self.turns += 1
        super()._run_once()  # type: ignore[misc]


def run_virtual(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def connection(interface: str, host: int = 2, **more: Any) -> Connection:
    """A connection of an interface; each `host` is another address in another network."""
    number = sum(map(ord, interface)) % 200
    return Connection(
        interface,
        more.pop("addresses", (Address(IPv4Interface(f"10.{number}.{host}.9/24"), 3600.0),)),
        more.pop("gateways", {Family.IPV4: ip_address(f"10.{number}.{host}.1")}),
        **{"dns": (ip_address(f"10.{number}.{host}.1"),), **more},
    )


@dataclass
class FakeNetwork:
    """The kernel: what is configured, by interface. `calls` is all that was asked, in order."""

    known: dict[str, Interface] = field(default_factory=dict)
    kernel: dict[str, tuple[Connection, int]] = field(default_factory=dict)
    dns: tuple[Any, ...] = ()
    cleaned: list[list[str]] = field(default_factory=list)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    there: dict[str, Connection] = field(default_factory=dict)
    busy: set[str] = field(default_factory=set)
    refuses: set[str] = field(default_factory=set)  # interfaces that cannot be configured
    crashes: Exception | None = None  # what `prepare` raises
    preparing: float = 0.01
    notes: dict[str, str] = field(default_factory=dict)
    on_change: Callable[[], None] = lambda: None

    def plug(self, name: str, *, carrier: bool = True) -> None:
        index = 1 + max((one.index for one in self.known.values()), default=0)
        self.known[name] = Interface(index, True, carrier)

    def interface(self, name: str) -> Interface | None:
        return self.known.get(name)

    async def prepare(self, name: str) -> None:
        await asyncio.sleep(self.preparing)
        if self.crashes:
            raise self.crashes
        if name not in self.known:
            raise ConnectError(Reason.NO_DEVICE, f"there is no interface {name} any more")
        if name in self.busy:
            raise ConnectError(Reason.BUSY, f"{name} is managed by NetworkManager")

    def found(self, name: str) -> Connection | None:
        return self.there.get(name)

    def configure(self, connection: Connection, metric: int) -> None:
        name = connection.interface
        self.calls.append(("configure", name, str(metric)))
        if name in self.refuses or name not in self.known:
            self.kernel.pop(name, None)
            raise SystemFault(f"{name}: the kernel refused")
        self.kernel[name] = connection, metric

    def set_metric(self, interface: str, metric: int) -> None:
        self.calls.append(("metric", interface, str(metric)))
        if interface in self.refuses or interface not in self.known:
            raise SystemFault(f"{interface}: the kernel refused")
        if interface in self.kernel:
            self.kernel[interface] = self.kernel[interface][0], metric

    def unconfigure(self, interface: str) -> None:
        self.calls.append(("unconfigure", interface))
        self.kernel.pop(interface, None)

    def use_dns(self, servers: Any) -> None:
        self.dns = tuple(servers)

    def remove_foreign_defaults(self, interfaces: list[str]) -> None:
        self.cleaned.append(interfaces)


@dataclass
class FakeGuard:
    """A driver: `outcome` says what a connect finds (a Connection, an exception, None: hangs)."""

    network: FakeNetwork
    delay: float = 0.5
    leave_delay: float = 0.1
    outcome: Callable[[Link], Any] | None = None
    able: bool = True
    other_ways: bool = False
    up: set[str] = field(default_factory=set)  # links that the driver holds
    calls: list[tuple[str, str, float]] = field(default_factory=list)
    rungs: int = 0  # steps of its recovery ladder
    rung_delay: float = 2.0
    on_recover: Callable[[Link, int], Any] | None = None  # may raise, or return another answer
    steps: list[tuple[str, int, float]] = field(default_factory=list)

    def usable(self, now: float, link: str | None = None) -> bool:
        return self.able

    async def connect(self, link: Link) -> Connection:
        self.calls.append(("connect", link.name, asyncio.get_running_loop().time()))
        await asyncio.sleep(self.delay)
        found = self.outcome(link) if self.outcome else connection(link.interface or "ppp0")
        if isinstance(found, BaseException):
            raise type(found)(*found.args) if type(found) is not ConnectError else found
        if found is None:
            await asyncio.sleep(10_000)
        self.up.add(link.name)
        return found

    async def disconnect(self, link: Link) -> None:
        self.calls.append(("disconnect", link.name, asyncio.get_running_loop().time()))
        await asyncio.sleep(self.leave_delay)
        self.up.discard(link.name)

    async def recover(self, link: Link, step: int) -> bool:
        at = asyncio.get_running_loop().time()
        if step < self.rungs:
            self.steps.append((link.name, step, at))
            await asyncio.sleep(self.rung_delay)
            answer = self.on_recover(link, step) if self.on_recover else None
            if isinstance(answer, BaseException):
                raise answer
        return step < self.rungs

    async def alternative(self, link: Link) -> bool:
        self.calls.append(("alternative", link.name, asyncio.get_running_loop().time()))
        await asyncio.sleep(0.1)
        return self.other_ways

    def tries(self, what: str = "connect") -> list[float]:
        return [at for call, _, at in self.calls if call == what]


@dataclass
class FakeChecker:
    """The internet: reached over the interfaces in `works`. `crash` is raised if set."""

    works: set[str] = field(default_factory=set)
    rounds: list[str] = field(default_factory=list)
    crash: Exception | None = None

    async def check(self, connection: Connection, targets: Targets, memory: PathMemory) -> Finding:
        self.rounds.append(connection.interface)
        if self.crash:
            raise self.crash
        good = connection.interface in self.works
        await asyncio.sleep(0.02 if good else 3.0)
        good = connection.interface in self.works
        verdict = Verdict.ONLINE if good else Verdict.OFFLINE
        return Finding(verdict, "1.1.1.1 answers" if good else "nothing answers")


class Memory:
    """A state file in memory."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.saves = 0
        self.full = False

    def load(self) -> dict[str, Any]:
        return json.loads(json.dumps(self.values))

    def save(self, values: Mapping[str, Any]) -> None:
        if self.full:
            raise SystemFault("cannot write /var/lib/conman/recovery.json: the disk is full")
        self.saves += 1
        self.values = json.loads(json.dumps(dict(values)))


class Machine:
    """The engine with fakes. `async with Machine(...) as it:` runs it."""

    def __init__(
        self,
        *names: str,
        policy: Policy | None = None,
        run: bool = True,
        memory: Memory | None = None,
        usage: Memory | None = None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.memory = memory or Memory()
        self.logbook = Logbook(self.memory, loop.time, lambda: 1.8e9 + loop.time(), "boot")
        self.wishes = Wishes()
        self.counters: dict[str, Counters] = {}  #: packets, by interface
        self.bytes: dict[str, Seen] = {}  #: by interface
        self.day = datetime(2026, 11, 18, 12)  #: by the wall's clock, which moves with the loop's
        self._began = loop.time()
        self.usage_memory = usage or Memory()
        self.network = FakeNetwork()
        self.checker = FakeChecker(set(names))
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.herald = Herald(lambda hook, **facts: self.told.append((hook, facts)))
        self.engine = Engine(
            self.network,  # type: ignore[arg-type]
            policy or Policy(),
            lambda _: TARGETS,
            self.herald,
            self.logbook,
            clock=loop.time,
            counters=self.counters.get,
            usage=self.usage_memory,
            count=self.bytes.get,
            wall=lambda: self.day.timestamp() + loop.time() - self._began,
        )
        self.engine.starting = False
        self.actions._checker = self.checker  # type: ignore[assignment]
        self.guards: dict[str, FakeGuard] = {"eth": FakeGuard(self.network)}
        self.order: tuple[str, ...] = ("eth",)
        self.offers: dict[str, Probed] = {}
        self._run = run
        for name in names:
            self.network.plug(name)
        self.offer(*names)

    @property
    def actions(self) -> Actions:
        return self.engine.actions

    def offer(self, *names: str, driver: str = "eth", **more: Any) -> None:
        """Let a driver offer links on these interfaces, in this order, and no others."""
        links = [Link(driver, n, n, preference=i, **more) for i, n in enumerate(names)]
        self.offer_links(driver, *links)

    def offer_links(self, driver: str, *links: Link) -> None:
        self.guards.setdefault(driver, FakeGuard(self.network))
        if driver not in self.order:
            self.order = (*self.order, driver)
        self.offers[driver] = links
        self.settle()

    def settle(self) -> None:
        links = [link for offer in self.offers.values() for link in offer]  # type: ignore[union-attr]
        guards: Any = self.guards
        self.engine.roster.offers_changed(settle(links, self.order), guards, lambda _: self.wishes)
        self.engine.poke()

    def event(self, event: DriverEvent) -> None:
        self.engine.roster.driver_event(event)
        self.engine.poke()

    def carrier(self, name: str, up: bool) -> None:
        if name in self.network.known:
            self.network.known[name] = replace(self.network.known[name], carrier=up)
            self.engine.roster.interface_changed(name, came_up=False)
            self.engine.poke()

    def unplug(self, name: str) -> None:
        self.network.known.pop(name, None)
        self.network.kernel.pop(name, None)
        self.engine.roster.interface_gone(name)
        self.engine.poke()

    def entry(self, name: str) -> Entry:
        return self.engine.entries[name if ":" in name else f"eth:{name}"]

    @property
    def uplink(self) -> str | None:
        return self.engine.situation.uplink

    @property
    def said(self) -> list[str]:
        return [sentence for _, sentence in self.herald.recent]

    async def __aenter__(self) -> Machine:
        if self._run:
            self._task = asyncio.create_task(self.engine.run())
            self._watching = asyncio.create_task(self.engine.traffic.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._run:
            if self._task.done():
                self._task.result()
            self._task.cancel()
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self.engine.usage:
            self.engine.usage.close()
        for task in list(self.actions._tasks):
            task.cancel()
        await asyncio.gather(*self.actions._tasks, return_exceptions=True)


async def until(what: Callable[[], object], limit: float = 60.0) -> float:
    """Wait, in virtual time, until something holds; return how long that took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while not what():
        if loop.time() - began > limit:
            raise AssertionError(f"not within {limit:g} s of virtual time")
        await asyncio.sleep(0.05)
    return loop.time() - began


@contextlib.contextmanager
def at_most_turns(loop: Any, turns: int) -> Iterator[None]:
    before = loop.turns
    yield
    assert loop.turns - before <= turns, f"the loop turned {loop.turns - before} times: it spins"

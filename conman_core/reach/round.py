"""One round of checks over one link: ask, ask more if nothing comes, and end in time.

At the start the routine set is sent in parallel. If it is not enough after the path's patience the
full set follows at once, beside it. The round ends with the first conclusive answer, and at the
latest `LIMIT` after its first send. Only the event loop's clock counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from conman_core.model import IPAddress, Verdict
from conman_core.reach import arp, dns, http, icmp
from conman_core.reach.judge import (
    Ask,
    Judgement,
    Method,
    Outcome,
    judge,
    judge_router,
    round_trip,
)
from conman_core.reach.path import (
    Check,
    Path,
    PathMemory,
    Targets,
    remember_ping,
    remember_rtt,
)

T = TypeVar("T")
LIMIT = 3.0  #: seconds from the first unanswered send to the verdict that the link is bad
GRACE = 1.0  #: seconds that pages are waited for once something lesser has answered


@dataclass(frozen=True, slots=True)
class Finding:
    """What a round found. `rtt`, in seconds, is of the fastest echo, else page, name or router.

    `details`, ready for JSON: `interface`, `family`, `source`, `seconds` (how long it took),
    `full`, `login_page` (null or an address) and `asked`, one entry for each thing asked with
    `method`, `target`, `outcome`, `rtt_ms` and `note`.
    `memory` is to be passed to the link's next round.
    """

    verdict: Verdict
    sentence: str
    rtt: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    memory: PathMemory = field(default_factory=PathMemory)

    @property
    def good(self) -> bool:
        """The link may carry traffic."""
        return self.verdict is Verdict.ONLINE


class Round:
    """One round; an object of it runs once."""

    def __init__(self, path: Path, targets: Targets, memory: PathMemory, *, metered: bool) -> None:
        self.path = path
        self.mode = targets.mode
        self.memory = memory
        self.metered = metered
        self.hosts = [host for host in targets.hosts if host.version == path.family]
        self.urls = [http.parse_url(text) for text in targets.urls]
        self.names_matter = targets.use_dns and bool(path.dns)
        #: Without servers of the link the hosts are asked: the usual ones resolve names too.
        self.servers = path.dns if self.names_matter else (*path.dns, *self.hosts)
        self.asks: dict[tuple[Method, str], Ask] = {}
        self.lookups: dict[str, asyncio.Task[tuple[IPAddress, ...]]] = {}
        self.tasks: list[asyncio.Task[Any]] = []
        self.pages = 0  #: under way
        self.full_since: float | None = None
        self.news = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self.started = self.decided = self.loop.time()
        self.judgement = self._judge()

    async def run(self, *, full: bool) -> Finding:
        """Ask until the judgement stands or the time is over, and end every question."""
        async with asyncio.TaskGroup() as self.group:
            try:
                await self._ask(full=full)
            finally:
                for task in self.tasks:
                    task.cancel()
        return self._finding()

    async def _ask(self, *, full: bool) -> None:
        if self.mode is Check.GATEWAY:
            self._ask_router()
        elif full:
            self._ask_all()
        else:
            self._ask_routine()
        ends = self.started + LIMIT
        more: float | None = self.started + self.memory.patience
        while (now := self.loop.time()) < ends and now < self._stands_at():
            idle = all(task.done() for task in self.tasks)
            if more is not None and (idle or now >= more):
                more = None
                self._ask_more()
            elif idle:
                return  # nothing could even be asked
            else:
                self.news.clear()
                wake = min(ends, self._stands_at(), more or ends)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout_at(wake):
                        await self.news.wait()

    def _stands_at(self) -> float:
        """Return when the judgement so far is final unless something better comes before."""
        verdict, basis = self.judgement.verdict, self.judgement.basis
        if verdict not in (Verdict.ONLINE, Verdict.PORTAL):
            return math.inf
        if verdict is Verdict.ONLINE and basis in (Method.PAGE, Method.ROUTER):
            return self.decided
        if basis is Method.DNS:  # many a login page lets names through: give pages their chance
            since = math.inf if self.full_since is None else self.full_since
            return max(self.decided, since) + GRACE
        return self.decided + (GRACE if self.pages else 0.0)

    def _ask_routine(self) -> None:
        if self.memory.pages_first or not self.hosts:
            self._ask_pages(self.urls[:1])
        elif self.metered:
            self._ask_hosts(self.hosts[:1])
        else:
            self._ask_hosts(self.hosts)
            if self.names_matter:
                self._ask_names()

    def _ask_all(self) -> None:
        if self.full_since is None:
            self.full_since = self.loop.time()
        self._ask_hosts(self.hosts)
        self._ask_names()
        self._ask_pages(self.urls)

    def _ask_more(self) -> None:
        if self.mode is Check.INTERNET:
            self._ask_all()
            self._ask_router()

    def _ask_hosts(self, hosts: Sequence[IPAddress]) -> None:
        patience = self.memory.patience
        for host in hosts:
            if self._begin(Ask(Method.PING, str(host))):
                # all together are asked as often as a single name server
                pauses = (patience, patience * len(self.hosts))
                self._start(icmp.ping(self.path, host, Method.PING, pauses, self._report))

    def _ask_names(self) -> None:
        name = next((url.host for url in self.urls if url.address is None), None)
        if name is not None:
            self._lookup(name)

    def _ask_pages(self, urls: Sequence[http.Url]) -> None:
        for url in urls:
            if self._begin(Ask(Method.PAGE, url.text)):
                self.pages += 1
                self._start(self._page(url))

    def _ask_router(self) -> None:
        gateway, patience = self.path.gateway, self.memory.patience
        if gateway is not None and self._begin(Ask(Method.ROUTER, str(gateway))):
            pauses = (patience, patience)
            self._start(icmp.ping(self.path, gateway, Method.ROUTER, pauses, self._report))
            self._start(arp.resolve(self.path, patience, self._report))

    def _lookup(self, name: str) -> asyncio.Task[tuple[IPAddress, ...]]:
        if name not in self.lookups:
            for server in self.servers:
                self._begin(Ask(Method.DNS, str(server)))
            patience = self.memory.patience
            self.lookups[name] = self._start(
                dns.lookup(self.path, name, self.servers, patience, self._report)
            )
        return self.lookups[name]

    async def _page(self, url: http.Url) -> None:
        try:
            addresses = (url.address,) if url.address else await self._lookup(url.host)
            if addresses:
                await http.fetch(self.path, url, addresses, self._report)
            else:
                note = f"no address for {url.host}"
                self._report(Ask(Method.PAGE, url.text, Outcome.FAILED, note=note))
        finally:
            self.pages -= 1

    def _start(self, question: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = self.group.create_task(question)
        task.add_done_callback(lambda _: self.news.set())
        self.tasks.append(task)
        return task

    def _begin(self, ask: Ask) -> bool:
        key = (ask.method, ask.target)
        return self.asks.setdefault(key, ask) is ask

    def _report(self, ask: Ask) -> None:
        key = (ask.method, ask.target)
        before = self.asks[key].outcome
        if ask.outcome < before or before is Outcome.ANSWERED:
            return
        self.asks[key] = ask
        was, self.judgement = self.judgement, self._judge()
        if (was.verdict, was.basis) != (self.judgement.verdict, self.judgement.basis):
            self.decided = self.loop.time()
        self.news.set()

    def _judge(self) -> Judgement:
        asks = tuple(self.asks.values())
        if self.mode is Check.GATEWAY:
            return judge_router(self.path, asks)
        return judge(self.path, asks, names_matter=self.names_matter)

    def _finding(self) -> Finding:
        asks = list(self.asks.values())
        self.judgement = self._judge()
        login_page = next((ask.login_page for ask in asks if ask.login_page), None)
        return Finding(
            verdict=self.judgement.verdict,
            sentence=self.judgement.sentence,
            rtt=round_trip(asks),
            details={
                "interface": self.path.interface,
                "family": int(self.path.family),
                "source": str(self.path.source.ip),
                "seconds": round(self.loop.time() - self.started, 3),
                "full": self.full_since is not None,
                "login_page": login_page,
                "asked": [ask.as_json() for ask in asks],
            },
            memory=self._remember(asks),
        )

    def _remember(self, asks: Sequence[Ask]) -> PathMemory:
        memory, rtt = self.memory, round_trip(asks)
        answered = {ask.method for ask in asks if ask.outcome is Outcome.ANSWERED}
        if any(ask.method is Method.PING for ask in asks):
            ping, page = Method.PING in answered, Method.PAGE in answered
            memory = remember_ping(memory, answered=ping, page_answered=page)
        if rtt is not None:
            memory = remember_rtt(memory, rtt)
        if self.judgement.verdict is not Verdict.ONLINE:
            return replace(memory, last_full=None)
        return replace(memory, last_full=self.full_since or memory.last_full)

"""Runs the scheduler in virtual time against links that come and go by a script."""

from __future__ import annotations

import bisect
import heapq
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from conman_core import remedies
from conman_core import track as t
from conman_core.ladder import Ladder
from conman_core.model import Reason, Verdict
from conman_core.schedule import Decision, Policy, Situation, decide
from conman_core.track import Held, Track

GOOD_ROUND = 0.02
BAD_ROUND = 3.0
CONNECT = 0.5
CLIMB = 5.0


@dataclass
class Script:
    """How one link behaves: `changes` are times at which `working` and `carrier` turn over."""

    rank: int
    metered: bool = False
    callable: bool = True
    works: tuple[float, ...] = ()  # times at which the internet behind it dies, returns, dies ...
    carrier: tuple[float, ...] = ()  # the same for the cable
    starts_working: bool = True
    connects: bool = True
    reason: Reason = Reason.NO_ADDRESS  # why it does not connect
    rungs: int = 0  # steps of its driver's recovery ladder
    wedges: tuple[float, ...] = ()  # times at which its device hangs
    cure: int | None = None  # the lowest step that brings a hung device back
    may_repair: bool = True
    limits: tuple[float, ...] = ()  # times at which its limit is used up, is free again ...

    def working_at(self, now: float) -> bool:
        return self.starts_working ^ (bisect.bisect_right(self.works, now) % 2 == 1)

    def carrier_at(self, now: float) -> bool:
        return bisect.bisect_right(self.carrier, now) % 2 == 0


@dataclass
class Simulation:
    scripts: dict[str, Script]
    policy: Policy = field(default_factory=Policy)
    now: float = 0.0
    observe: Callable[[Simulation, Decision], None] = lambda *_: None
    ladders: Mapping[str, Ladder] = field(default_factory=dict)  # of an earlier life

    def __post_init__(self) -> None:
        self.start = self.now
        self.situation = Situation(started=self.now)
        self.tracks = {
            name: Track(
                name,
                script.rank,
                metered=script.metered,
                callable=script.callable,
                may_repair=script.may_repair,
                ladder=self.ladders.get(name, Ladder()),
            )
            for name, script in self.scripts.items()
        }
        self.uplinks: list[tuple[float, str | None]] = []
        self.attempts: dict[str, list[float]] = {name: [] for name in self.scripts}
        self.rounds: dict[str, list[float]] = {name: [] for name in self.scripts}
        self.repairs: dict[str, list[tuple[float, int]]] = {name: [] for name in self.scripts}
        self.wedged: set[str] = set()
        self.disconnects: list[tuple[float, str]] = []
        self.decision: Decision | None = None
        self._number = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        for name, script in self.scripts.items():
            for at in script.carrier:
                self._at(self.start + at, lambda name=name: self._carrier(name))
            for at in script.wedges:
                self._at(self.start + at, lambda name=name: self.wedged.add(name))
            for number, at in enumerate(script.limits):
                spent = "" if number % 2 else "its limit is used up"
                self._at(self.start + at, lambda n=name, s=spent: self._limit(n, s))

    def relative(self) -> float:
        return self.now - self.start

    def _at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._number), what))

    def _carrier(self, name: str) -> None:
        up = self.scripts[name].carrier_at(self.relative())
        self.tracks[name] = t.carrier(self.tracks[name], self.now, up)

    def _limit(self, name: str, spent: str) -> None:
        self.tracks[name] = replace(self.tracks[name], spent=spent)

    def run(self, seconds: float, limit: int = 200_000) -> Simulation:
        end = self.now + seconds
        for _ in range(limit):
            self._decide()
            times = [event[0] for event in self._events[:1]]
            if self.decision and self.decision.wake_at is not None:
                times.append(self.decision.wake_at)
            if not times or min(times) > end:
                self.now = end
                return self
            self.now = max(self.now, min(times))
            while self._events and self._events[0][0] <= self.now:
                heapq.heappop(self._events)[2]()
        raise AssertionError("the scheduler spins: it wakes again and again without time passing")

    def _decide(self) -> None:
        before = self.situation.uplink
        decision = decide(self.tracks.values(), self.situation, self.policy, self.now)
        self.decision, self.situation = decision, decision.situation
        if decision.uplink != before:
            self.uplinks.append((self.relative(), decision.uplink))
        self.observe(self, decision)
        for name, step in decision.recover:
            self._recover(name, step)
        for name in decision.connect:
            self._connect(name)
        for name in decision.disconnect:
            self.disconnects.append((self.relative(), name))
            self.tracks[name] = t.disconnected(self.tracks[name], self.now)
        for name in decision.check:
            self._check(name)

    def _recover(self, name: str, step: int) -> None:
        self.tracks[name] = remedies.began(self.tracks[name], step, self.now)
        script = self.scripts[name]
        climbed = step < script.rungs
        if climbed:
            self.repairs[name].append((self.relative(), step))
            if step and self.tracks[name].held is Held.OWN:
                down = t.disconnected(self.tracks[name], self.now, Reason.LOST, "taken down")
                self.tracks[name] = down

        def done() -> None:
            if script.cure is not None and climbed and step >= script.cure:
                self.wedged.discard(name)
            self.tracks[name] = remedies.ended(self.tracks[name], self.now, climbed=climbed)

        self._at(self.now + (CLIMB if climbed else 0.01), done)

    def _connect(self, name: str) -> None:
        self.attempts[name].append(self.relative())
        self.tracks[name] = t.attempt(self.tracks[name], self.now)
        script = self.scripts[name]

        def done() -> None:
            able = script.connects and name not in self.wedged
            if able and script.carrier_at(self.relative()):
                self.tracks[name] = t.connected(self.tracks[name], Held.OWN)
            else:
                self.tracks[name] = t.attempt_failed(
                    self.tracks[name], self.now, script.reason, "no address"
                )

        self._at(self.now + CONNECT, done)

    def _check(self, name: str) -> None:
        self.rounds[name].append(self.relative())
        self.tracks[name] = t.round_began(self.tracks[name], self.now)
        good = self.scripts[name].working_at(self.relative()) and name not in self.wedged
        verdict = Verdict.ONLINE if good else Verdict.OFFLINE

        def done() -> None:
            self.tracks[name] = t.round_ended(self.tracks[name], self.now, verdict, "checked")

        self._at(self.now + (GOOD_ROUND if good else BAD_ROUND), done)


def tracks(*some: Track) -> Sequence[Track]:
    return some


def online(link: Track, now: float, rounds: int = 1) -> Track:
    """A link that was found online `rounds` times, the first of them now."""
    link = t.connected(link)
    for _ in range(rounds):
        link = t.round_ended(t.round_began(link, now), now, Verdict.ONLINE, "ok")
    return link


def lost(link: Track, now: float) -> Track:
    """The same link after a round that nothing answered."""
    return t.round_ended(t.round_began(link, now), now, Verdict.OFFLINE, "silent")


__all__ = ["Script", "Simulation", "lost", "online", "replace", "tracks"]

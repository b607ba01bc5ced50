"""What to do next: a pure function of what is known of the links, the policy and the time.

No I/O, no clock, no asyncio: everything that conman decides about priority, failover, failback,
back-off and metering is here, so it can be tested by properties and in virtual time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from conman_core.ladder import AT_ONCE, NEVER, next_step
from conman_core.remedies import elsewhere_at, sick_at
from conman_core.track import CHEAP, JITTER, SPENT, TRIAL_ROUNDS, Held, Track, dwell, jitter, losses

METRIC_STEP = 100  #: between ranks, so that people can put routes of their own between
METRIC_HELD_BACK = 5_000  #: added while a link would come before the uplink but may not yet
METRIC_UNVERIFIED = 10_000  #: added while a link is not verified
STARTING = 60.0  #: after start links are only getting ready: a better one need not stand a trial
TRIAL_PAUSE = 2.0  #: between the rounds of a trial
LINGER = 30.0  #: a metered link stays up so long after traffic left it
SLOWEST_RECHECK = 60.0


@dataclass(frozen=True, slots=True)
class Policy:
    """The user's settings that decisions depend on; times in seconds."""

    failback: bool = True
    dwell: float = 10.0
    stagger: float = 0.25
    metered_after: float = 20.0
    warm_standby: bool = False  #: metered links stay connected beside a working uplink
    check_interval: float = 8.0
    standby_interval: float = 60.0
    metered_interval: float = 720.0


@dataclass(frozen=True, slots=True)
class Situation:
    """What one decision hands to the next."""

    started: float
    uplink: str | None = None
    uplink_since: float = 0.0
    #: since when no link of the lowest cost, or of the two lowest ones, is verified
    lost: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do now, and when to decide again at the latest.

    `metrics` has an entry for each link that has a connection, `uplink` the lowest of those that
    can carry packets.
    """

    uplink: str | None
    situation: Situation
    metrics: Mapping[str, int] = field(default_factory=dict)
    connect: tuple[str, ...] = ()
    disconnect: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    recover: tuple[tuple[str, int], ...] = ()  #: links with the step of their ladder to take
    elsewhere: tuple[str, ...] = ()  #: links whose driver is asked for another way
    wake_at: float | None = None


def decide(tracks: Iterable[Track], situation: Situation, policy: Policy, now: float) -> Decision:
    """Return the next actions for all links. The same arguments give the same decision."""
    moment = Moment(tracks, situation, policy, now)
    due = {
        "connect": dict(moment.connects()),
        "disconnect": dict(moment.disconnects()),
        "check": dict(moment.checks()),
        "trial": dict(moment.trials()),
        "elsewhere": {link.name: elsewhere_at(link) for link in moment.links},
    }
    repairs = {name: (step, at) for name, step, at in moment.repairs()}
    later = [at for actions in due.values() for at in actions.values() if now < at < NEVER]
    later += [at for _, at in repairs.values() if at > now]
    recover = [(name, step) for name, (step, at) in repairs.items() if at <= now][:1]
    for actions in due.values():
        for name, _ in recover:
            actions.pop(name, None)  # nothing else is begun beside a repair
    return Decision(
        uplink=moment.uplink.name if moment.uplink else None,
        situation=moment.situation,
        metrics=moment.metrics(),
        connect=tuple(name for name, at in due["connect"].items() if at <= now),
        disconnect=tuple(name for name, at in due["disconnect"].items() if at <= now),
        check=tuple(name for name, at in due["check"].items() if at <= now),
        recover=tuple(recover),
        elsewhere=tuple(name for name, at in due["elsewhere"].items() if at <= now),
        wake_at=min(later, default=None),
    )


def user_order(link: Track) -> tuple[bool, int, int, str]:
    """Sort key: the user's priority, the driver's preference, the name; used-up limits last."""
    return bool(link.spent), link.rank, link.preference, link.name


class Moment:
    """All links at one time; its methods give each action with the time at which it is due."""

    def __init__(
        self, tracks: Iterable[Track], situation: Situation, policy: Policy, now: float
    ) -> None:
        self.links = sorted(tracks, key=user_order)
        self.policy = policy
        self.now = now
        self.situation = situation
        self.uplink = self._choose()
        self.situation = self._advance()

    def better(self, link: Track) -> bool:
        """Tell whether the user prefers a link to the uplink."""
        if self.uplink is None:
            return False
        return user_order(link)[:3] < user_order(self.uplink)[:3]

    def stood_trial(self, link: Track) -> bool:
        """Tell whether a link has been good for long enough to take traffic back."""
        if link.verified_since is None or link.good_rounds < TRIAL_ROUNDS:
            return False
        return self.now >= self.dwell_ends(link)

    def dwell_ends(self, link: Track) -> float:
        """Return when a link has been verified for its dwell, NEVER if it is not verified."""
        if link.verified_since is None:
            return NEVER
        return link.verified_since + dwell(link, self.now, self.policy.dwell)

    def on_trial(self, link: Track) -> bool:
        """Tell whether a link would carry the traffic, were it not on trial or barred by policy."""
        return link.verified and link.connected and self.better(link)

    def _order(
        self, link: Track
    ) -> tuple[bool, bool, bool, bool, tuple[bool, int, int], bool, str]:
        return (
            not link.verified,
            link.verified and bool(link.spent),
            link.verified and losses(link, self.now) > 0 and not self.stood_trial(link),
            not link.ever_verified,
            user_order(link)[:3],
            link.name != self.situation.uplink,
            link.name,
        )

    def _choose(self) -> Track | None:
        able = [link for link in self.links if link.connected]
        self.uplink = next((link for link in able if link.name == self.situation.uplink), None)
        way_out = any(link.verified and not link.spent for link in able)
        if not (self.uplink and self.uplink.verified) or (self.uplink.spent and way_out):
            return min(able, key=self._order, default=None)
        # A working uplink gives way only to a better link that may take over.
        takers = (link for link in able if self.on_trial(link) and self._may_take_over(link))
        return next(takers, self.uplink)

    def _may_take_over(self, link: Track) -> bool:
        starting = self.now - self.situation.started < STARTING
        if starting and not losses(link, self.now):
            return True
        return self.policy.failback and self.stood_trial(link)

    def _advance(self) -> Situation:
        after = self.situation
        name = self.uplink.name if self.uplink else None
        if name != after.uplink:
            after = replace(after, uplink=name, uplink_since=self.now)
        best = min((link.cost for link in self.links if link.verified), default=SPENT)
        cheap, metered = (self.now if best <= cost else at for cost, at in enumerate(after.lost))
        return replace(after, lost=(cheap, metered))

    def metrics(self) -> dict[str, int]:
        """Return the route metric of each link that has a connection."""
        metrics: dict[str, int] = {}
        seen: dict[int, int] = {}
        for link in self.links:
            place = seen.get(link.rank, 0)
            seen[link.rank] = place + 1
            if link.held is not Held.NONE:
                metric = METRIC_STEP * (link.rank + 1) + min(place, METRIC_STEP - 1)
                metrics[link.name] = metric + (0 if link.verified else METRIC_UNVERIFIED)
        if self.uplink is not None:
            best = metrics[self.uplink.name]
            for name, metric in metrics.items():
                if metric <= best and name != self.uplink.name:
                    metrics[name] = metric + METRIC_HELD_BACK
        return metrics

    def connects(self) -> Iterator[tuple[str, float]]:
        """Give each link that should be connected and when it is its turn."""
        turn = AT_ONCE  # the next starts a stagger after the one before (RFC 8305 section 5)
        for link in self.links:
            if link.attempt_started is not None:
                turn = max(turn, link.attempt_started + self.policy.stagger)
            elif link.held is not Held.OWN and link.callable and not link.occupied:
                start = max(link.retry_at, turn)
                if link.held is Held.NONE:
                    start = max(start, self._wanted_from(link))
                yield link.name, start
                if start <= self.now:
                    turn = self.now + self.policy.stagger

    def _wanted_from(self, link: Track) -> float:
        """Return from when on a link is needed: one that costs money waits for the others."""
        cost = link.cost
        if self.uplink is not None and self.uplink.verified and cost != CHEAP:
            return AT_ONCE if self._stays(link, self.uplink) else NEVER
        if any(_promising(other) for other in self.links if other.cost < cost):
            since = max(self.situation.lost[cost - 1], self.situation.started)
            return since + self.policy.metered_after
        return AT_ONCE

    def _stays(self, link: Track, uplink: Track) -> bool:
        """Tell whether a link that costs money is connected beside an uplink that works."""
        if link.spent and not uplink.spent:
            return False
        return self.policy.warm_standby or (uplink.cost != CHEAP and self.better(link))

    def disconnects(self) -> Iterator[tuple[str, float]]:
        """Give each link that costs money, is not needed, and when it has lingered enough."""
        if not (self.uplink and self.uplink.verified):
            return
        for link in self.links:
            able = link.held is Held.OWN and link.callable and not link.occupied
            idle = able and link is not self.uplink and not self._stays(link, self.uplink)
            if idle and link.cost != CHEAP:
                yield link.name, self.situation.uplink_since + LINGER

    def checks(self) -> Iterator[tuple[str, float]]:
        """Give each link that can be checked and when its next round is due."""
        for link in self.links:
            if link.connected and not link.checking and not link.occupied:
                yield link.name, self._check_due(link)

    def _check_due(self, link: Track) -> float:
        if link.round_started is None:
            return self.now
        if not link.verified:
            pause = self._recheck_pause(link)
        elif self.on_trial(link) and link.good_rounds < TRIAL_ROUNDS:
            pause = TRIAL_PAUSE
        elif link.metered:
            pause = self.policy.metered_interval
        elif link is self.uplink:
            pause = self.policy.check_interval
        else:
            pause = self.policy.standby_interval
        # Always a little early: devices must not check in step, and no bound may be exceeded.
        number = link.good_rounds + link.bad_rounds
        return link.round_started + pause * (1 - JITTER * (0.3 + 0.7 * jitter(link.name, number)))

    def _recheck_pause(self, link: Track) -> float:
        wanted = self.uplink is None or not self.uplink.verified or self.better(link)
        slowest = SLOWEST_RECHECK
        if wanted and not link.metered:
            slowest = min(self.policy.check_interval, SLOWEST_RECHECK)
        return min(2.0 ** min(max(link.bad_rounds - 1, 0), 10), slowest)

    def repairs(self) -> Iterator[tuple[str, int, float]]:
        """Give each link that can be repaired, the step of its ladder, and when it is due.

        One at a time, in the user's order: the others may be the way in for a person.
        """
        if any(link.repairing is not None for link in self.links):
            return
        for link in self.links:
            if link.attempt_started is None and not link.checking and not link.leaving:
                step, at = self.repair_of(link)
                at = max(at, sick_at(link))
                if at < NEVER:
                    yield link.name, step, at

    def repair_of(self, link: Track) -> tuple[int, float]:
        """Return the next step of a link's ladder and when it may come at the earliest.

        NEVER for a link that is verified, so for each whose traffic counts, and for a metered one
        that stays cold.
        """
        step, at = next_step(link.ladder, self.now)
        if link.verified or not link.callable or not link.may_repair:
            return step, NEVER
        return step, max(at, self._wanted_from(link))

    def trials(self) -> Iterator[tuple[str, float]]:
        """Give each link on trial and when its dwell ends."""
        for link in self.links:
            if self.policy.failback and self.on_trial(link):
                yield link.name, self.dwell_ends(link)


def _promising(link: Track) -> bool:
    """Tell whether a link may still get online without anything new happening to it."""
    if link.held is Held.NONE:
        return link.callable and link.failures == 0
    return link.carrier and link.verdict is None

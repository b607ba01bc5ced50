"""What is remembered of one link for decisions, and how events change it. Pure: no clock, no I/O.

Times are seconds of one clock that never jumps; the caller passes the present one.
"""

from __future__ import annotations

import enum
import zlib
from dataclasses import dataclass, replace

from conman_core import ladder as rungs
from conman_core.ladder import Ladder
from conman_core.model import Reason, Verdict

FIRST_RETRY = 1.0
LAST_RETRY = 60.0
LONGEST_DWELL = 600.0
QUIET = 1800.0  #: without a loss for so long, a link's earlier losses are forgotten
TRIAL_ROUNDS = 3  #: good rounds in a row before a returned link may take over
JITTER = 0.1
CHEAP, METERED, SPENT = range(3)  #: what a link costs; SPENT: its limit is used up
ENOUGH_FAILURES = 3  #: in a row, that a repair may cure, until one is called for
NO_SIGNAL = "no signal: what is at the other end, or the cable to it, is off or out of reach"


class Held(enum.Enum):
    """What connection a link has."""

    NONE = "none"
    ADOPTED = "adopted"  #: found on the interface at start; the driver has not confirmed it yet
    OWN = "own"  #: described by the driver


@dataclass(frozen=True, slots=True)
class Track:
    """One link as the scheduler sees it."""

    name: str
    rank: int
    preference: int = 0
    metered: bool = False
    callable: bool = True  #: its driver offers it and is neither broken nor stuck
    held: Held = Held.NONE
    carrier: bool = True
    attempt_started: float | None = None  #: a connect call is under way since then
    leaving: bool = False  #: its driver takes it down; nothing else begins before that has ended
    failures: int = 0  #: connections in a row that failed, or were lost before they were verified
    retry_at: float = 0.0
    reason: Reason | None = None
    sentence: str = ""
    checking: bool = False
    round_started: float | None = None  #: of the latest round
    verdict: Verdict | None = None  #: of the latest finished round of this connection
    good_rounds: int = 0
    bad_rounds: int = 0
    verified_since: float | None = None
    ever_verified: bool = False
    losses: int = 0  #: times that it stopped being verified, within QUIET of one another
    lost_at: float | None = None
    may_repair: bool = True  #: the user lets conman repair it
    ladder: Ladder = Ladder()  # noqa: RUF009 - it cannot be changed
    repairing: float | None = None  #: a step of its ladder is under way since then
    curable: int = 0  #: of its failures, the latest ones in a row that a repair may cure
    silent: int = 0  #: rounds in a row over this connection that found neither internet nor portal
    silent_since: float | None = None
    asked_elsewhere: int = 0  #: times that its driver was asked for another way since it worked
    elsewhere_at: float = 0.0  #: not asked again before that
    spent: str = ""  #: why it gives way to all other links that work: its limit is used up

    @property
    def cost(self) -> int:
        """How dear it is: CHEAP, METERED, or SPENT."""
        return SPENT if self.spent else METERED if self.metered else CHEAP

    @property
    def occupied(self) -> bool:
        """Its driver is at work on it; nothing else is begun before that has ended."""
        return self.leaving or self.repairing is not None

    @property
    def verified(self) -> bool:
        """The internet was reached over it in the latest round, and nothing spoke against since."""
        return self.verified_since is not None

    @property
    def connected(self) -> bool:
        """It can carry packets now."""
        return self.held is not Held.NONE and self.carrier


def jitter(name: str, count: int) -> float:
    """Return a number from 0 to 1 that differs between links and repetitions, but not by chance.

    Devices that share a power cut must not retry in step; a pure function keeps runs repeatable.
    """
    return zlib.crc32(f"{name}/{count}".encode()) / 0xFFFFFFFF


def back_off(track: Track) -> float:
    """Return the seconds from a failure to the next try: 1, 2, 4 ... 60, up to a tenth less."""
    exponent = min(max(track.failures - 1, 0), 10)
    delay = min(FIRST_RETRY * 2.0**exponent, LAST_RETRY)
    return delay * (1 - JITTER * jitter(track.name, track.failures))


def losses(track: Track, now: float) -> int:
    """Return how often the link was lost lately; 0 once it has been quiet for 30 minutes."""
    if track.lost_at is None or now - track.lost_at >= QUIET:
        return 0
    return track.losses


def dwell(track: Track, now: float, first: float) -> float:
    """Return how long the link must stay verified before traffic moves back to it, in seconds.

    `first` after one loss, doubled by each further one, at most ten minutes.
    """
    flaps = max(losses(track, now) - 1, 0)
    return max(first, min(first * 2.0 ** min(flaps, 16), LONGEST_DWELL))


def attempt(track: Track, now: float) -> Track:
    """Note that a connect call started."""
    return replace(track, attempt_started=now)


def attempt_failed(
    track: Track, now: float, reason: Reason, sentence: str, *, repairable: bool = True
) -> Track:
    """Note that a connect call failed; an adopted connection goes on serving.

    `repairable`: it is not a fault that no repair can cure although its reason is of that kind.
    """
    failed = replace(
        track,
        attempt_started=None,
        failures=track.failures + 1,
        reason=reason,
        sentence=sentence,
        curable=_curable(track, reason) if repairable else 0,
    )
    return replace(failed, retry_at=now + back_off(failed))


def _curable(track: Track, reason: Reason) -> int:
    if reason is Reason.WEDGED:  # the driver knows: no need to see it again
        return ENOUGH_FAILURES
    return track.curable + 1 if reason.repairable else 0


def connected(track: Track, held: Held = Held.OWN, *, same: bool = False) -> Track:
    """Note that the link has a connection, to be checked at once unless it is the `same` as before.

    A verified link stays verified: its address only changed, and the check is about to tell.
    """
    own = held is Held.OWN
    stale = track.held is Held.NONE or track.reason is not None  # its sentence is of a failure
    held_now = replace(
        track,
        held=held,
        attempt_started=None if own else track.attempt_started,
        reason=None,
        sentence="" if stale else track.sentence,
        round_started=track.round_started if same else None,
    )
    if track.carrier:
        return held_now
    return replace(held_now, reason=Reason.NO_CARRIER, sentence=NO_SIGNAL)


def unverified(track: Track, now: float) -> Track:
    """Note that what was known of the link's reachability no longer holds; it is a loss if good."""
    fresh = replace(track, verdict=None, good_rounds=0, verified_since=None, round_started=None)
    fresh = replace(fresh, silent=0, silent_since=None)
    if not track.verified:
        return fresh
    return replace(fresh, losses=losses(track, now) + 1, lost_at=now)


def disconnected(
    track: Track, now: float, reason: Reason | None = None, sentence: str = ""
) -> Track:
    """Note that the connection is gone: lost if there is a reason, taken down on purpose if not.

    One that was lost before it was verified is a failure, or a line that breaks off each time
    would be dialled without a pause.
    """
    gone = unverified(track, now)
    gone = replace(gone, held=Held.NONE, bad_rounds=0, reason=reason, sentence=sentence)
    gone = replace(gone, attempt_started=None, retry_at=now)
    if reason is None:
        return replace(gone, losses=track.losses, lost_at=track.lost_at, failures=0, curable=0)
    if track.held is Held.OWN and not track.verified:
        gone = replace(gone, failures=track.failures + 1, curable=_curable(track, reason))
        return replace(gone, retry_at=now + back_off(gone))
    return gone


def carrier(track: Track, now: float, up: bool, why: str = NO_SIGNAL) -> Track:
    """Note what the kernel says of the carrier; a link that failed is worth a try at once.

    `why` says what is wrong if it is not `up`.
    """
    if not up:
        known = not track.carrier and (track.held is Held.NONE or track.sentence == why)
        gone = replace(unverified(track, now), carrier=False, bad_rounds=0)
        return track if known else replace(gone, reason=Reason.NO_CARRIER, sentence=why)
    if track.carrier:
        return track
    back = replace(track, carrier=True, retry_at=now, round_started=None, bad_rounds=0)
    return replace(back, reason=None, sentence="") if track.held is not Held.NONE else back


def retry_now(track: Track, now: float) -> Track:
    """Note that something happened which makes it worth trying, and checking, at once."""
    return replace(
        track,
        retry_at=min(track.retry_at, now),
        round_started=track.round_started if track.verified else None,
    )


def round_began(track: Track, now: float) -> Track:
    """Note that a round of checks is under way."""
    return replace(track, checking=True, round_started=now)


def round_ended(track: Track, now: float, verdict: Verdict, sentence: str) -> Track:
    """Note what a round found. The round of a connection that is gone meanwhile counts nothing."""
    ended = replace(track, checking=False)
    if not track.connected:
        return ended
    if verdict is Verdict.ONLINE:
        since = now if track.verified_since is None else track.verified_since
        return replace(
            ended,
            verdict=verdict,
            sentence=sentence,
            failures=0 if track.held is Held.OWN else track.failures,
            curable=0 if track.held is Held.OWN else track.curable,
            ladder=rungs.online(track.ladder, now - since),
            silent=0,
            silent_since=None,
            good_rounds=track.good_rounds + 1,
            bad_rounds=0,
            verified_since=since,
            ever_verified=True,
            asked_elsewhere=0,
        )
    # unverified() forgets when the round began, but the next one is due relative to that
    bad = replace(unverified(ended, now), round_started=track.round_started)
    bad = replace(bad, verdict=verdict, sentence=sentence, bad_rounds=track.bad_rounds + 1)
    if verdict is Verdict.PORTAL:  # it works: a person has to log in
        return bad
    since = now if track.silent_since is None else track.silent_since
    return replace(bad, silent=track.silent + 1, silent_since=since)

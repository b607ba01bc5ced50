"""When a link is to be repaired, and what that changes in what is known of it. Pure."""

from __future__ import annotations

from dataclasses import replace

from conman_core import ladder as ladders
from conman_core.ladder import AT_ONCE, NEVER
from conman_core.model import Verdict
from conman_core.track import ENOUGH_FAILURES, Held, Track

ENOUGH_SILENCE = 3  #: rounds in a row
STILL_SILENT = 2  #: the same when there was a repair already
ROUNDS_IN_VAIN = 3  #: bad rounds in a row until a driver is asked for another way
FIRST_PAUSE = 15.0  #: until it is asked again, doubled each time
LAST_PAUSE = 600.0
PATIENCE = 60.0  #: of silence, with a link that has worked before and that nothing answers over
LONG_PATIENCE = 300.0  #: with one that never worked, or whose router answers


def began(track: Track, step: int, now: float) -> Track:
    """Note that a step of the link's recovery ladder is under way."""
    return replace(track, repairing=now, ladder=ladders.begin(track.ladder, step, now))


def driver_renewed(track: Track) -> Track:
    """Note that the link has another driver object, which may have repairs that the old had not."""
    if not track.ladder.bare:
        return track
    return replace(track, ladder=replace(track.ladder, bare=None, not_before=AT_ONCE))


def ended(track: Track, now: float, *, climbed: bool, sentence: str = "") -> Track:
    """Note the end of that step; `climbed` is False if the driver has no such step.

    After one that was taken the link is tried, or checked, at once, and its evidence starts anew.
    """
    ladder = ladders.ended(track.ladder, now, climbed=climbed, sentence=sentence)
    after = replace(track, repairing=None, ladder=ladder)
    if not climbed:
        return after
    after = replace(after, curable=0, silent=0, silent_since=None, bad_rounds=0)
    return replace(after, failures=min(track.failures, 1), retry_at=now, round_started=None)


def sick_at(track: Track) -> float:
    """Return from when on a link that is not verified calls for a repair; NEVER if nothing does.

    What does is a connection over which nothing answers, or a row of failures that one may cure.
    """
    tried = track.ladder.pending
    if track.held is not Held.OWN:
        return AT_ONCE if track.curable >= (1 if tried else ENOUGH_FAILURES) else NEVER
    enough = STILL_SILENT if tried else ENOUGH_SILENCE
    if not track.carrier or track.silent_since is None or track.silent < enough:
        return NEVER
    if tried:
        return AT_ONCE
    quick = track.ladder.worked and track.verdict is Verdict.OFFLINE
    return track.silent_since + (PATIENCE if quick else LONG_PATIENCE)


def elsewhere_at(track: Track) -> float:
    """Return when to ask a link's driver for another way, another network say; NEVER if not to.

    A connection that does not reach the internet must not keep the link from one that does.
    """
    able = track.held is Held.OWN and track.carrier and track.callable and not track.occupied
    if not able or track.verified or track.bad_rounds < ROUNDS_IN_VAIN:
        return NEVER
    return track.elsewhere_at


def asked(track: Track, now: float) -> Track:
    """Note that its driver is asked; it must not go to and fro between two dead networks."""
    pause = min(FIRST_PAUSE * 2.0 ** min(track.asked_elsewhere, 16), LAST_PAUSE)
    count = track.asked_elsewhere + 1
    return replace(track, asked_elsewhere=count, elsewhere_at=now + pause)

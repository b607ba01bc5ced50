"""Every decision in a sentence: why the uplink is the uplink, and why each other link is not."""

from __future__ import annotations

import re

from conman_core.ladder import NEVER
from conman_core.model import Verdict
from conman_core.schedule import Moment
from conman_core.track import NO_SIGNAL, TRIAL_ROUNDS, Held, Track, losses

#: what a person copies to a shell
_COMMAND = re.compile(r"\b(with|run|see|root|good): [^;]+$")


def seconds(length: float) -> str:
    """Return a length of time as people read it: `4 s`, `12 min`, `3 h`, `2 days`."""
    if length < 100:
        return f"{max(length, 0):.0f} s"
    if length < 100 * 60:
        return f"{length / 60:.0f} min"
    if length < 48 * 3600:
        return f"{length / 3600:.0f} h"
    return f"{length / 86400:.0f} days"


def full_stop(text: str) -> str:
    """Return a text of any origin as a sentence that ends; a command at its end stays bare."""
    text = text.rstrip(" .")
    return text if _COMMAND.search(text) else f"{text}."


def why_uplink(moment: Moment) -> str:
    """Say why the traffic goes where it goes."""
    link = moment.uplink
    if link is None:
        return "No link is connected, so there is no uplink."
    if not link.verified:
        found = f" ({link.sentence})" if link.sentence else ""
        rivals = [other for other in moment.links if other.connected and other is not link]
        only = "the best of the connected links" if rivals else "the only connected link"
        return f"No link reaches the internet; {link.name} is {only}{found}."
    above = ", ".join(other.name for other in moment.links if moment.better(other))
    place = f"; before it in priority: {above}" if above else " and is first in priority"
    dear = ", ".join(other.name for other in moment.links if other.spent and other is not link)
    limits = f"; links whose limit is used up come after it: {dear}" if dear else ""
    return f"{link.name} reaches the internet{place}{limits}."


def why_not(link: Track, moment: Moment) -> str:
    """Say why a link does not carry the traffic, or for the uplink that it does."""
    if link is moment.uplink:
        return _why_it_serves(link)
    if link.held is Held.NONE:
        return _why_unconnected(link, moment)
    if link.verified:
        return _why_standby(link, moment)
    if not link.carrier:
        return f"It has {NO_SIGNAL}." if link.sentence == NO_SIGNAL else full_stop(link.sentence)
    if link.verdict is None:
        return "It is connected and its first check is under way."
    found = link.sentence.rstrip(" .")
    return f"{found or 'The internet does not answer over it'}; it is checked again."


def _why_it_serves(link: Track) -> str:
    if link.verified and link.spent:
        return f"It is the uplink although {link.spent}: no other link works."
    wanting = f" for want of a better one: {link.sentence}"
    return full_stop(f"It is the uplink{'' if link.verified or not link.sentence else wanting}")


def _why_spent(link: Track) -> str:
    only = "it is used only while no other link works (data-limit-action = stop)"
    return f"{_capital(link.spent)}: {only}."


def recovery(link: Track, moment: Moment) -> str:
    """Say what is being done to repair a link; empty while nothing is."""
    ladder = link.ladder
    if not ladder.active:
        return ""
    latest = f"recovery step {ladder.climbs[-1].step}" if ladder.climbs else "the latest repair"
    if link.repairing is not None:
        return f"{_capital(latest)} has been under way for {seconds(moment.now - link.repairing)}."
    if link.verified:
        return f"It works again after {latest}."
    wrong = ladder.sentence.rstrip(" .")
    said = f"{_capital(latest)} has not helped yet" + (f" ({wrong})" if wrong else "")
    step, at = moment.repair_of(link)
    if at == NEVER:
        return f"{said}."
    again = bool(ladder.climbs) and step <= ladder.climbs[-1].step
    following = "the steps start over" if again else f"step {step} follows"
    wait = at - moment.now
    when = f"in {seconds(wait)} unless it works by then" if wait > 0 else "if the next try fails"
    return f"{said}; {following} {when}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _why_unconnected(link: Track, moment: Moment) -> str:
    failure = link.sentence.rstrip(" .")
    if link.leaving:
        return f"{failure or 'It is not needed now'}; its driver takes it down."
    if not link.callable:
        return full_stop(failure or "Its driver cannot be used; see: conman drivers")
    if link.attempt_started is not None:
        lasting = moment.now - link.attempt_started
        so_far = f"has been connecting for {seconds(lasting)}" if lasting >= 1 else "is connecting"
        before = f"; the try before failed: {failure}" if failure else ""
        return f"It {so_far}{before}."
    if link.failures:
        wait = link.retry_at - moment.now
        when = f"in {seconds(wait)}" if wait > 0 else "now"
        return f"Try {link.failures + 1} comes {when}. {full_stop(failure)}"
    if link.metered or link.spent:
        return _why_cold(link, moment)
    return full_stop(failure or "It is about to be connected")


def _why_cold(link: Track, moment: Moment) -> str:
    if link.spent:
        return _why_spent(link)
    idle = "not needed while another link works (standby = cold)"
    waits = "starts when the other links have failed or had their time"
    works = moment.uplink is not None and moment.uplink.verified
    return f"It is metered and {idle if works else waits}."


def _why_standby(link: Track, moment: Moment) -> str:
    uplink = moment.uplink
    if link.spent:
        return _why_spent(link)
    if uplink is None or not moment.better(link):
        return "It reaches the internet and stands by; it comes later in priority."
    if not moment.policy.failback:
        return f"It works again, but failback = never keeps {uplink.name} until that is lost."
    left = seconds(max(moment.dwell_ends(link) - moment.now, 0))
    lost = losses(link, moment.now)
    history = f", having been lost {lost} times lately" if lost > 1 else ""
    rounds = min(link.good_rounds, TRIAL_ROUNDS)
    return (
        f"It works again and is on trial{history}: {rounds} of {TRIAL_ROUNDS} good rounds, "
        f"{left} of its dwell left."
    )


def machine_state(moment: Moment, *, starting: bool = False) -> str:
    """Return the machine's state: online, limited, portal, connecting or offline.

    `starting`: not all drivers have told yet which links there are.
    """
    uplink = moment.uplink
    if uplink is not None and uplink.verified:
        return "online"
    if uplink is not None and uplink.verdict in {Verdict.PORTAL, Verdict.LIMITED}:
        return str(uplink.verdict)
    if starting or any(_under_way(link) for link in moment.links):
        return "connecting"
    return "offline"


def _under_way(link: Track) -> bool:
    if link.held is Held.NONE:
        return link.attempt_started is not None and not link.failures
    return link.carrier and link.verdict is None

"""From what answered and what did not to a verdict and the sentence for it. Pure."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from conman_core.model import Verdict
from conman_core.reach.path import Path


class Method(enum.StrEnum):
    """How something was asked."""

    PING = "ping"
    DNS = "dns"
    PAGE = "page"
    ROUTER = "router"  #: echo or address resolution of the link's gateway


class Outcome(enum.IntEnum):
    """What came of asking; of two about the same target the higher one counts."""

    SILENT = 0
    FAILED = 1  #: it could not be asked: the kernel refused, or knows no way
    REFUSED = 2  #: somebody answered, but not with what was asked for
    PORTAL = 3  #: somebody answered in the page's place
    ANSWERED = 4


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that was asked. `target` is an address or a URL, `rtt` is in seconds."""

    method: Method
    target: str
    outcome: Outcome = Outcome.SILENT
    rtt: float | None = None
    note: str = ""
    by: str = ""  #: who refused, if not the target itself
    login_page: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return it for people and programs; `rtt_ms` is null if nothing came back."""
        return {
            "method": self.method.value,
            "target": self.target,
            "outcome": self.outcome.name.lower(),
            "rtt_ms": None if self.rtt is None else round(self.rtt * 1000, 1),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, the method that it rests on (None: on silence) and the sentence for people."""

    verdict: Verdict
    basis: Method | None
    sentence: str


def judge(path: Path, asks: Sequence[Ask], *, names_matter: bool) -> Judgement:
    """Return what all that is known so far amounts to.

    `names_matter` False: silence of the link's DNS servers does not count against it.
    """
    page, ping = _best(asks, Method.PAGE), _best(asks, Method.PING)
    portal = _first(asks, Method.PAGE, Outcome.PORTAL)
    if portal and not page:
        return Judgement(Verdict.PORTAL, Method.PAGE, _portal_sentence(portal))
    proof = page or ping
    if proof:
        servers = [ask for ask in asks if ask.method is Method.DNS]
        if names_matter and servers and not _best(servers, Method.DNS):
            sentence = f"{proof.target} answers but {_silent_servers(servers)}"
            return Judgement(Verdict.LIMITED, Method.DNS, sentence)
        return Judgement(Verdict.ONLINE, proof.method, f"{proof.target} answers{_in(proof.rtt)}")
    far = _best((ask for ask in asks if _is_far(path, ask)), Method.DNS)
    if far:
        sentence = f"the DNS server {far.target} beyond the router answers{_in(far.rtt)}"
        return Judgement(Verdict.ONLINE, Method.DNS, sentence)
    return _not_online(path, asks)


def judge_router(path: Path, asks: Sequence[Ask]) -> Judgement:
    """Return the verdict on a link of which only the router is asked for."""
    router = _best(asks, Method.ROUTER)
    if router:
        sentence = (
            f"the router {router.target} answers{_in(router.rtt)}; check = gateway asks no more"
        )
        return Judgement(Verdict.ONLINE, Method.ROUTER, sentence)
    return Judgement(Verdict.OFFLINE, None, _nothing(path, asks))


def round_trip(asks: Iterable[Ask]) -> float | None:
    """Return the shortest round-trip time in seconds: of echoes, else pages, names, the router."""
    answers = [ask for ask in asks if ask.outcome is Outcome.ANSWERED]
    for method in (Method.PING, Method.PAGE, Method.DNS, Method.ROUTER):
        if best := _best(answers, method):
            return best.rtt
    return None


def _not_online(path: Path, asks: Sequence[Ask]) -> Judgement:
    heard = [ask for ask in asks if ask.outcome >= Outcome.REFUSED]
    gateway = str(path.gateway)
    if any(gateway == (ask.by or ask.target) for ask in heard):
        sentence = f"the router {gateway} answers, the internet beyond it does not"
        refusal = next((ask for ask in heard if ask.outcome is Outcome.REFUSED), None)
        if refusal and refusal.method is not Method.PAGE:
            sentence += f": {refusal.target}: {refusal.note}"
        sentence += _failures(asks)
        return Judgement(Verdict.LIMITED, Method.ROUTER, sentence)
    if heard:
        first = max(heard, key=lambda ask: ask.outcome)
        said = f"{_what(first)} {first.target} answers{': ' if first.note else ''}{first.note}"
        sentence = f"{said}; the internet does not answer on {path.interface}"
        return Judgement(Verdict.LIMITED, first.method, sentence)
    return Judgement(Verdict.OFFLINE, None, _nothing(path, asks))


def _what(ask: Ask) -> str:
    return "the DNS server" if ask.method is Method.DNS else "something at"


def _nothing(path: Path, asks: Sequence[Ask]) -> str:
    sentence = f"nothing answers on {path.interface}"
    if path.gateway is not None:
        sentence += f", not even its router {path.gateway}"
    return sentence + _failures(asks)


def _failures(asks: Sequence[Ask]) -> str:
    """Say what the kernel said, if nothing could be asked at all."""
    first_hand = [ask for ask in asks if ask.method is not Method.PAGE]  # pages need names first
    if any(ask.outcome is Outcome.SILENT for ask in first_hand):
        return ""
    notes = sorted({ask.note for ask in first_hand if ask.outcome is Outcome.FAILED})
    return f" ({'; '.join(notes)})" if notes else ""


def _silent_servers(servers: Sequence[Ask]) -> str:
    names = ", ".join(ask.target for ask in servers)
    refusals = {ask.note for ask in servers if ask.outcome is Outcome.REFUSED}
    plural = len(servers) > 1
    does = f"say{'' if plural else 's'} {'; '.join(sorted(refusals))}"
    if not refusals:
        does = "do not" if plural else "does not"
    return f"the link's DNS server{'s' if plural else ''} {names} {does}: names do not resolve"


def _portal_sentence(portal: Ask) -> str:
    if portal.login_page:
        return f"a login page answers instead of the internet; open {portal.login_page}"
    return f"something else answers in the place of {portal.target}: {portal.note}"


def _is_far(path: Path, ask: Ask) -> bool:
    return ask.method is Method.DNS and path.proves_internet(ip_address(ask.target))


def _first(asks: Iterable[Ask], method: Method, outcome: Outcome) -> Ask | None:
    return next((ask for ask in asks if ask.method is method and ask.outcome is outcome), None)


def _best(asks: Iterable[Ask], method: Method) -> Ask | None:
    answered = [ask for ask in asks if ask.method is method and ask.outcome is Outcome.ANSWERED]
    return min(answered, key=lambda ask: ask.rtt or 0.0, default=None)


def _in(rtt: float | None) -> str:
    return "" if rtt is None else f" in {rtt * 1000:.0f} ms"

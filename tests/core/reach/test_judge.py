"""What the evidence of a round amounts to, and the sentence that a person reads."""

from __future__ import annotations

from ipaddress import IPv4Interface, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core.model import Family, Verdict
from conman_core.reach.judge import Ask, Method, Outcome, judge, judge_router
from conman_core.reach.path import Path

ROUTER = "192.168.1.1"
OWN = IPv4Interface("192.168.1.20/24")
PATH = Path("eth0", Family.IPV4, OWN, (OWN,), ip_address(ROUTER), (ip_address(ROUTER),))
PAGE = "http://check.example/204"
BACKUP_PAGE = "http://other.example/"
RANK = {Verdict.OFFLINE: 0, Verdict.LIMITED: 1, Verdict.ONLINE: 2}


def ping(outcome, host="1.1.1.1", **rest):
    return Ask(Method.PING, host, outcome, **rest)


def dns(outcome, server=ROUTER, **rest):
    return Ask(Method.DNS, server, outcome, **rest)


def page(outcome, url=PAGE, **rest):
    return Ask(Method.PAGE, url, outcome, **rest)


def router(outcome, **rest):
    return Ask(Method.ROUTER, ROUTER, outcome, **rest)


OK, NO, FAILED, REFUSED, PORTAL = (
    Outcome.ANSWERED,
    Outcome.SILENT,
    Outcome.FAILED,
    Outcome.REFUSED,
    Outcome.PORTAL,
)
LOGIN = {"login_page": "http://hotel.example/login"}

TABLE = [
    # evidence, do names matter, verdict, the sentence
    ([page(OK, rtt=0.02), dns(OK)], True, Verdict.ONLINE, f"{PAGE} answers in 20 ms"),
    ([ping(OK, rtt=0.012), dns(OK)], True, Verdict.ONLINE, "1.1.1.1 answers in 12 ms"),
    ([ping(OK), ping(NO, "8.8.8.8"), dns(OK)], True, Verdict.ONLINE, "1.1.1.1 answers"),
    (
        [ping(OK, rtt=0.03), ping(OK, "8.8.8.8", rtt=0.01)],
        True,
        Verdict.ONLINE,
        "8.8.8.8 answers in 10 ms",
    ),
    ([ping(OK)], True, Verdict.ONLINE, "1.1.1.1 answers"),  # names were not asked about
    ([ping(OK), dns(NO)], False, Verdict.ONLINE, "1.1.1.1 answers"),
    (
        [ping(OK), dns(NO)],
        True,
        Verdict.LIMITED,
        f"1.1.1.1 answers but the link's DNS server {ROUTER} does not: names do not resolve",
    ),
    (
        [ping(OK), dns(REFUSED, note="SERVFAIL")],
        True,
        Verdict.LIMITED,
        f"1.1.1.1 answers but the link's DNS server {ROUTER} says SERVFAIL: names do not resolve",
    ),
    (
        [ping(OK), dns(NO), dns(NO, "10.0.0.53")],
        True,
        Verdict.LIMITED,
        f"1.1.1.1 answers but the link's DNS servers {ROUTER}, 10.0.0.53 do not: "
        "names do not resolve",
    ),
    ([ping(OK), dns(NO), dns(OK, "10.0.0.53")], True, Verdict.ONLINE, "1.1.1.1 answers"),
    # a page that was found by its address says nothing of names
    (
        [page(OK, "http://192.0.2.1/"), dns(NO)],
        True,
        Verdict.LIMITED,
        f"http://192.0.2.1/ answers but the link's DNS server {ROUTER} does not: "
        "names do not resolve",
    ),
    (
        [page(PORTAL, **LOGIN), ping(OK), dns(OK)],
        True,
        Verdict.PORTAL,
        "a login page answers instead of the internet; open http://hotel.example/login",
    ),
    (
        [page(PORTAL, note="an unknown page"), page(NO, BACKUP_PAGE)],
        True,
        Verdict.PORTAL,
        f"something else answers in the place of {PAGE}: an unknown page",
    ),
    ([page(PORTAL), page(OK, BACKUP_PAGE)], True, Verdict.ONLINE, f"{BACKUP_PAGE} answers"),
    (
        [ping(NO), dns(OK, "9.9.9.9"), page(NO)],
        True,
        Verdict.ONLINE,
        "the DNS server 9.9.9.9 beyond the router answers",
    ),
    (
        [ping(NO), dns(OK), page(NO), router(NO)],
        True,
        Verdict.LIMITED,
        f"the router {ROUTER} answers, the internet beyond it does not",
    ),
    (
        [ping(NO), dns(OK, "10.0.0.53", note="x is 192.0.2.1"), router(NO)],
        True,
        Verdict.LIMITED,
        "the DNS server 10.0.0.53 answers: x is 192.0.2.1; the internet does not answer on eth0",
    ),
    (
        [ping(NO), router(OK)],
        True,
        Verdict.LIMITED,
        f"the router {ROUTER} answers, the internet beyond it does not",
    ),
    (
        [ping(REFUSED, note=f"network unreachable (says {ROUTER})", by=ROUTER), router(NO)],
        True,
        Verdict.LIMITED,
        f"the router {ROUTER} answers, the internet beyond it does not: "
        f"1.1.1.1: network unreachable (says {ROUTER})",
    ),
    (
        [ping(NO), dns(NO), router(NO)],
        True,
        Verdict.OFFLINE,
        f"nothing answers on eth0, not even its router {ROUTER}",
    ),
    (
        [ping(FAILED, note="network is down")],
        True,
        Verdict.OFFLINE,
        f"nothing answers on eth0, not even its router {ROUTER} (network is down)",
    ),
    (
        [ping(FAILED, note="network is down"), router(NO)],
        True,
        Verdict.OFFLINE,
        f"nothing answers on eth0, not even its router {ROUTER}",
    ),
]


@pytest.mark.parametrize(("asks", "names_matter", "verdict", "sentence"), TABLE)
def test_the_evidence_gives_the_verdict_and_its_sentence(asks, names_matter, verdict, sentence):
    judgement = judge(PATH, asks, names_matter=names_matter)
    assert (judgement.verdict, judgement.sentence) == (verdict, sentence)


@pytest.mark.parametrize("server", ["192.168.1.7", "10.1.2.3", "100.64.0.1", "169.254.1.1"])
def test_a_dns_server_of_the_lan_or_the_operator_proves_no_internet(server):
    assert judge(PATH, [dns(OK, server)], names_matter=True).verdict is Verdict.LIMITED


def test_a_public_address_inside_the_links_own_network_proves_no_internet():
    own = IPv4Interface("9.9.9.20/24")
    path = Path("eth0", Family.IPV4, own, (own,), ip_address("9.9.9.1"))
    assert judge(path, [dns(OK, "9.9.9.9")], names_matter=True).verdict is Verdict.LIMITED


def test_a_link_without_a_router_is_not_said_to_have_one():
    own = IPv4Interface("10.64.64.64/32")
    path = Path("ppp0", Family.IPV4, own, (own,), None)
    judgement = judge(path, [ping(NO)], names_matter=False)
    assert judgement.sentence == "nothing answers on ppp0"


def test_where_only_the_router_counts_it_alone_decides():
    assert judge_router(PATH, [router(OK, rtt=0.001)]).verdict is Verdict.ONLINE
    assert judge_router(PATH, [router(NO)]).verdict is Verdict.OFFLINE


asks = st.one_of(
    st.builds(ping, st.sampled_from([NO, FAILED, REFUSED, OK]), st.just("1.1.1.1")),
    st.builds(ping, st.sampled_from([NO, FAILED, REFUSED, OK]), st.just("8.8.8.8")),
    st.builds(dns, st.sampled_from([NO, FAILED, REFUSED, OK]), st.just(ROUTER)),
    st.builds(dns, st.sampled_from([NO, FAILED, REFUSED, OK]), st.just("9.9.9.9")),
    st.builds(page, st.sampled_from(list(Outcome)), st.just(PAGE)),
    st.builds(page, st.sampled_from(list(Outcome)), st.just(BACKUP_PAGE)),
    st.builds(router, st.sampled_from([NO, FAILED, OK])),
)
rounds = st.lists(asks, max_size=7, unique_by=lambda ask: (ask.method, ask.target))


@given(rounds, st.booleans())
def test_online_needs_an_answer_from_beyond_the_router(asks, names_matter):
    beyond = any(
        ask.outcome is OK and (ask.method in (Method.PING, Method.PAGE) or ask.target == "9.9.9.9")
        for ask in asks
    )
    if judge(PATH, asks, names_matter=names_matter).verdict is Verdict.ONLINE:
        assert beyond


@given(rounds, st.booleans())
def test_offline_means_that_nobody_answered_at_all(asks, names_matter):
    heard = any(ask.outcome >= REFUSED for ask in asks)
    assert (judge(PATH, asks, names_matter=names_matter).verdict is Verdict.OFFLINE) != heard


@given(rounds, st.booleans())
def test_a_login_page_is_believed_unless_another_page_is_the_right_one(asks, names_matter):
    outcomes = {ask.outcome for ask in asks if ask.method is Method.PAGE}
    portal = PORTAL in outcomes and OK not in outcomes
    assert (judge(PATH, asks, names_matter=names_matter).verdict is Verdict.PORTAL) == portal


@given(rounds, st.booleans(), st.data())
def test_one_more_answer_never_makes_a_link_worse(asks, names_matter, data):
    before = judge(PATH, asks, names_matter=names_matter).verdict
    if not asks or before is Verdict.PORTAL:
        return
    index = data.draw(st.integers(0, len(asks) - 1))
    better = [*asks]
    better[index] = Ask(asks[index].method, asks[index].target, OK)
    assert RANK[judge(PATH, better, names_matter=names_matter).verdict] >= RANK[before]


@given(rounds, st.booleans(), st.randoms())
def test_the_order_of_the_answers_does_not_matter(asks, names_matter, random):
    shuffled = [*asks]
    random.shuffle(shuffled)
    one = judge(PATH, asks, names_matter=names_matter)
    other = judge(PATH, shuffled, names_matter=names_matter)
    assert one.verdict is other.verdict

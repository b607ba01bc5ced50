"""Tokens, origins and limits keep strangers out and the page alive."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from conman_plugins.accesspoint.page.often import SUBMITS, SUBMITS_IN, submits
from conman_plugins.accesspoint.page.shield import (
    BURST,
    RATE,
    TOKEN_LIFE,
    Rate,
    Tokens,
    same_site,
)

TOKENS = Tokens(b"k" * 32)
OURS = frozenset({"10.0.0.1", "192.0.2.1"})


def test_a_token_is_good_for_its_client_and_form_for_an_hour() -> None:
    token = TOKENS.make("10.0.0.7", "wifi", 1000.0)
    assert TOKENS.good(token, "10.0.0.7", "wifi", 1000.0 + TOKEN_LIFE)
    assert not TOKENS.good(token, "10.0.0.7", "wifi", 1001.0 + TOKEN_LIFE)
    assert not TOKENS.good(token, "10.0.0.8", "wifi", 1000.0)
    assert not TOKENS.good(token, "10.0.0.7", "wwan", 1000.0)
    assert not Tokens(b"x" * 32).good(token, "10.0.0.7", "wifi", 1000.0)


def test_an_older_clock_makes_no_token_good() -> None:
    token = TOKENS.make("10.0.0.7", "wifi", 1000.0)
    assert not TOKENS.good(token, "10.0.0.7", "wifi", 990.0)


@given(st.text(max_size=80))
def test_no_made_up_token_is_good(token: str) -> None:
    assert not TOKENS.good(token, "10.0.0.7", "wifi", 1000.0)


def test_only_our_own_page_may_send() -> None:
    assert same_site({"Origin": "http://10.0.0.1"}, OURS)
    assert same_site({"Origin": "http://192.0.2.1:80", "Sec-Fetch-Site": "same-origin"}, OURS)
    assert same_site({}, OURS)
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "https://10.0.0.1"},
        {"Origin": "null"},
        {"Origin": "http://10.0.0.1.evil.example"},
        {"Origin": "http://[::1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert not same_site(headers, OURS)


def test_a_flood_of_one_client_costs_nobody_else() -> None:
    rate = Rate()
    allowed = sum(rate.allow("10.0.0.7", 5.0) for _ in range(1000))
    assert allowed == BURST
    assert rate.allow("10.0.0.8", 5.0)
    assert not rate.allow("10.0.0.7", 5.0 + 0.5 / RATE)
    assert rate.allow("10.0.0.7", 8.0)


def test_clients_without_number_take_no_memory() -> None:
    rate = Rate()
    for number in range(10_000):
        rate.allow(str(number), 0.0)
    assert len(rate._buckets) <= 256


def test_only_so_many_tries_a_minute() -> None:
    tries = submits()
    assert all(tries.allow(float(second)) for second in range(SUBMITS))
    assert not tries.allow(SUBMITS_IN - 1)
    assert tries.allow(SUBMITS_IN)
    assert not tries.allow(SUBMITS_IN)

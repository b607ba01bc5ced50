"""Every system's own question leads to the page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_plugins.accesspoint.page.captive import PROBES, Probe, host_of, is_ours
from tests.accesspoint.pagekit import Site


@pytest.mark.parametrize("probe", PROBES, ids=lambda p: f"{p.system} {p.host}{p.path}")
def test_each_probe_is_led_to_the_page(site: Site, probe: Probe) -> None:
    headers = {"Host": probe.host, "User-Agent": probe.agent or "test"}
    status, answer, body = site.ask("GET", probe.path, None, headers)
    assert status == 302
    assert answer["Location"] == "http://127.0.0.1/"
    assert answer["Cache-Control"] == "no-store"
    assert probe.expects.encode() not in body


def test_a_probe_is_answered_so_after_success_too(site: Site) -> None:
    status, *_ = site.ask("GET", "/hotspot-detect.html", None, {"Host": "captive.apple.com"})
    assert status == 302


@pytest.mark.parametrize("path", ["/", "/api/connect", "/look", "/generate_204"])
def test_a_foreign_host_cannot_change_anything(site: Site, path: str) -> None:
    status, *_ = site.ask("POST", path, b"driver=wifi", {"Host": "evil.example"})
    assert status == 403
    assert not site.submissions


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("10.0.0.1:80", "10.0.0.1"),
        ("Example.ORG.", "example.org"),
        ("[2001:db8::1]:80", "[2001:db8::1]"),
        ("10.0.0.1:80:80", ""),
        ("10.0.0.1/evil", ""),
        ("a b", ""),
        ("", ""),
        ("10.0.0.1@evil", ""),
    ],
)
def test_hosts_are_read_strictly(header: str, host: str) -> None:
    assert host_of(header) == host


@given(st.text())
def test_no_text_is_ours_but_our_addresses(header: str) -> None:
    assert is_ours(header, {"10.0.0.1"}) == (host_of(header) == "10.0.0.1")

"""The options of [conman]: what they mean, and what they do not take."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core import settings
from conman_core.options import Kind, Option


def complaints(name: str, text: str) -> list[str]:
    option = next(option for option in settings.OPTIONS if option.name == name)
    return list(settings.complaints(name, option.parse(text)))


def test_the_defaults_are_valid_themselves():
    for option in settings.OPTIONS:
        assert list(settings.complaints(option.name, option.parse(option.default))) == []


def test_the_defaults_are_those_that_users_were_promised():
    made = settings.default_settings()
    assert made.priority == ("ethernet", "wifi", "hilink", "wwan", "sakis3g")
    assert (made.check_interval, made.standby_check_interval) == (8.0, 60.0)
    assert made.check_targets == tuple(map(ip_address, ("1.1.1.1", "8.8.8.8", "9.9.9.9")))
    assert (made.stagger, made.failback_dwell, made.metered_after) == (0.25, 10.0, 20.0)
    assert (made.dns, made.failback, made.standby, made.provision) == (
        "auto", "auto", "cold", "boot",
    )  # fmt: skip
    assert made.resolv_conf == Path("/etc/resolv.conf")
    assert made.disable == frozenset()
    assert not made.priority_is_users


def test_every_option_has_a_field_and_every_field_an_option():
    fields = set(settings.Settings.__dataclass_fields__) - {"priority_is_users"}
    assert fields == {option.name.replace("-", "_") for option in settings.OPTIONS}


def test_cellular_first_moves_cellular_links_up_and_keeps_both_orders():
    made = replace(
        settings.default_settings(),
        priority=("ethernet:eth0", "wwan:cdc-wdm0", "wifi", "hilink"),
        cellular_first=True,
    )
    assert made.order == ("wwan:cdc-wdm0", "hilink", "ethernet:eth0", "wifi")
    assert replace(made, cellular_first=False).order == made.priority


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("check-interval", "999ms"),
        ("check-interval", "61m"),
        ("check-interval", "0"),
        ("standby-check-interval", "2d"),
        ("failback-dwell", "2h"),
        ("stagger", "31s"),
        ("metered-after", "2h"),
        ("priority", ""),
        ("priority", "ethernet eth0"),
        ("priority", "Ethernet"),
        ("priority", "ethernet:"),
        ("priority", "wifi, ethernet, wifi"),
        ("check-targets", ""),
        ("check-targets", "127.0.0.1"),
        ("check-targets", "0.0.0.0"),
        ("check-targets", "fe80::1"),
        ("check-targets", "1.1.1.1, ff02::1"),
        ("check-url", ""),
        ("check-url", "https://example.org/"),
        ("check-url", "example.org/page"),
        ("check-url", "http://"),
        ("check-url", "http://user:key@example.org/"),
        ("check-url", "http://example.org:0/"),
        ("check-url", "http://example.org:65536/"),
        ("check-url", "http://example.org/a b"),
        ("resolv-conf", "resolv.conf"),
        ("resolv-conf", ""),
        ("disable", "wifi ethernet"),
    ],
)
def test_a_value_that_would_not_work_is_refused(name: str, text: str):
    assert complaints(name, text)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("check-interval", "1s"),
        ("check-interval", "1h"),
        ("stagger", "0"),
        ("priority", "ethernet:eth0, ethernet, wwan:cdc-wdm0, acme_2:/dev/ttyUSB0"),
        ("check-targets", "192.168.7.1, 2606:4700:4700::1111"),
        ("check-url", "http://[2001:db8::1]:8080/x?y=1, http://portal-check.example"),
        ("disable", "wifi, accesspoint"),
        ("resolv-conf", "/run/conman/resolv.conf"),
    ],
)
def test_a_value_that_works_is_taken(name: str, text: str):
    assert complaints(name, text) == []


def test_a_range_is_part_of_the_complaint():
    assert complaints("check-interval", "10ms") == ["must be from 1s to 1h"]


@given(st.sampled_from(sorted(settings._CHECKS)), st.text(max_size=60))
def test_any_text_gives_a_value_or_a_complaint(name: str, text: str):
    options = (*settings.OPTIONS, *settings.DRIVER_OPTIONS)
    option = next(option for option in options if option.name == name)
    try:
        value = option.parse(text)
    except ValueError:
        return
    assert all(isinstance(complaint, str) for complaint in settings.complaints(name, value))


def test_the_options_of_a_driver_cannot_take_the_cores_names():
    own = (Option("metered", Kind.TEXT, "", "mine"), Option("apn", Kind.TEXT, "", "APN"))
    options = {option.name: option for option in settings.section_options(own)}
    assert list(options) == [
        *("apn", "check", "metered", "recover"),
        *("data-limit", "data-limit-action", "data-limit-day"),
    ]
    assert options["metered"].kind is Kind.CHOICE

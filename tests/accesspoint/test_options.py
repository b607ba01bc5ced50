"""Every setting of the access point: what may be written, and what a person reads otherwise."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conman_core import Kind
from conman_core.errors import ConfigError
from conman_plugins.accesspoint.options import OPTIONS
from conman_plugins.accesspoint.plugin import AccessPoint
from tests.accesspoint.kit import settings, values

few = hypothesis_settings(max_examples=40)
NO_KEY = (
    "[conman:accesspoint] passphrase is not allowed; "
    "allowed: auto, open, or 8 to 63 characters as on an English keyboard"
)


def refused(**texts: str) -> str:
    with pytest.raises(ConfigError) as caught:
        settings(**texts)
    return str(caught.value)


def test_what_holds_without_any_setting() -> None:
    made = settings()
    assert made.ssid == "ContinuumBridge"
    assert made.passphrase == "auto"
    assert str(made.address) == "10.0.0.1/24"
    assert str(made.portal) == "192.0.2.1"
    assert (made.interface, made.country, made.led) == ("", "", "")
    assert (made.together, made.boot_note) == (True, True)
    assert (made.timeout, made.look_every) == (300.0, 180.0)


def test_each_setting_has_a_help_and_the_key_alone_is_secret() -> None:
    assert all(option.help.endswith(".") for option in OPTIONS)
    assert [option.name for option in OPTIONS if option.kind is Kind.SECRET] == ["passphrase"]


@pytest.mark.parametrize(
    "name", ["Box", "Box {serial}", "{hostname}-{mac}", "a{b", "Café 📶", "}{"]
)
def test_any_name_may_be_used(name: str) -> None:
    assert settings(ssid=name).ssid == name


@pytest.mark.parametrize("name", ["{host}", "Box {MAC}", "{}", "{serial} {ip}"])
def test_a_placeholder_that_does_not_exist_is_told_with_those_that_do(name: str) -> None:
    said = refused(ssid=name)
    assert said == (
        f"[conman:accesspoint] ssid = {name} is not allowed; "
        "allowed: a name, with {hostname}, {serial}, {mac} where these are wanted"
    )


def test_a_network_without_a_name_is_refused() -> None:
    assert refused(ssid="").endswith("allowed: a name of at most 32 bytes")


@pytest.mark.parametrize("key", ["auto", "open", "8 chars!", "x" * 63, 'a "\\;,:#'])
def test_a_key_is_as_a_wifi_key_may_be(key: str) -> None:
    assert settings(passphrase=key).passphrase == key


@pytest.mark.parametrize(
    "key", ["", "7 chars", "x" * 64, "with-é-in-it", "tab\tinside", "AUTO", "Open"]
)
def test_any_other_key_is_refused_and_never_repeated(key: str) -> None:
    assert refused(passphrase=key) == NO_KEY


@few
@given(st.text(min_size=8).filter(lambda key: not re.fullmatch("[ -~]{8,63}", key.strip())))
def test_no_refused_key_is_in_what_is_said(key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settings(passphrase=key)
    assert str(caught.value) == NO_KEY


@few
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=63))
def test_each_key_from_the_keyboard_is_taken_as_it_is(key: str) -> None:
    assert settings(passphrase=key).passphrase == key


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.77.254", "172.16.0.9"])
def test_the_page_has_any_address_of_a_host(address: str) -> None:
    made = settings(address=address)
    assert str(made.address) == f"{address}/24"


@pytest.mark.parametrize("address", ["10.0.0.1/16", "page.local", "fd00::1", "10.0.0"])
def test_what_is_no_address_is_refused(address: str) -> None:
    said = refused(address=address)
    assert said == (
        f"[conman:accesspoint] address = {address} is not allowed; "
        "allowed: an IPv4 address such as 10.0.0.1"
    )


@pytest.mark.parametrize(
    "address", ["10.0.0.0", "10.0.0.255", "127.0.0.1", "224.0.0.1", "0.0.0.1", "255.255.255.1"]
)
def test_an_address_that_no_host_can_have_is_refused(address: str) -> None:
    assert "an address of a host" in refused(address=address)


@pytest.mark.parametrize("portal", ["none", "", "10.0.0.1", "10.0.0.77"])
def test_the_pages_own_address_can_be_the_answer_to_all_names(portal: str) -> None:
    assert settings(portal_address=portal).portal is None


def test_another_answer_is_an_address_of_its_own() -> None:
    assert str(settings(portal_address="198.51.100.7").portal) == "198.51.100.7"


@pytest.mark.parametrize(
    "portal", ["2001:db8::1", "127.0.0.1", "224.0.0.1", "example.com", "0.0.0.0", "255.255.255.255"]
)
def test_an_answer_that_phones_cannot_use_is_refused(portal: str) -> None:
    assert refused(portal_address=portal) == (
        f"[conman:accesspoint] portal-address = {portal} is not allowed; "
        "allowed: an IPv4 address such as 192.0.2.1, or none"
    )


@pytest.mark.parametrize(("text", "country"), [("gb", "GB"), ("DE", "DE"), ("", ""), ("fr ", "FR")])
def test_a_country_is_two_letters(text: str, country: str) -> None:
    assert settings(country=text).country == country


@pytest.mark.parametrize("text", ["G", "GBR", "00", "Greece", "ÄÖ"])
def test_what_is_no_country_is_refused(text: str) -> None:
    assert refused(country=text).endswith("allowed: two letters such as GB")


@pytest.mark.parametrize("name", ["wlan0 wlan1", "wlan0, wlan1", "wl*", "wlan0;", "x" * 16])
def test_what_is_not_the_name_of_one_radio_is_refused(name: str) -> None:
    assert refused(interface=name) == (
        f"[conman:accesspoint] interface = {name} is not allowed; "
        "allowed: the name of one radio such as wlan0"
    )


def test_all_that_is_wrong_is_told_before_it_is_used_and_no_key() -> None:
    """By `conman config check`, with the line of each: see what the core makes of it."""
    texts = {"ssid": "{x}", "passphrase": "secret", "address": "10.0.0.0", "portal-address": "::1",
             "interface": "a b", "country": "Greece"}  # fmt: skip
    wrong = dict(AccessPoint.check_settings(values(**texts)))

    assert wrong.keys() == texts.keys()
    assert all(sentence.startswith(key) for key, sentence in wrong.items())
    assert "secret" not in wrong["passphrase"]
    assert list(AccessPoint.check_settings(values())) == []


def test_both_on_one_radio_and_the_note_can_be_switched_off() -> None:
    made = settings(together="no", boot_note="no")
    assert (made.together, made.boot_note) == (False, False)


def test_times_are_in_seconds() -> None:
    made = settings(timeout="10m", look_every="45s")
    assert (made.timeout, made.look_every) == (600.0, 45.0)


@pytest.mark.parametrize("text", ["0", "0s", "9s", "100ms", ""])
def test_a_timeout_too_short_for_a_phone_is_refused(text: str) -> None:
    said = refused(timeout=text)
    assert said.endswith("is not allowed; allowed: a duration of at least 10s; a day is 24h")
    assert settings(timeout="10s").timeout == 10.0


@pytest.mark.parametrize("text", ["0", "4s", ""])
def test_to_look_without_a_pause_is_refused(text: str) -> None:
    assert "allowed: a duration of at least 5s" in refused(look_every=text)
    assert settings(look_every="5s").look_every == 5.0

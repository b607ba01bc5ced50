"""What wpa_supplicant announces becomes a value; the lines are those of its source, and of runs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_plugins.wifi import events
from conman_plugins.wifi.eventlines import parse_event
from conman_plugins.wifi.events import Event, reason_words, status_words
from tests.wifi.test_scan import escape, ssids

AP = "02:00:00:00:01:00"
LINES: list[tuple[str, Event]] = [
    (
        f"CTRL-EVENT-CONNECTED - Connection to {AP} completed [id=0 id_str=]",
        events.Connected(AP, 0),
    ),
    (
        f"CTRL-EVENT-CONNECTED - Connection to {AP} completed (auth) [id=7 id_str=home]",
        events.Connected(AP, 7),
    ),
    (f"CTRL-EVENT-DISCONNECTED bssid={AP} reason=3", events.Disconnected(AP, 3, False)),
    (
        f"CTRL-EVENT-DISCONNECTED bssid={AP} reason=4 locally_generated=1",
        events.Disconnected(AP, 4, True),
    ),
    (
        'CTRL-EVENT-SSID-TEMP-DISABLED id=0 ssid="Home" auth_failures=1 duration=10 '
        "reason=WRONG_KEY",
        events.TempDisabled(0, b"Home", "WRONG_KEY", 1, 10),
    ),
    ('CTRL-EVENT-SSID-REENABLED id=0 ssid="Ho\\"me"', events.Reenabled(0, b'Ho"me')),
    (
        f"CTRL-EVENT-AUTH-REJECT {AP} auth_type=3 auth_transaction=2 status_code=1",
        events.AuthReject(AP, 3, 2, 1),
    ),
    (
        f"CTRL-EVENT-AUTH-REJECT {AP} auth_type=0 auth_transaction=2 status_code=17 ie=dd",
        events.AuthReject(AP, 0, 2, 17),
    ),
    (
        f"CTRL-EVENT-ASSOC-REJECT bssid={AP} status_code=30",
        events.AssocReject(AP, 30, False),
    ),
    ("CTRL-EVENT-ASSOC-REJECT status_code=16 timeout=auth", events.AssocReject(None, 16, True)),
    (
        "WPA: 4-Way Handshake failed - pre-shared key may be incorrect",
        events.HandshakeFailed(),
    ),
    ("CTRL-EVENT-SCAN-STARTED ", events.ScanStarted()),
    ("CTRL-EVENT-SCAN-RESULTS ", events.ScanResults()),
    ("CTRL-EVENT-SCAN-RESULTS id=4", events.ScanResults()),
    ("CTRL-EVENT-SCAN-FAILED ret=-16 retry=1", events.ScanFailed(-16, True)),
    ("CTRL-EVENT-SCAN-FAILED ret=-1", events.ScanFailed(-1)),
    ("CTRL-EVENT-NETWORK-NOT-FOUND ", events.NetworkNotFound()),
    (f"CTRL-EVENT-BSS-ADDED 34 {AP}", events.BssAdded(34, AP)),
    (f"CTRL-EVENT-BSS-REMOVED 34 {AP}", events.BssRemoved(34, AP)),
    (
        "CTRL-EVENT-REGDOM-CHANGE init=USER type=COUNTRY alpha2=GB",
        events.RegdomChange("USER", "COUNTRY", "GB"),
    ),
    ("CTRL-EVENT-REGDOM-CHANGE init=CORE type=WORLD", events.RegdomChange("CORE", "WORLD", "")),
    (
        "CTRL-EVENT-SIGNAL-CHANGE above=1 signal=-48 noise=9999 txrate=65000",
        events.SignalChange(True, -48, 9999, 65000),
    ),
    ("CTRL-EVENT-BEACON-LOSS ", events.BeaconLoss()),
    (
        "CTRL-EVENT-CHANNEL-SWITCH freq=2437 ht_enabled=1 ch_offset=0 ch_width=20 MHz cf1=2437",
        events.ChannelSwitch(2437),
    ),
    ("CTRL-EVENT-EAP-FAILURE EAP authentication failed", events.EapFailure()),
    (
        "CTRL-EVENT-EAP-TLS-CERT-ERROR reason=1 depth=1 subject='/C=GB' err='it's too old'",
        events.CertificateError("it's too old"),
    ),
    ("CTRL-EVENT-TERMINATING ", events.Terminating()),
]


@pytest.mark.parametrize(("text", "event"), LINES)
def test_each_announcement_becomes_its_event(text: str, event: Event) -> None:
    assert parse_event(f"<3>{text}") == event
    assert parse_event(f"IFNAME=wlan0 <3>{text}") == event
    assert parse_event(text) is None


@pytest.mark.parametrize(
    "line",
    [
        "<3>CTRL-EVENT-STARTED-CHANNEL-SWITCH freq=2437",
        f"<3>CTRL-EVENT-EAP-FAILURE2 {AP}",
        f"<3>SME: Trying to authenticate with {AP} (SSID='CTRL-EVENT-TERMINATING' freq=2412 MHz)",
        "<3>CTRL-EVENT-CONNECTED",
        "<3>CTRL-EVENT-SCAN-FAILED ret=",
        "OK",
        "",
    ],
)
def test_what_is_none_of_them_is_passed_over(line: str) -> None:
    assert parse_event(line) is None


@given(ssids)
def test_an_ssid_cannot_forge_the_rest_of_its_event(ssid: bytes) -> None:
    line = (
        f'<3>CTRL-EVENT-SSID-TEMP-DISABLED id=2 ssid="{escape(ssid)}" auth_failures=3 '
        "duration=60 reason=CONN_FAILED"
    )
    assert parse_event(line) == events.TempDisabled(2, ssid, "CONN_FAILED", 3, 60)


@given(st.text())
def test_no_line_is_too_odd(text: str) -> None:
    parse_event(text)
    parse_event(f"<3>{text}")


@given(st.sampled_from(LINES), st.integers(0, 100), st.text(max_size=3))
def test_no_torn_line_is_too_odd(known: tuple[str, Event], at: int, put: str) -> None:
    line = f"<3>{known[0]}"
    parse_event(line[:at] + put + line[at + len(put) :])
    parse_event(line[:at])


@given(st.integers())
def test_every_code_has_words(code: int) -> None:
    assert status_words(code)
    assert reason_words(code)


def test_the_codes_that_people_meet_are_told_plainly() -> None:
    assert status_words(17) == "the access point is full"
    assert "try again later" in status_words(30)
    assert "the key may be wrong" in reason_words(15)
    assert "without traffic" in reason_words(4)
    assert status_words(4242) == "status code 4242"
    assert reason_words(4242) == "reason code 4242"

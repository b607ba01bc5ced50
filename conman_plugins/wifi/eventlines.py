"""Reads the lines in which wpa_supplicant announces what happens. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from conman_plugins.wifi.events import (
    AssocReject,
    AuthReject,
    BeaconLoss,
    BssAdded,
    BssRemoved,
    CertificateError,
    ChannelSwitch,
    Connected,
    Disconnected,
    EapFailure,
    Event,
    HandshakeFailed,
    NetworkNotFound,
    Reenabled,
    RegdomChange,
    ScanFailed,
    ScanResults,
    ScanStarted,
    SignalChange,
    TempDisabled,
    Terminating,
)
from conman_plugins.wifi.scan import unescape

_PREFIX = re.compile(r"(?:IFNAME=\S+ )?<[0-9]{1,2}>")
_MAC = "((?:[0-9a-f]{2}:){5}[0-9a-f]{2})"
_INT = "(-?[0-9]{1,9})"
_SSID = r'ssid="((?:[^"\\]|\\.)*)"'

Make = Callable[[Sequence[str]], Event]
_FORMS: tuple[tuple[re.Pattern[str], Make], ...] = tuple(
    (re.compile(pattern), make)
    for pattern, make in (
        (
            rf"CTRL-EVENT-CONNECTED - [Cc]onnection to {_MAC} completed .*\[id={_INT}",
            lambda g: Connected(g[0], int(g[1])),
        ),
        (
            rf"CTRL-EVENT-DISCONNECTED bssid={_MAC} reason={_INT}( locally_generated=1)?",
            lambda g: Disconnected(g[0], int(g[1]), bool(g[2])),
        ),
        (
            rf"CTRL-EVENT-SSID-TEMP-DISABLED id={_INT} {_SSID} auth_failures={_INT} "
            rf"duration={_INT} reason=(\S+)",
            lambda g: TempDisabled(int(g[0]), unescape(g[1]), g[4], int(g[2]), int(g[3])),
        ),
        (
            rf"CTRL-EVENT-SSID-REENABLED id={_INT} {_SSID}",
            lambda g: Reenabled(int(g[0]), unescape(g[1])),
        ),
        (
            rf"CTRL-EVENT-AUTH-REJECT {_MAC} auth_type={_INT} auth_transaction={_INT} "
            rf"status_code={_INT}",
            lambda g: AuthReject(g[0], int(g[1]), int(g[2]), int(g[3])),
        ),
        (
            rf"CTRL-EVENT-ASSOC-REJECT (?:bssid={_MAC} )?status_code={_INT}( timeout)?",
            lambda g: AssocReject(g[0] or None, int(g[1]), bool(g[2])),
        ),
        ("WPA: 4-Way Handshake failed", lambda _: HandshakeFailed()),
        ("CTRL-EVENT-SCAN-STARTED", lambda _: ScanStarted()),
        ("CTRL-EVENT-SCAN-RESULTS", lambda _: ScanResults()),
        (
            rf"CTRL-EVENT-SCAN-FAILED ret={_INT}( retry=1)?",
            lambda g: ScanFailed(int(g[0]), bool(g[1])),
        ),
        ("CTRL-EVENT-NETWORK-NOT-FOUND", lambda _: NetworkNotFound()),
        (rf"CTRL-EVENT-BSS-ADDED {_INT} {_MAC}", lambda g: BssAdded(int(g[0]), g[1])),
        (rf"CTRL-EVENT-BSS-REMOVED {_INT} {_MAC}", lambda g: BssRemoved(int(g[0]), g[1])),
        (
            r"CTRL-EVENT-REGDOM-CHANGE init=(\S+) type=(\S+)(?: alpha2=([A-Z]{2}))?",
            lambda g: RegdomChange(g[0], g[1], g[2]),
        ),
        (
            rf"CTRL-EVENT-SIGNAL-CHANGE above=([01]) signal={_INT} noise={_INT} txrate={_INT}",
            lambda g: SignalChange(g[0] == "1", int(g[1]), int(g[2]), int(g[3])),
        ),
        ("CTRL-EVENT-BEACON-LOSS", lambda _: BeaconLoss()),
        (rf"CTRL-EVENT-CHANNEL-SWITCH freq={_INT}", lambda g: ChannelSwitch(int(g[0]))),
        (r"CTRL-EVENT-EAP-FAILURE\b", lambda _: EapFailure()),
        (
            r"CTRL-EVENT-EAP-TLS-CERT-ERROR .*err='(.*)'",
            lambda g: CertificateError(g[0]),
        ),
        ("CTRL-EVENT-TERMINATING", lambda _: Terminating()),
    )
)


def parse_event(line: str) -> Event | None:
    """Read a line such as `<3>CTRL-EVENT-SCAN-RESULTS `; None if it is none of these, or torn."""
    prefix = _PREFIX.match(line)
    if prefix is None:
        return None
    for pattern, make in _FORMS:
        if found := pattern.match(line, prefix.end()):
            return make(found.groups(default=""))
    return None

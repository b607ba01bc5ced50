"""What wpa_supplicant announces on its control socket, as typed values. Pure.

The lines are those of wpa_supplicant 2.10: WPA_EVENT_* in src/common/wpa_ctrl.h, and the wpa_msg
calls of events.c, sme.c, scan.c, notify.c and wpa_supplicant.c.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from conman_plugins.wifi.codes import reason_words, status_words
from conman_plugins.wifi.scan import unescape

__all__ = [
    "AssocReject",
    "AuthReject",
    "BeaconLoss",
    "BssAdded",
    "BssRemoved",
    "CertificateError",
    "ChannelSwitch",
    "Connected",
    "Disconnected",
    "EapFailure",
    "Event",
    "HandshakeFailed",
    "NetworkNotFound",
    "Reenabled",
    "RegdomChange",
    "ScanFailed",
    "ScanResults",
    "ScanStarted",
    "SignalChange",
    "TempDisabled",
    "Terminating",
    "parse_event",
    "reason_words",
    "status_words",
]


@dataclass(frozen=True, slots=True)
class Connected:
    """A network was joined, or another of its access points. `id` is wpa_supplicant's number."""

    bssid: str
    id: int


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The connection, or an attempt, has ended. See `reason_words`."""

    bssid: str
    reason: int
    locally_generated: bool  #: this side ended it


@dataclass(frozen=True, slots=True)
class TempDisabled:
    """wpa_supplicant leaves a network alone for `duration` seconds.

    `reason`: WRONG_KEY, CONN_FAILED, AUTH_FAILED or NO_PSK_AVAILABLE.
    """

    id: int
    ssid: bytes
    reason: str
    failures: int
    duration: int


@dataclass(frozen=True, slots=True)
class Reenabled:
    """wpa_supplicant would join a network again that it left alone."""

    id: int
    ssid: bytes


@dataclass(frozen=True, slots=True)
class AuthReject:
    """An access point refused the authentication. `auth_type` 3 is SAE. See `status_words`."""

    bssid: str
    auth_type: int
    auth_transaction: int
    status: int


@dataclass(frozen=True, slots=True)
class AssocReject:
    """An access point refused, or (`timeout`) did not answer. See `status_words`."""

    bssid: str | None
    status: int
    timeout: bool


@dataclass(frozen=True, slots=True)
class HandshakeFailed:
    """The access point broke the key exchange off: the key may be wrong. TempDisabled follows."""


@dataclass(frozen=True, slots=True)
class ScanStarted:
    """The radio looks around."""


@dataclass(frozen=True, slots=True)
class ScanResults:
    """A scan has ended well."""


@dataclass(frozen=True, slots=True)
class ScanFailed:
    """A scan could not be started: a negative error number. `retry`: it is tried again at once."""

    code: int
    retry: bool = False


@dataclass(frozen=True, slots=True)
class NetworkNotFound:
    """None of the enabled networks is in sight."""


@dataclass(frozen=True, slots=True)
class BssAdded:
    """An access point came into sight."""

    id: int
    bssid: str


@dataclass(frozen=True, slots=True)
class BssRemoved:
    """An access point was not heard for a while."""

    id: int
    bssid: str


@dataclass(frozen=True, slots=True)
class RegdomChange:
    """Other rules hold for the channels. `country`: two letters, empty for none in particular."""

    initiator: str
    type: str
    country: str


@dataclass(frozen=True, slots=True)
class SignalChange:
    """The signal crossed the threshold that was asked for."""

    above: bool
    signal: int  #: dBm
    noise: int  #: dBm
    rate: int  #: kbit/s


@dataclass(frozen=True, slots=True)
class BeaconLoss:
    """The access point is not heard any more."""


@dataclass(frozen=True, slots=True)
class ChannelSwitch:
    """The access point moved to another channel."""

    frequency: int  #: MHz


@dataclass(frozen=True, slots=True)
class EapFailure:
    """The network's login server refused the account."""


@dataclass(frozen=True, slots=True)
class CertificateError:
    """The network's login server showed a certificate that is not trusted."""

    text: str


@dataclass(frozen=True, slots=True)
class Terminating:
    """wpa_supplicant is about to end."""


Event = (
    Connected
    | Disconnected
    | TempDisabled
    | Reenabled
    | AuthReject
    | AssocReject
    | HandshakeFailed
    | ScanStarted
    | ScanResults
    | ScanFailed
    | NetworkNotFound
    | BssAdded
    | BssRemoved
    | RegdomChange
    | SignalChange
    | BeaconLoss
    | ChannelSwitch
    | EapFailure
    | CertificateError
    | Terminating
)

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

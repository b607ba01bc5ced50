"""What wpa_supplicant announces on its control socket, as typed values. Pure.

The lines are those of wpa_supplicant 2.10: WPA_EVENT_* in src/common/wpa_ctrl.h, and the wpa_msg
calls of events.c, sme.c, scan.c, notify.c and wpa_supplicant.c.
"""

from __future__ import annotations

from dataclasses import dataclass

from conman_plugins.wifi.codes import reason_words, status_words

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

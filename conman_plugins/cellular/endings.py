"""Why a network gives no session, or ends it: QMI's numbers in words, and whose fault that is.

Facts: libqmi, qmi-enums-wds.h; the causes of type 6 are those of 3GPP TS 24.008, 10.5.6.6.
"""

from __future__ import annotations

from collections.abc import Mapping

from conman_core import Reason
from conman_plugins.cellular.qmux import Message, QmuxError

_REASON, _VERBOSE = 0x10, 0x11  #: TLVs of an answer to Start Network
_3GPP, _INTERNAL, _MANAGER = 6, 2, 3
ONLY_IPV4, ONLY_IPV6 = (6, 50), (6, 51)
UNKNOWN_APN, WRONG_USER = (6, 27), (6, 29)
_APN = frozenset({UNKNOWN_APN, (6, 28), (6, 32), (6, 33)})

_WORDS: Mapping[tuple[int, int], str] = {
    (_3GPP, 8): "the operator bars this SIM card from data",
    (_3GPP, 24): "mobile IP failed",
    (_3GPP, 25): "low layers lost the network",
    (_3GPP, 26): "the network has no room",
    (_3GPP, 27): "unknown APN",
    (_3GPP, 28): "unknown address type",
    (_3GPP, 29): "user authentication failed",
    (_3GPP, 30): "refused by the gateway",
    (_3GPP, 31): "refused without a cause",
    (_3GPP, 32): "service not supported",
    (_3GPP, 33): "service not subscribed",
    (_3GPP, 34): "the service is out of order for now",
    (_3GPP, 36): "the network ended it",
    (_3GPP, 37): "the promised quality could not be kept",
    (_3GPP, 38): "network failure",
    (_3GPP, 39): "the network wants a new session",
    (_3GPP, 50): "only IPv4 is allowed",
    (_3GPP, 51): "only IPv6 is allowed",
    (_INTERNAL, 201): "an internal error of the modem",
    (_INTERNAL, 202): "it was ended here",
    (_INTERNAL, 204): "the modem is busy with another call",
    (_MANAGER, 2000): "no network of the wanted kind",
    (_MANAGER, 2001): "no network",
    (_MANAGER, 2023): "the SIM card does not allow it",
}
_OLD_WORDS: Mapping[int, str] = {
    2: "it was ended here",
    3: "no network",
    4: "lost coverage",
    9: "the network ended it",
    10: "user authentication failed",
    1008: "the network ended it",
    1013: "unknown APN",
}
_OLD_APN, _OLD_USER = 1013, 10


def cause(message: Message) -> tuple[int, int] | None:
    """Return type and number that an answer, or indication, gives as the cause."""
    try:
        kind, number = message.value(_VERBOSE, "Hh")
    except QmuxError:
        return _old_cause(message)
    return kind, number


def _old_cause(message: Message) -> tuple[int, int] | None:
    try:
        (number,) = message.value(_REASON, "H")
    except QmuxError:
        return None
    return {_OLD_APN: UNKNOWN_APN, _OLD_USER: WRONG_USER}.get(number, (0, number))


def words(found: tuple[int, int] | None) -> str:
    """Return a cause in words."""
    if found is None:
        return "no cause given"
    if found[0] == 0:
        return _OLD_WORDS.get(found[1], f"cause {found[1]}")
    return _WORDS.get(found, f"cause {found[0]}.{found[1]}")


def reason_of(found: tuple[int, int] | None) -> Reason:
    """Return what a person, or conman, has to do about it."""
    if found in _APN:
        return Reason.WRONG_APN
    if found == WRONG_USER:
        return Reason.WRONG_KEY
    if found in {(_3GPP, 8), ONLY_IPV4, ONLY_IPV6}:
        return Reason.REJECTED
    if found == (_MANAGER, 2001):
        return Reason.NOT_REGISTERED
    return Reason.NO_ADDRESS

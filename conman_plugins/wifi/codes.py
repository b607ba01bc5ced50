"""What the numbers mean with which an access point refuses or ends a connection. Pure.

IEEE 802.11-2020, tables 9-50 (status codes) and 9-49 (reason codes); 124 is of 802.11ax.
"""

from __future__ import annotations

from collections.abc import Mapping

_STATUS: Mapping[int, str] = {
    1: "the access point refused without a reason",
    5: "security is disabled there",
    6: "the lifetime asked for is not acceptable",
    7: "not in the same network",
    10: "the access point needs abilities that this radio lacks",
    11: "the access point knows of no earlier connection",
    12: "the access point refused for a reason outside the standard",
    13: "this way of authentication is not supported",
    14: "authentication went out of step",
    15: "the WEP key is wrong",
    16: "authentication took too long",
    17: "the access point is full",
    18: "this radio lacks data rates that the network demands",
    19: "short preambles are demanded",
    22: "spectrum management is demanded",
    23: "the transmit power of this radio is not acceptable",
    24: "the channels of this radio are not acceptable",
    25: "short slot times are demanded",
    27: "802.11n is demanded",
    28: "the access point cannot reach the holder of the key",
    30: "the access point asks to try again later",
    31: "management frame protection is demanded, or not supported",
    32: "quality of service failed",
    33: "the access point has no bandwidth left",
    34: "too many frames are lost, the signal is too poor",
    35: "quality of service is demanded",
    37: "the request was declined",
    38: "a setting is invalid",
    39: "other settings are suggested",
    40: "a part of the request is invalid",
    41: "the group cipher does not fit",
    42: "the pairwise cipher does not fit",
    43: "the key management does not fit",
    44: "the version of WPA does not fit",
    45: "the security abilities do not fit",
    46: "the cipher is forbidden there",
    51: "this radio sleeps longer than the access point allows",
    52: "fast roaming failed",
    53: "the cached key is not known there",
    54: "fast roaming is set up for another area",
    55: "fast roaming failed",
    72: "the security part of the request is invalid",
    76: "the access point is busy and asks for a proof",
    77: "the group of WPA3 is not supported there",
    79: "sending failed",
    82: "another access point is suggested",
    92: "a service outside refused",
    93: "the access point is out of memory",
    94: "emergency calls are not supported there",
    99: "another band or channel is suggested",
    103: "spectrum management forbids it",
    104: "802.11ac is demanded",
    112: "fast initial authentication failed",
    113: "the authentication server is not known there",
    123: "the password identifier is not known there",
    124: "802.11ax is demanded",
    126: "hash-to-element of WPA3 is in use",
    127: "the public key of WPA3 is in use",
}

_REASON: Mapping[int, str] = {
    1: "no reason was given",
    2: "the authentication is no longer valid",
    3: "one side has left the network",
    4: "too long without traffic",
    5: "the access point is full",
    6: "this device was not authenticated",
    7: "this device was not associated",
    8: "one side has left this access point",
    9: "this device was not authenticated",
    10: "the transmit power of this radio is not acceptable",
    11: "the channels of this radio are not acceptable",
    12: "the access point wants us elsewhere",
    13: "a part of a message was invalid",
    14: "a message was forged or damaged",
    15: "the key exchange took too long, the key may be wrong",
    16: "the group key exchange took too long",
    17: "the security settings changed during the key exchange",
    18: "the group cipher does not fit",
    19: "the pairwise cipher does not fit",
    20: "the key management does not fit",
    21: "the version of WPA does not fit",
    22: "the security abilities do not fit",
    23: "the login was refused",
    24: "the cipher is forbidden there",
    25: "the direct link is out of reach",
    26: "the direct link was ended",
    27: "the provider ended the session",
    28: "no roaming agreement with the provider",
    29: "the cipher or key management does not fit",
    30: "not allowed at this place",
    31: "a change of service leaves no room",
    32: "quality of service failed",
    33: "the access point has no bandwidth left",
    34: "too many frames were lost, the signal is too poor",
    35: "this device sent for too long",
    36: "one side is leaving",
    37: "one side does not want it any more",
    38: "the session was not set up",
    39: "the other side did not answer in time",
    45: "the other side lacks the cipher",
    46: "the limit of allowed accesses is reached",
    47: "a service outside demands it",
    48: "fast roaming failed",
    49: "the cached key is not known there",
    50: "fast roaming is set up for another area",
    51: "fast roaming failed",
    64: "this hardware address is in use already",
    65: "the channel must be changed by law",
    66: "the channel is changed",
}


def status_words(code: int) -> str:
    """Return in words why an access point refused; 0 is success."""
    if code == 0:
        return "success"
    return _STATUS.get(code, f"status code {code}")


def reason_words(code: int) -> str:
    """Return in words why a connection ended; 0 is what drivers say that do not know."""
    if code == 0:
        return "no reason was given"
    return _REASON.get(code, f"reason code {code}")

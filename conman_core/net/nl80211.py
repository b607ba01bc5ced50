"""Talks with the kernel's WiFi layer: what radios can, what they heard, and their interfaces.

Layouts and numbers: linux/netlink.h, linux/genetlink.h and linux/nl80211.h. The kernel answers
questions at once; without a WiFi layer it says so. Changes wait for the driver.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import struct
from collections.abc import Iterator

_GENERIC = 16  # NETLINK_GENERIC
_HEADER = struct.Struct("=IHHII")  # nlmsghdr
_COMMAND = struct.Struct("=BBH")  # genlmsghdr
_ATTRIBUTE = struct.Struct("=HH")  # nlattr
_KIND = 0x3FFF  # NLA_TYPE_MASK
_ERROR, _DONE = 2, 3
_REQUEST, _DUMP = 0x1, 0x300
_CONTROL, _GET_FAMILY, _FAMILY_ID, _FAMILY_NAME = 16, 3, 1, 2
_GET_WIPHY, _GET_INTERFACE, _SET_INTERFACE = 1, 5, 6
_NEW_INTERFACE, _DEL_INTERFACE, _GET_REG, _GET_SCAN = 7, 8, 31, 32
_WIPHY, _IFINDEX, _IFNAME, _IFTYPE, _MAC, _ALPHA2, _SPLIT = 1, 3, 4, 5, 6, 33, 174
_ACK = 0x4
_LIMIT = 0.5  #: seconds
_CHANGE_LIMIT = 5.0  #: for what the driver has to do
_MOST_ANSWERS = 1000

STATION = 2  #: NL80211_IFTYPE_STATION
STATION_TYPES = frozenset({0, 1, 2})  #: NL80211_IFTYPE_UNSPECIFIED, _ADHOC, _STATION
ACCESS_POINT = 3  #: NL80211_IFTYPE_AP


def interface_types() -> dict[int, int]:
    """Return NL80211_IFTYPE_* by interface index; empty if the kernel does not tell."""
    found = {}
    for attributes in _ask(_GET_INTERFACE, _DUMP):
        index, kind = attributes.get(_IFINDEX, b""), attributes.get(_IFTYPE, b"")
        if len(index) == len(kind) == 4:
            found[_number(index)] = _number(kind)
    return found


def regulatory_country(phy: int | None = None) -> str:
    """Return the country whose rules hold, for one radio or for all; empty if it is none."""
    body = b"" if phy is None else _attribute(_WIPHY, _packed(phy))
    for attributes in _ask(_GET_REG, 0, body):
        country = attributes.get(_ALPHA2, b"").rstrip(b"\0").decode("ascii", "replace")
        if re.fullmatch("[A-Z]{2}", country):  # 00: the whole world; 98 and 99: a mixture
            return country
    return ""


def wiphy(phy: int) -> list[dict[int, bytes]]:
    """Return what the kernel tells of a radio, in many pieces; see `conman_core.net.wiphy`."""
    return _ask(_GET_WIPHY, _DUMP, _attribute(_WIPHY, _packed(phy)) + _attribute(_SPLIT, b""))


def scanned(index: int) -> list[dict[int, bytes]]:
    """Return the attributes of each access point that an interface's radio heard lately."""
    return _ask(_GET_SCAN, _DUMP, _attribute(_IFINDEX, _packed(index)))


def add_interface(phy: int, name: str, kind: int, mac: bytes) -> None:
    """Give a radio a further interface; a driver may choose another address. Raises OSError.

    Of two interfaces that are up none may have the other's address (mac80211, ENOTUNIQ).
    """
    body = _attribute(_WIPHY, _packed(phy)) + _attribute(_IFNAME, name.encode() + b"\0")
    body += _attribute(_IFTYPE, _packed(kind)) + _attribute(_MAC, mac)
    _change(_NEW_INTERFACE, body)


def remove_interface(index: int) -> None:
    """Take an interface away. Raises OSError."""
    _change(_DEL_INTERFACE, _attribute(_IFINDEX, _packed(index)))


def set_type(index: int, kind: int) -> None:
    """Make an interface, which must be down, one of another type. Raises OSError."""
    _change(
        _SET_INTERFACE, _attribute(_IFINDEX, _packed(index)) + _attribute(_IFTYPE, _packed(kind))
    )


def _change(command: int, body: bytes) -> None:
    number = family(b"nl80211")
    if number is None:
        raise OSError(errno.EOPNOTSUPP, "the kernel has no WiFi")
    body = _COMMAND.pack(command, 1, 0) + body
    with _open() as link:
        link.settimeout(_CHANGE_LIMIT)
        header = _HEADER.pack(_HEADER.size + len(body), number, _REQUEST | _ACK, 1, 0)
        link.send(header + body)
        for _ in range(_MOST_ANSWERS):
            for kind, answer in messages(link.recv(65536)):
                if kind == _ERROR:
                    code = -int(struct.unpack_from("=i", answer)[0]) if len(answer) >= 4 else 0
                    if code:
                        raise OSError(code, os.strerror(code))
                    return
    raise TimeoutError(errno.ETIMEDOUT, "the kernel did not answer")


def family(name: bytes) -> int | None:
    """Return the number of a generic netlink family; None if the kernel has none of this name."""
    body = _attribute(_FAMILY_NAME, name + b"\0")
    with contextlib.suppress(OSError), _open() as link:
        for attributes in _exchange(link, _CONTROL, _GET_FAMILY, 0, body):
            number = attributes.get(_FAMILY_ID, b"")
            if len(number) == 2:
                return int(struct.unpack("=H", number)[0])
    return None


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Split a datagram into the types and bodies of its messages; what is torn ends it."""
    while len(data) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(data)
        if not _HEADER.size <= length <= len(data):
            return
        yield kind, data[_HEADER.size : length]
        data = data[_aligned(length) :]


def attributes_of(body: bytes) -> dict[int, bytes]:
    """Read the attributes behind the header of a generic netlink message; torn ones end it."""
    return nested(body[_COMMAND.size :])


def nested(data: bytes) -> dict[int, bytes]:
    """Read attributes that stand within another one; torn ones end it."""
    found = {}
    while len(data) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(data)
        if not _ATTRIBUTE.size <= length <= len(data):
            break
        found[kind & _KIND] = data[_ATTRIBUTE.size : length]
        data = data[_aligned(length) :]
    return found


def _ask(command: int, flags: int, body: bytes = b"") -> list[dict[int, bytes]]:
    number = family(b"nl80211")
    if number is None:
        return []
    try:
        with _open() as link:
            return list(_exchange(link, number, command, flags, body))
    except OSError:  # the radio went while it was asked about
        return []


def _open() -> socket.socket:
    link = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _GENERIC)
    link.settimeout(_LIMIT)
    return link


def _exchange(
    link: socket.socket, number: int, command: int, flags: int, body: bytes
) -> Iterator[dict[int, bytes]]:
    """Send a request and yield the attributes of each answer. Raises OSError."""
    body = _COMMAND.pack(command, 1, 0) + body
    link.send(_HEADER.pack(_HEADER.size + len(body), number, _REQUEST | flags, 1, 0) + body)
    for _ in range(_MOST_ANSWERS):
        for kind, answer in messages(link.recv(65536)):
            if kind in {_DONE, _ERROR}:
                return
            if kind == number:
                yield attributes_of(answer)
        if flags != _DUMP:
            return


def _attribute(kind: int, payload: bytes) -> bytes:
    length = _ATTRIBUTE.size + len(payload)
    return _ATTRIBUTE.pack(length, kind) + payload + bytes(_aligned(length) - length)


def _packed(number: int) -> bytes:
    return struct.pack("=I", number)


def _number(data: bytes) -> int:
    return int(struct.unpack("=I", data)[0])


def _aligned(length: int) -> int:
    return (length + 3) & ~3

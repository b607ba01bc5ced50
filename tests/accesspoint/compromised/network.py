"""Ways to reach somebody, with new sockets and with those that were given."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from contextlib import suppress
from typing import Any

from tests.accesspoint.compromised.core import LIBC, attack, call, facts, listening

_WAIT = 0.3  #: seconds; a call on loopback that is let through takes none


def _calls(kind: int, address: Any, family: int = socket.AF_INET) -> object:
    with socket.socket(family, kind) as made:
        made.settimeout(_WAIT)
        made.connect(address)
        return made.getpeername()


@attack
def calls_a_program_of_the_machine() -> object:
    return _calls(socket.SOCK_STREAM, ("127.0.0.1", facts["port"]))


@attack
def sends_a_datagram() -> object:
    return _calls(socket.SOCK_DGRAM, ("127.0.0.1", facts["port"]))


@attack
def calls_by_ipv6() -> object:
    return _calls(socket.SOCK_STREAM, ("::1", facts["port"]), socket.AF_INET6)


@attack
def calls_by_an_abstract_name() -> object:
    return _calls(socket.SOCK_STREAM, facts["abstract"], socket.AF_UNIX)


@attack
def calls_by_a_path() -> object:
    return _calls(socket.SOCK_STREAM, facts["path"], socket.AF_UNIX)


@attack
def listens_to_all_packets() -> object:
    return socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0x0300)


@attack
def makes_packets() -> object:
    return socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)


@attack
def sees_interfaces() -> object:
    found = [name for _, name in socket.if_nameindex()]
    if found != ["lo"]:
        return found
    raise PermissionError("only one of its own, which is down")


@attack
def switches_an_interface_on() -> object:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        body = struct.pack("BxHiII", 0, 0, 1, 1, 1)
        netlink.send(struct.pack("IHHII", 16 + len(body), 16, 5, 1, 0) + body)  # RTM_NEWLINK
        (number,) = struct.unpack_from("i", netlink.recv(4096), 16)
    if number:
        raise OSError(-number, os.strerror(-number))
    return "it is on"


@attack
def switches_an_interface_of_the_machine() -> object:
    """As it is already: no harm is done if that works."""
    name = b"lo".ljust(16, b"\0")
    flags = fcntl.ioctl(listening[0], 0x8913, name + bytes(24))  # SIOCGIFFLAGS
    return fcntl.ioctl(listening[0], 0x8914, flags)


@attack
def marks_its_packets() -> object:
    return listening[0].setsockopt(socket.SOL_SOCKET, 36, 1)  # SO_MARK


@attack
def speaks_for_others() -> object:
    return listening[0].setsockopt(socket.SOL_IP, 19, 1)  # IP_TRANSPARENT


@attack
def takes_the_filter_away() -> object:
    return listening[0].setsockopt(socket.SOL_SOCKET, 27, 0)  # SO_DETACH_FILTER


@attack
def puts_another_filter_there() -> object:
    everything = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0xFFFFFFFF))
    program = struct.pack("HP", 1, ctypes.addressof(everything))
    return listening[0].setsockopt(socket.SOL_SOCKET, 26, program)


@attack
def unlocks_the_filter() -> object:
    return listening[0].setsockopt(socket.SOL_SOCKET, 44, 0)


def _disconnect(made: socket.socket) -> None:
    call(LIBC.connect, made.fileno(), struct.pack("H14x", socket.AF_UNSPEC), 16)


def _turn(made: socket.socket) -> object:
    made.settimeout(_WAIT)
    made.connect(("127.0.0.1", facts["port"]))
    return made.getpeername()


@attack
def turns_a_connection_round() -> object:
    connection, _ = listening[0].accept()
    _disconnect(connection)
    return _turn(connection)


@attack
def turns_its_listening_socket_round() -> object:
    _disconnect(listening[0])
    return _turn(listening[0])


@attack
def turns_it_round_in_another_way() -> object:
    _disconnect(listening[0])
    listening[0].listen()
    listening[0].shutdown(socket.SHUT_RD)
    return _turn(listening[0])


@attack
def turns_it_round_without_a_call() -> object:
    _disconnect(listening[0])
    there = ("127.0.0.1", facts["port"])
    listening[0].settimeout(_WAIT)
    with suppress(BlockingIOError):  # the call has begun
        listening[0].sendto(b"hello", socket.MSG_FASTOPEN, there)
    return listening[0].recv(5)

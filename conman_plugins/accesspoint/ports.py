"""Ports of the access point's addresses, which need not be there yet."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence

from conman_core.errors import SystemFault
from conman_plugins.accesspoint.oneway import never_call

_FREEBIND = 15  # IP_FREEBIND, linux/in.h
BACKLOG = 1024  #: where it is full a newcomer waits a second, for TCP to try again
_TRIES = 20


def listen(address: str, port: int, interface: str = "") -> socket.socket:
    """Return a socket that listens, on one interface only if it is named, and only listens.

    Raises SystemFault with a sentence.
    """
    listening = _socket(socket.SOCK_STREAM)
    try:
        if interface:
            name = interface.encode()
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, name)
        if os.geteuid() == 0:  # else there is no sandbox either, and not every kernel allows it
            never_call(listening)
        listening.bind((address, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        what = f"the page cannot be served on {address} port {port}"
        if error.errno == errno.EADDRINUSE:
            find = f"another program has it; find it with: ss -ltnp sport = :{port}"
            raise SystemFault(f"{what}: {find}") from error
        raise SystemFault(f"{what}: {error.strerror}") from error
    return listening


def free_port(kinds: Sequence[int], addresses: Sequence[str], usual: int) -> int:
    """Return a port that can be bound on all addresses: the usual one if nobody has it.

    `kinds` are SOCK_STREAM, SOCK_DGRAM, or both. Raises SystemFault.
    """
    wanted = [(kind, address) for kind in kinds for address in addresses]
    if all(_binds(*each, usual) for each in wanted):
        return usual
    for _ in range(_TRIES):
        with _socket(kinds[0]) as probe:
            probe.bind((addresses[0], 0))
            port = int(probe.getsockname()[1])
        if all(_binds(*each, port) for each in wanted):
            return port
    raise SystemFault(f"no port is free on {addresses[0]}")


def _binds(kind: int, address: str, port: int) -> bool:
    with _socket(kind) as probe:
        try:
            probe.bind((address, port))
            if kind == socket.SOCK_STREAM:
                probe.listen(1)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise SystemFault(f"port {port} cannot be used: {error.strerror}") from error
            return False
    return True


def _socket(kind: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(kind == socket.SOCK_STREAM))
    made.setsockopt(socket.SOL_IP, _FREEBIND, 1)
    return made

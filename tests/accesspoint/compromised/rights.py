"""Ways to more rights."""

from __future__ import annotations

import ctypes
import os
import resource
import socket
import struct
import time

from tests.accesspoint.compromised.core import LIBC, attack, call


@attack
def becomes_root() -> None:
    os.setresuid(0, 0, 0)


@attack
def becomes_a_group() -> None:
    os.setresgid(0, 0, 0)


@attack
def joins_groups() -> None:
    os.setgroups([0])


@attack
def has_capabilities() -> object:
    header = struct.pack("Ii", 0x20080522, 0)  # linux/capability.h, version 3
    found = ctypes.create_string_buffer(24)
    call(LIBC.capget, header, found)
    if any(found.raw):
        return found.raw
    raise PermissionError("there are none")


@attack
def raises_a_capability() -> object:
    wanted = struct.pack("6I", *[0xFFFFFFFF] * 6)
    return call(LIBC.capset, struct.pack("Ii", 0x20080522, 0), wanted)


@attack
def makes_a_user_namespace() -> object:
    return call(LIBC.unshare, 0x10000000)


@attack
def makes_another_namespace() -> object:
    return call(LIBC.unshare, 0x40000000)


@attack
def sets_the_clock() -> None:
    time.clock_settime(time.CLOCK_REALTIME, time.time())


@attack
def names_the_machine() -> None:
    socket.sethostname(socket.gethostname())


@attack
def raises_a_limit() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 16, 1 << 16))


@attack
def lifts_the_limit_of_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)

"""Ways to use up what others need."""

from __future__ import annotations

import ctypes
import mmap
import os
import socket

from tests.accesspoint.compromised.core import LIBC, attack, call


@attack
def takes_memory() -> object:
    return len(bytearray(256 << 20))


@attack
def maps_memory() -> object:
    return mmap.mmap(-1, 256 << 20)


@attack
def shares_memory() -> object:
    return call(LIBC.shmget, 0, 1 << 20, 0o1600)


@attack
def queues_messages() -> object:
    return call(LIBC.msgget, 0, 0o1600)


@attack
def queues_messages_by_name() -> object:
    return call(LIBC.mq_open, b"/x", os.O_CREAT | os.O_RDWR, 0o600, None)


@attack
def makes_semaphores() -> object:
    return call(LIBC.semget, 0, 1, 0o1600)


@attack
def locks_memory() -> object:
    held = ctypes.create_string_buffer(1 << 16)
    return call(LIBC.mlock, held, 1 << 16)


@attack
def writes_into_memory_files() -> object:
    return os.write(os.memfd_create("x"), b"x")


@attack
def opens_without_end() -> object:
    held: list[socket.socket] = []
    try:
        while len(held) < 2000:
            held.append(socket.socket(socket.AF_UNIX))
    finally:
        for each in held:
            each.close()
    return len(held)

"""What can be done to other processes, and with more of them."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import struct
import sys
import threading
import time
from typing import NoReturn

from tests.accesspoint.compromised.core import LIBC, attack, call, facts


def parent() -> int:
    return os.getppid()


@attack
def kills_another_process() -> None:
    os.kill(facts["pid"], signal.SIGKILL)


@attack
def kills_it_by_a_descriptor() -> None:
    signal.pidfd_send_signal(os.pidfd_open(facts["pid"]), signal.SIGKILL)


@attack
def signals_the_daemon() -> None:
    os.kill(parent(), 0)


@attack
def traces_the_daemon() -> object:
    return call(LIBC.ptrace, 0x4206, parent(), 0, 0)  # PTRACE_SEIZE


@attack
def reads_the_daemons_memory() -> object:
    into = ctypes.create_string_buffer(8)
    here = struct.pack("PN", ctypes.addressof(into), 8)
    there = struct.pack("PN", id(None), 8)
    return call(LIBC.process_vm_readv, parent(), here, 1, there, 1, 0)


@attack
def takes_a_descriptor_of_the_daemon() -> object:
    return call(LIBC.syscall, 438, os.pidfd_open(parent()), 0, 0)  # pidfd_getfd, everywhere


@attack
def enters_the_daemons_namespaces() -> object:
    return call(LIBC.setns, os.pidfd_open(parent()), 0x40000000 | 0x20000)


@attack
def reads_the_daemons_limits() -> object:
    return resource.prlimit(parent(), resource.RLIMIT_CORE)


@attack
def slows_the_daemon() -> None:
    os.setpriority(os.PRIO_PROCESS, parent(), 19)


@attack
def moves_the_daemon() -> None:
    os.sched_setaffinity(parent(), os.sched_getaffinity(0))


@attack
def gets_before_all_others() -> object:
    return os.nice(-1)


@attack
def gets_real_time() -> None:
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))


@attack
def forks() -> object:
    if os.fork() == 0:
        os._exit(0)
    return "a child"


@attack
def starts_a_thread() -> object:
    thread = threading.Thread(target=time.sleep, args=(0,))
    thread.start()
    return thread


@attack
def starts_a_program() -> NoReturn:
    os.execv(sys.executable, [sys.executable, "-c", ""])


@attack
def starts_a_program_from_memory() -> NoReturn:
    program = os.memfd_create("x")
    os.write(program, b"#!/bin/true\n")
    os.execve(program, ["x"], {})

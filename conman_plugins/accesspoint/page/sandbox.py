"""Takes everything away from the page's process that it does not need, for good.

What is left: the sockets that it was given, memory, and time. No file can be opened (chroot(2)
into an empty folder), no other process seen or signalled (a user that is nobody else's), no
network reached (an empty network namespace; sockets stay in the one that they were made in), no
process or thread started, and no right gained back (no_new_privs, all capabilities gone with
root). A chrooted process cannot make a user namespace either (kernel/user_namespace.c). What it
says is heard by nobody, and where memory is short it is the first to go.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
from pathlib import Path

_NEWNS, _NEWUTS, _NEWIPC, _NEWNET = 0x20000, 0x4000000, 0x8000000, 0x40000000  # linux/sched.h
_SET_PDEATHSIG, _SET_DUMPABLE, _SET_NO_NEW_PRIVS = 1, 4, 38  # linux/prctl.h
#: users of systemd's dynamic range (systemd.exec(5), DynamicUser=) belong to no account
_USERS = range(61184, 65520)
_FILES = 768  #: sockets: those that are served, that wait, that have just come
_MEMORY = 192 << 20  #: bytes of address space; 34 MiB are enough for the page when it is quiet
_PROC = Path("/proc")
#: memory of System V IPC, sysvipc(7), is no process's, so no limit of a process holds it; these
#: are the IPC namespace's own
_NO_IPC = {"shmmni": "0", "msgmni": "0", "sem": "0 0 0 0"}
_FIRST_TO_GO = "1000"  #: proc(5), oom_score_adj


class Failed(Exception):
    """A step could not be taken; the page must not be served then."""


def enter(folder: str, files: int = _FILES) -> None:
    """Give up all that is given up here; `folder` is empty and nobody can write to it.

    Everything that is needed must be imported before. Raises Failed.
    """
    user = _free_user()
    nothing = os.open(os.devnull, os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    _call(libc.prctl, _SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _call(libc.unshare, _NEWNS | _NEWUTS | _NEWIPC | _NEWNET)
    try:
        _limit_memory()
        os.chroot(folder)
        os.chdir("/")
        for what, limit in (
            (resource.RLIMIT_NPROC, 0),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
            (resource.RLIMIT_NOFILE, files),
            (resource.RLIMIT_AS, _MEMORY),
            (resource.RLIMIT_MSGQUEUE, 0),
            (resource.RLIMIT_MEMLOCK, 0),
        ):
            resource.setrlimit(what, (limit, limit))
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    except (OSError, ValueError) as error:
        raise Failed(str(error)) from error
    _call(libc.prctl, _SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call(libc.prctl, _SET_DUMPABLE, 0, 0, 0, 0)
    # a change of user takes the wish to die with conman away, prctl(2)
    _call(libc.prctl, _SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getresuid() != (user, user, user) or os.getgroups():
        raise Failed("still another user")
    _fall_silent(nothing)


def _limit_memory() -> None:
    (_PROC / "self/oom_score_adj").write_text(_FIRST_TO_GO)
    for name, value in _NO_IPC.items():
        setting = _PROC / "sys/kernel" / name
        if setting.exists():  # else the kernel has none of it
            setting.write_text(value)


def _fall_silent(nothing: int) -> None:
    """Print nothing from here on: it could keep the daemon busy with that alone."""
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    os.close(nothing)


def _call(function: object, *arguments: int) -> None:
    if function(*arguments) != 0:  # type: ignore[operator]
        raise Failed(os.strerror(ctypes.get_errno()))


def _free_user() -> int:
    """Return a number that is no user's and no process's now."""
    taken = set()
    for entry in _PROC.iterdir():
        if entry.name.isdecimal():
            try:
                taken.add(entry.stat().st_uid)
            except OSError:  # it has just ended
                continue
    try:
        lines = Path("/etc/passwd").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    taken |= {
        int(line.split(":")[2])
        for line in lines
        if line.split(":")[2:3] and line.split(":")[2].isdecimal()
    }
    free = [number for number in _USERS if number not in taken]
    if not free:
        raise Failed("no user is free")
    return free[os.getpid() % len(free)]

"""Ways out of the empty folder."""

from __future__ import annotations

import os
import stat
from contextlib import suppress

from tests.accesspoint.compromised.core import LIBC, attack, call


@attack
def reads_a_file() -> object:
    with open("/etc/passwd") as file:  # noqa: PTH123
        return file.read()


@attack
def climbs_by_dots() -> object:
    return os.stat("../" * 20 + "etc/passwd")  # noqa: PTH116


@attack
def climbs_by_a_descriptor() -> object:
    for number in range(1024):
        with suppress(OSError):
            os.fchdir(number)
            return os.listdir(".")  # noqa: PTH208
    raise PermissionError("none is a folder")


@attack
def climbs_by_another_root() -> object:
    os.chroot(".")
    return os.listdir("../../../..")  # noqa: PTH208


@attack
def looks_at_processes() -> object:
    return os.listdir("/proc")  # noqa: PTH208


@attack
def finds_anything_at_all() -> object:
    if found := os.listdir("/"):  # noqa: PTH208
        return found
    raise FileNotFoundError("the world is empty")


@attack
def makes_a_file() -> object:
    return os.open("/x", os.O_CREAT | os.O_WRONLY)


@attack
def makes_a_nameless_file() -> object:
    return os.open("/", os.O_TMPFILE | os.O_RDWR)


@attack
def makes_a_folder() -> None:
    os.mkdir("/x")  # noqa: PTH102


@attack
def makes_a_device() -> None:
    os.mknod("/x", stat.S_IFCHR | 0o666, os.makedev(1, 1))


@attack
def imports_what_was_not_needed() -> object:
    import wave

    return wave


@attack
def mounts() -> object:
    return call(LIBC.mount, b"none", b"/", b"proc", 0, None)


@attack
def unmounts() -> object:
    return call(LIBC.umount2, b"/", 2)

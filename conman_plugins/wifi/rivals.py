"""Which other program works a radio, and the command that ends it.

Two of them on one radio take its networks away from each other. NetworkManager and its like are
found by the core, for interfaces of any kind; here are the programs that do the work for them, or
that a person, a boot script or a service of its own started.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from conman_core.net.processes import Processes

#: options with an argument: getopt in main.c of wpa_supplicant and hostapd 2.10; iwd(8)
_WITH_ARGUMENT: Mapping[str, str] = {
    "wpa_supplicant": "bcCDefgGiImoOpP",
    "hostapd": "befigGPu",
    "iwd": "iIpP",
}
_LIMIT = 0.3  #: seconds for an answer on a control socket: it takes microseconds
_LARGEST = 1 << 16  #: bytes of a file
_UCRED = struct.Struct("=iII")  # unix(7): pid, uid, gid
#: services that start such a program for one interface, and what takes it back from them
_STARTERS: Mapping[str, str] = {
    "ifup@": "ifdown {interface}",
    "networking.": "ifdown {interface}",
    "netplan-wpa-": "systemctl mask --now {unit}",  # netplan makes it anew at each boot
}


def rival(interface: str, *, proc: Path = Path("/proc"), run: Path = Path("/run")) -> str | None:
    """Return a sentence with the command that frees a radio; None if it is free.

    Our own children do not count. Whoever has a control socket of the interface's name is asked,
    for 0.3 s at most.
    """
    processes = Processes(proc)
    for pid, program in _running(processes, proc):
        arguments = _text(proc / f"{pid}/cmdline").split("\0")[1:]
        if works(program, arguments, interface, _reader(proc / f"{pid}/cwd")):
            return _sentence(processes, proc, interface, pid, program)
    for program in ("wpa_supplicant", "hostapd"):
        # NetworkManager's has its interfaces told over D-Bus, not on its command line
        path = run / program / interface
        owner = _who_answers(path)
        if owner is None or _is_ours(proc, owner):
            continue
        if owner == 0:
            tool = "wpa_cli" if program == "wpa_supplicant" else "hostapd_cli"
            command = f"{tool} -p {path.parent} -i {shlex.quote(interface)} terminate"
            return f"another {program} works {interface}; to end it, as root: {command}"
        return _sentence(processes, proc, interface, owner, program)
    return None


def works(
    program: str, arguments: Sequence[str], interface: str, read: Callable[[str], str]
) -> bool:
    """Tell whether a program that was started with these arguments works an interface.

    `read` returns the content of a file that they name, empty if it cannot be read.
    """
    options, files = _options(program, arguments)
    if program == "wpa_supplicant":
        return interface in options.get("i", [])
    if program == "hostapd":
        named = [name for value in options.get("i", []) for name in value.split(",")]
        return interface in named or any(interface in _configured(read(file)) for file in files)
    # iwd takes every radio that it is not told to leave
    wanted, unwanted = (
        [name for value in options.get(option, []) for name in value.split(",")]
        for option in ("i", "I")
    )
    if any(fnmatchcase(interface, pattern) for pattern in unwanted):
        return False
    return not wanted or any(fnmatchcase(interface, pattern) for pattern in wanted)


def _options(program: str, arguments: Sequence[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Read a command line as getopt(3) would: options with their arguments, and the rest."""
    options: dict[str, list[str]] = {}
    rest: list[str] = []
    words = iter(arguments)
    for word in words:
        if word.startswith("--") and len(word) > 2:
            name, separator, value = word[2:].partition("=")
            short = {"interfaces": "i", "nointerfaces": "I"}.get(name)
            if short:
                options.setdefault(short, []).append(value if separator else next(words, ""))
        elif word.startswith("-") and len(word) > 1:
            for place, letter in enumerate(word[1:], 2):
                if letter in _WITH_ARGUMENT[program]:
                    options.setdefault(letter, []).append(word[place:] or next(words, ""))
                    break
        elif word:
            rest.append(word)
    return options, rest


def _configured(text: str) -> set[str]:
    """Return the interfaces of a hostapd.conf(5)."""
    return {found[1] for found in re.finditer(r"(?m)^(?:interface|bss)=(\S+)\s*$", text)}


def _running(processes: Processes, proc: Path) -> Iterator[tuple[int, str]]:
    """Find the programs that may work a radio of this network namespace, but not our children."""
    for entry in os.listdir(proc):  # noqa: PTH208 - some hundred names, often
        if entry.isdecimal():
            pid, program = int(entry), _text(proc / entry / "comm").rstrip("\n")
            found = program in _WITH_ARGUMENT and processes.shares_network(pid)
            if found and _has_rights(proc / entry) and not _is_ours(proc, pid):
                yield pid, program


def _has_rights(process: Path) -> bool:
    """Tell whether it may work a radio at all: anybody can call a program hostapd."""
    try:
        return process.stat().st_uid in {0, os.geteuid()}
    except OSError:
        return False


def _is_ours(proc: Path, pid: int) -> bool:
    found = re.search(r"(?m)^PPid:\s*([0-9]+)$", _text(proc / f"{pid}/status"))
    return found is not None and int(found[1]) == os.getpid()


def _who_answers(path: Path) -> int | None:
    """Return the pid behind a control socket, 0 if it cannot be seen from here, None if nobody."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as ours:
        ours.settimeout(_LIMIT)
        try:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
            # an abstract address: it leaves no file, and only this network namespace can answer it
            ours.bind("")
            ours.sendto(b"PING", os.fspath(path))
            reply, ancillary, _, _ = ours.recvmsg(16, socket.CMSG_SPACE(_UCRED.size))
        except OSError:  # there is none, nobody reads it, or its owner hangs
            return None
    if not reply.startswith(b"PONG"):
        return None
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_CREDENTIALS):
            return int(_UCRED.unpack_from(data)[0])
    return 0


def _sentence(processes: Processes, proc: Path, interface: str, pid: int, program: str) -> str:
    unit = _unit(_text(proc / f"{pid}/cgroup"))
    who = f"pid {pid}" + (f", of {unit}" if unit else "")
    another = "" if program == "iwd" else "another "
    command = _command(interface, pid, unit, processes.running("NetworkManager"))
    return f"{another}{program} ({who}) works {interface}; to end it, as root: {command}"


def _command(interface: str, pid: int, unit: str, network_manager: bool) -> str:
    name = shlex.quote(interface)
    if unit in {"wpa_supplicant.service", "iwd.service"} and network_manager:
        return f"nmcli device set {name} managed no"  # it serves other radios too
    for beginning, command in _STARTERS.items():
        if unit.startswith(beginning):
            return command.format(interface=name, unit=unit)
    return f"systemctl disable --now {shlex.quote(unit)}" if unit else f"kill {pid}"


def _unit(cgroup: str) -> str:
    """Return the system service of a process, from /proc/PID/cgroup; empty if it is of none."""
    for line in cgroup.splitlines():
        path = line.partition(":")[2].partition(":")[2]
        services = [part for part in path.split("/") if part.endswith(".service")]
        if services and path.startswith("/system.slice/"):
            return services[-1]
    return ""


def _reader(folder: Path) -> Callable[[str], str]:
    return lambda name: _text(folder / name)


def _text(path: Path) -> str:
    try:
        # without waiting for a writer: what a command line names may be a FIFO
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            return os.read(handle, _LARGEST).decode(errors="replace")
        finally:
            os.close(handle)
    except OSError:
        return ""

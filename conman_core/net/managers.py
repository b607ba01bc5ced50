"""Who else manages a network interface, and the command that hands it over to conman.

Two managers on one interface take its addresses and routes away from each other, so conman
leaves an interface alone while another one has it. A manager counts only while it runs in this
network namespace. netplan is not here: it writes settings for NetworkManager or networkd.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from conman_core.net import bus, ifupdown
from conman_core.net.processes import Processes

_LARGEST = 1 << 16  #: bytes of a state file


@dataclass(frozen=True, slots=True)
class Owner:
    """Another program that manages an interface.

    `command` hands the interface over now, until the next boot; `lasting` for good. Both are
    for a root shell, and the second may be all that is needed.
    """

    manager: str
    sentence: str
    command: str
    lasting: str


class Managers:
    """Finds the owner of an interface. Asks nobody but NetworkManager, and it for 0.3 s at most."""

    def __init__(
        self, run: Path = Path("/run"), etc: Path = Path("/etc"), proc: Path = Path("/proc")
    ) -> None:
        self.processes = Processes(proc)
        self._run = run
        self._etc = etc

    def owner(self, interface: str, index: int, own_groups: Collection[int] = ()) -> Owner | None:
        """Return who manages an interface, None if it is free.

        `index` is the kernel's number of the interface, `own_groups` the process groups of
        conman's own children, which do not count.
        """
        if self._network_manager(interface, index):
            return _network_manager(interface)
        if self._networkd(index):
            return _networkd(interface)
        if files := self._ifupdown(interface):
            return _ifupdown(interface, files)
        return self._dhcpcd(interface, own_groups)

    def _network_manager(self, interface: str, index: int) -> bool:
        state = self._run / "NetworkManager"
        if not state.is_dir() or not self.processes.running("NetworkManager"):
            return False
        answer = bus.manages(self._run / "dbus/system_bus_socket", interface)
        if answer is not None:
            return answer
        return _value(state / f"devices/{index}", "managed") == "true"

    def _networkd(self, index: int) -> bool:
        state = self._run / f"systemd/netif/links/{index}"
        # `pending` and `initialized`: networkd has not decided yet, it waits for udev
        free = (None, "unmanaged", "pending", "initialized")
        if _value(state, "ADMIN_STATE") in free or not _value(state, "NETWORK_FILE"):
            return False
        return self.processes.running("systemd-networkd")

    def _ifupdown(self, interface: str) -> list[Path]:
        """It runs no process; what it brought up belongs to the namespace of process 1."""
        logical = ifupdown.configured_as(self._run / "network/ifstate", interface)
        if interface == "lo" or logical is None or not self.processes.shares_network(1):
            return []
        return ifupdown.configured_in(self._etc / "network/interfaces", logical)

    def _dhcpcd(self, interface: str, own_groups: Collection[int]) -> Owner | None:
        folder = self._run / "dhcpcd"
        if self._is_foreign(folder / "pid", own_groups):
            return _dhcpcd_manager(interface)
        for suffix, option in (("", ""), ("-4", "-4 "), ("-6", "-6 ")):
            if self._is_foreign(folder / f"{interface}{suffix}.pid", own_groups):
                return _dhcpcd_single(interface, option)
        return None

    def _is_foreign(self, pid_file: Path, own_groups: Collection[int]) -> bool:
        text = _text(pid_file).strip()
        if not text.isdecimal() or len(text) > 10:
            return False
        pid = int(text)
        return self.processes.is_here(pid, "dhcpcd") and self.processes.group(pid) not in own_groups


def _network_manager(interface: str) -> Owner:
    file = f"/etc/NetworkManager/conf.d/90-conman-{interface}.conf"
    return _owner(
        "NetworkManager",
        interface,
        f"nmcli device set {shlex.quote(interface)} managed no",
        _write(file, "[keyfile]", f"unmanaged-devices+=interface-name:{interface}")
        + " && nmcli general reload conf",
    )


def _networkd(interface: str) -> Owner:
    lines = ("[Match]", f"Name={interface}", "[Link]", "Unmanaged=yes")
    file = f"systemd/network/00-conman-{interface}.network"
    reload = " && networkctl reload"
    return _owner(
        "systemd-networkd",
        interface,
        f"mkdir -p /run/systemd/network && {_write(f'/run/{file}', *lines)}{reload}",
        f"{_write(f'/etc/{file}', *lines)}{reload}",
    )


def _ifupdown(interface: str, files: Collection[Path]) -> Owner:
    name = shlex.quote(interface)
    # `manual` rather than gone: other programs may still refer to the interface
    edit = shlex.quote(rf"s/^(\s*iface\s+{re.escape(interface)}(\s+inet6?)?\s+)\S+/\1manual/")
    places = " ".join(shlex.quote(str(file)) for file in files)
    return _owner(
        "ifupdown", interface, f"ifdown {name}", f"ifdown {name}; sed -Ei {edit} {places}"
    )


def _dhcpcd_manager(interface: str) -> Owner:
    """Return the owner of all interfaces.

    `denyinterfaces` frees none: conman's own dhcpcd hands its command line to the running one,
    which then takes the interface all the same (measured with 9.4.1 and 10.1.0).
    """
    stop = "systemctl stop dhcpcd"
    return _owner("dhcpcd", interface, stop, "systemctl disable --now dhcpcd")


def _dhcpcd_single(interface: str, option: str) -> Owner:
    command = f"dhcpcd {option}-x {shlex.quote(interface)}"
    return _owner("dhcpcd", interface, command, command)


def _owner(manager: str, interface: str, command: str, lasting: str) -> Owner:
    return Owner(manager, f"{interface} is managed by {manager}", command, lasting)


def _write(path: str, *lines: str) -> str:
    """Return the shell command that writes a file."""
    return f"printf '%s\\n' {shlex.join(lines)} > {shlex.quote(path)}"


def _value(path: Path, key: str) -> str | None:
    """Return the value of a `key=value` line; None if there is none or no such file."""
    for line in _text(path).splitlines():
        name, separator, value = line.partition("=")
        if separator and name.strip() == key:
            return value.strip()
    return None


def _text(path: Path) -> str:
    """Return the text of a small file; empty if it cannot be read."""
    try:
        with path.open(errors="replace") as file:
            return file.read(_LARGEST)
    except OSError:
        return ""

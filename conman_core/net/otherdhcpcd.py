"""Whether another dhcpcd would take over what we ask of ours.

A new dhcpcd hands its command line to one that runs for the same interface, and to the service
that runs for all of them even where that denies the interface (measured, 9.4.1 and 10.1.0).
"""

from __future__ import annotations

from pathlib import Path

from conman_core.leftovers import read_status

RUN = Path("/run/dhcpcd")  #: where every dhcpcd keeps its pid files


def other_dhcpcd(interface: str) -> str | None:
    """Return a sentence if another dhcpcd would take our command line over, else None."""
    remedies = {
        "pid": "systemctl disable --now dhcpcd",
        f"{interface}.pid": f"dhcpcd -x {interface}",
        f"{interface}-4.pid": f"dhcpcd -4 -x {interface}",
    }
    for name, remedy in remedies.items():
        pid = _read_pid(RUN / name)
        if pid and _is_dhcpcd(pid):
            return f"another dhcpcd (pid {pid}) has {interface}; to hand it over, as root: {remedy}"
    return None


def _read_pid(path: Path) -> int | None:
    try:
        with path.open(errors="replace") as file:
            text = file.read(20).strip()
    except OSError:
        return None
    return int(text) if text.isascii() and text.isdecimal() else None


def _is_dhcpcd(pid: int) -> bool:
    status = read_status(pid)
    return status is not None and status.name.startswith("dhcpcd") and status.state not in "ZX"

"""Kernel settings of an interface that carries, or may carry, the machine's traffic.

Facts: Documentation/networking/ip-sysctl.rst of the kernel. The kernel takes the greater of the
interface's and `all`'s value for rp_filter, arp_ignore and arp_announce, so the interface's own
is enough. Settings are found by path, never by dotted name: `eth0.5` is one interface.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from conman_core.errors import SystemFault
from conman_core.ledger import Ledger

log = logging.getLogger(__name__)

ROOT = Path("/proc/sys/net")  #: of the network namespace of the calling thread

#: (family, setting) -> value
UPLINK: Mapping[tuple[str, str], str] = {
    # Loose: with two uplinks the answer to a check bound to the second one is dropped otherwise.
    ("ipv4", "rp_filter"): "2",
    # When a lease moves within one subnet the old address takes the new one along without this.
    ("ipv4", "promote_secondaries"): "1",
    # With two interfaces in one LAN each must answer, and ask, for its own addresses only, or
    # the router learns the wrong MAC.
    ("ipv4", "arp_ignore"): "1",
    ("ipv4", "arp_announce"): "2",
    # The kernel itself leaves a line without signal, before any process wakes.
    ("ipv4", "ignore_routes_with_linkdown"): "1",
    ("ipv6", "ignore_routes_with_linkdown"): "1",
}


def prepare(
    interface: str,
    ledger: Ledger,
    settings: Mapping[tuple[str, str], str] = UPLINK,
    root: Path = ROOT,
) -> None:
    """Give an interface these settings; the ledger keeps what it had before.

    A setting that this kernel does not have is skipped, and so is an interface that is gone.
    One that cannot be changed does not keep the others from being changed. Raises SystemFault
    then, and for a text that cannot be an interface's name.
    """
    if not interface or interface in (".", "..") or "/" in interface:
        raise SystemFault(f"{interface!r} is not the name of a network interface")
    wanted: dict[str, tuple[str, str]] = {}
    for (family, name), value in settings.items():
        key = f"{family}/conf/{interface}/{name}"
        before = _read(root / key)
        if before is not None and before != value:
            wanted[key] = (before, value)
    ledger.remember_sysctls(wanted)
    refused = [
        refusal for key, (_, value) in wanted.items() if (refusal := _set(root / key, value))
    ]
    if refused:
        raise SystemFault(
            f"{interface}: the kernel settings of an uplink could not be changed: "
            f"{'; '.join(refused)}; run conman as root, and in a container with /proc/sys writable"
        )


def restore(ledger: Ledger, root: Path = ROOT) -> None:
    """Put back what `prepare` changed, in this process or in one before it.

    Only what still has conman's value is put back: somebody else's later change stays. Raises
    SystemFault, after trying all, if some could not be put back; these stay in the ledger.
    """
    done: list[str] = []
    refused: list[str] = []
    for key, (before, ours) in ledger.entries.sysctls.items():
        path = root / key
        now = None if ".." in path.parts else _read(path)
        refusal = None
        if now is not None and now not in (ours, before):
            log.warning("%s is %s now, neither conman's nor the original: left as it is", path, now)
        elif now == ours:
            refusal = _set(path, before)
        if refusal:
            refused.append(refusal)
        else:
            done.append(key)
    ledger.forget_sysctls(done)
    if refused:
        raise SystemFault(f"kernel settings could not be put back: {'; '.join(refused)}")


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:  # not in this kernel, or the interface went away
        return None


def _set(path: Path, value: str) -> str | None:
    """Write a setting; return a refusal in words, None if it was taken or its interface is gone."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        try:
            os.write(handle, value.encode())
        finally:
            os.close(handle)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{path}: {error.strerror}"
    return None

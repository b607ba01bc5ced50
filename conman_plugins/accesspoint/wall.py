"""What guests of the access point can reach: the page, names, addresses, ping, and ssh.

The firewall is a table of our own, see nft(8); nobody else's rules are touched. What must hold
without nft, too, is set in the kernel: nothing that comes in on the interface is passed on
(net/ipv4/route.c, IN_DEV_FORWARD of the input device), and there is no IPv6.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from conman_core import PluginContext
from conman_core.errors import SystemFault, ToolMissing
from conman_core.plugin import UndoContext

TABLE = "conman_accesspoint"
PROC = Path("/proc/sys/net")
_LIMIT = 5.0
_HTTP, _DNS = 80, 53
#: by file name below PROC: what an interface gets
_SETTINGS = {"ipv4/conf/{}/forwarding": "0", "ipv6/conf/{}/disable_ipv6": "1"}


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the page and the names are served, if another program has the usual ports."""

    page: int = _HTTP
    names: int = _DNS


def rules(interface: str, addresses: Iterable[IPv4Address], ports: Ports) -> str:
    """Return the table as text for `nft -f -`; an older one is replaced at once.

    A web server of the host's own on port 443 would show phones a wrong certificate, so a
    connection there is refused at once, as is any other. ssh stays: it may be the way to a rescue.
    What listens on the machine's addresses in other networks is not for guests.
    """
    quoted = f'"{interface}"'
    redirects = [
        f"iifname {quoted} {protocol} dport {usual} redirect to :{mine}"
        for protocol, usual, mine in (
            ("tcp", _HTTP, ports.page),
            ("tcp", _DNS, ports.names),
            ("udp", _DNS, ports.names),
        )
        if usual != mine
    ]
    own = f"ip daddr {{ {', '.join(map(str, addresses))} }}"
    chains = [
        "chain guests {",
        "ct state established,related accept",
        "udp dport 67 accept",
        f"{own} tcp dport {{ 22, {_DNS}, {_HTTP}, {ports.names}, {ports.page} }} accept",
        f"{own} udp dport {{ {_DNS}, {ports.names} }} accept",
        f"{own} icmp type echo-request accept",
        "meta l4proto tcp reject with tcp reset",
        "reject",
        "}",
        "chain input { type filter hook input priority -10; policy accept;",
        f"iifname {quoted} jump guests",
        "}",
        "chain forward { type filter hook forward priority -10; policy accept;",
        f"iifname {quoted} drop",
        f"oifname {quoted} drop",
        "}",
    ]
    if redirects:
        chains += [
            "chain prerouting { type nat hook prerouting priority -100; policy accept;",
            *redirects,
            "}",
        ]
    body = "\n".join(chains)
    return f"table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n{body}\n}}\n"


async def build(
    context: PluginContext, interface: str, addresses: Iterable[IPv4Address], ports: Ports
) -> None:
    """Put the table up. Raises SystemFault if it is needed for what the ports say.

    Without nft the rest is done all the same: guests then reach what the host itself offers.
    """
    text = rules(interface, addresses, ports)
    try:
        done = await context.run(["nft", "-f", "-"], stdin=text, timeout=_LIMIT)
        problem = done.stderr.strip() if done.returncode else ""
    except (ToolMissing, SystemFault, TimeoutError) as error:
        problem = str(error)
    if problem and ports != Ports():
        raise SystemFault(
            f"another program has port 80 or 53, and traffic cannot be led past it: {problem}"
        )
    if problem:
        context.log.warning(
            "guests of the access point reach all that this machine offers: %s", problem
        )


async def tear_down(context: UndoContext) -> None:
    """Take the table away, if there is one."""
    text = f"table inet {TABLE}\ndelete table inet {TABLE}\n"
    with contextlib.suppress(SystemFault, TimeoutError):  # then there is none
        await context.run(["nft", "-f", "-"], stdin=text, timeout=_LIMIT)


def close_in(interface: str, root: Path = PROC) -> dict[str, str]:
    """Keep the kernel from passing packets on; return what was there, for `open_up`.

    Raises SystemFault.
    """
    before = {}
    for pattern, value in _SETTINGS.items():
        path = root / pattern.format(interface)
        try:
            before[pattern] = path.read_text().strip()
            path.write_text(value)
        except FileNotFoundError:  # a kernel without IPv6
            continue
        except OSError as error:
            open_up(interface, before, root)
            raise SystemFault(f"{path} cannot be set to {value}: {error.strerror}") from error
    return before


def open_up(interface: str, before: Mapping[str, str], root: Path = PROC) -> None:
    """Put back what `close_in` found; an interface that is gone needs nothing."""
    for pattern, value in before.items():
        if pattern in _SETTINGS:
            with contextlib.suppress(OSError):
                (root / pattern.format(interface)).write_text(value)

"""A call by pppd: its options, what it prints, and how it ends (pppd(8) of 2.4.9).

pppd would run the scripts of /etc/ppp, which change the resolver; here it is given another one.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

from conman_core import Address, Connection, Family, Reason
from conman_core.tools import find_tool
from conman_plugins.cellular import chat

FIRST_UNIT = 10  #: lower ones are those of others, such as sakis3g's ppp0

_ECHO = (3, 3)  #: seconds between echoes to the modem, and how many may stay unanswered
_MOST_LINES = 100
_NAME = re.compile(r"Using interface (ppp[0-9]{1,5})$")
_ADDRESS = re.compile(r"(local |remote|primary  |secondary) (IP|DNS) address ([0-9.]{7,15})$")
_READY = re.compile(r"Script \S+ started \(pid [0-9]+\)$")
#: what pppd says when a line that worked ends, and before it has come up
_ENDS = (
    (re.compile("Modem hangup"), Reason.LOST, "the network ended the call"),
    (re.compile("No response to [0-9]+ echo-requests"), Reason.LOST, "the line went silent"),
    (re.compile("LCP terminated by peer"), Reason.LOST, "the network ended the call"),
    (
        re.compile("(PAP|CHAP) authentication failed"),
        Reason.WRONG_KEY,
        "the operator refused user and password",
    ),
    (
        re.compile("timeout sending Config-Requests"),
        Reason.TIMEOUT,
        "the network did not answer after the dial",
    ),
    (
        re.compile("Device .* is locked by pid [0-9]+"),
        Reason.BUSY,
        "another program uses the modem's port",
    ),
    (
        re.compile("(Could not determine local IP address|No network protocols running)"),
        Reason.NO_ADDRESS,
        "the network gave no address",
    ),
)
_CODES = {
    2: (Reason.BROKEN, "pppd does not understand its options"),
    4: (Reason.BROKEN, "the kernel has no PPP; load its module with: modprobe ppp_async"),
    7: (Reason.NO_DEVICE, "the modem's port cannot be opened; plug the modem in again"),
    8: (Reason.TIMEOUT, "the dial failed"),
    16: (Reason.LOST, "the network ended the call"),
    19: (Reason.WRONG_KEY, "the operator refused user and password"),
}


@dataclass(frozen=True, slots=True)
class Call:
    """What a call is made with. `user` is empty where the operator asks for nobody."""

    terminal: str
    number: str = "*99#"
    user: str = ""
    password: str = ""
    auth: str = "auto"
    baud: int = 115200


def options(call: Call, unit: int, script: Path) -> str:
    """Return pppd's options for a call, for a file that root alone can read."""
    dial = f"{find_tool('chat')} -s -v -f {script}"
    lines = [
        call.terminal,
        str(call.baud),
        *("nodetach", "lock", "modem", "crtscts", "noauth", "hide-password", "debug"),
        *("noipdefault", "ipcp-accept-local", "ipcp-accept-remote", "usepeerdns"),
        *("nodefaultroute", "noproxyarp", "noipv6", "noccp", "novj"),
        f"lcp-echo-interval {_ECHO[0]}",
        f"lcp-echo-failure {_ECHO[1]}",
        "lcp-max-configure 6",
        f"unit {unit}",
        f"linkname conman-{call.terminal.rpartition('/')[2]}",
        "ipparam conman",
        "ip-up-script /bin/true",
        "ip-down-script /bin/true",
        f"connect {_quoted(dial)}",
    ]
    if call.user:
        lines += [f"user {_quoted(call.user)}", f"password {_quoted(call.password)}"]
    if call.auth == "pap":
        lines += ["refuse-chap", "refuse-mschap", "refuse-mschap-v2", "refuse-eap"]
    elif call.auth == "chap":
        lines += ["refuse-pap", "refuse-eap"]
    return "\n".join((*lines, ""))


def _quoted(text: str) -> str:
    """Return a word as pppd's option files have it: only `"` and a backslash are special."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@dataclass(slots=True)
class Story:
    """What a pppd has printed so far, and what follows from it."""

    interface: str = ""
    local: IPv4Address | None = None
    dns: list[IPv4Address] = field(default_factory=list)
    ready: bool = False  #: all that it tells of the addresses was told
    end: tuple[Reason, str] | None = None  #: why it ends, once it said so
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_LINES))

    def take(self, line: str) -> None:
        """Read a line. Never raises."""
        line = line.rstrip()
        self.lines.append(line)
        if found := _NAME.search(line):
            self.interface = found[1]
        elif found := _ADDRESS.search(line):
            self._address(found[1].strip(), found[3])
        elif self.local and _READY.search(line):
            self.ready = True
        elif self.end is None:
            for pattern, reason, words in _ENDS:
                if pattern.search(line):
                    self.end = reason, words
                    return

    def _address(self, kind: str, text: str) -> None:
        try:
            address = IPv4Address(text)
        except ValueError:
            return
        if address.is_unspecified or address.is_loopback or address.is_multicast:
            return
        if kind == "local":
            self.local = address
        elif kind != "remote" and address not in self.dns:
            self.dns.append(address)

    @property
    def connection(self) -> Connection | None:
        """What the call offers, once it is known."""
        if not self.interface or self.local is None:
            return None
        own = Address(IPv4Interface(f"{self.local}/32"))
        gateways = {Family.IPV4: None}
        return Connection(self.interface, (own,), gateways, tuple(self.dns), metered=True)

    def why(self, code: int) -> tuple[Reason, str]:
        """Return why it has ended, with its exit code."""
        if failed := chat.failure(self.lines):
            return failed
        known = _CODES.get(code, (Reason.TIMEOUT, f"pppd ended with code {code}"))
        return self.end or known

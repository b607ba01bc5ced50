"""How phones and computers find out that there is a page: the requests that they send, and why.

Each asks a known address for a known answer, over plain HTTP. Every name leads here, so each gets
a redirection to the page instead, and opens it. That is the answer to *every* foreign host; the
table says which requests it was made for. Sources: the captive portal detection of AOSP
(NetworkMonitor.java), Apple's and Microsoft's support pages, Firefox (captivedetect.js),
NetworkManager, ConnMan.

Nothing changes when settings have worked: the access point goes away a few seconds later, and a
phone that was told "you are online" would keep a network that ends at that moment.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

_APPLE = "CaptiveNetworkSupport-407.40.1 wispr"
_NCSI = "Microsoft NCSI"
_CONNECT = "www.msftconnecttest.com"


class Probe(NamedTuple):
    """What a system asks, and what it expects of the internet."""

    system: str
    host: str
    path: str
    expects: str
    agent: str = ""


PROBES = (
    Probe("Android, ChromeOS", "connectivitycheck.gstatic.com", "/generate_204", "204"),
    Probe("Android, ChromeOS", "www.google.com", "/gen_204", "204"),
    Probe("Android", "connectivitycheck.android.com", "/generate_204", "204"),
    Probe("Android", "clients3.google.com", "/generate_204", "204"),
    Probe("Android", "play.googleapis.com", "/generate_204", "204"),
    Probe("iOS, macOS", "captive.apple.com", "/hotspot-detect.html", "Success", _APPLE),
    Probe("iOS, macOS", "www.apple.com", "/library/test/success.html", "Success", _APPLE),
    Probe("Windows", _CONNECT, "/connecttest.txt", "Microsoft Connect Test", _NCSI),
    Probe("Windows", _CONNECT, "/redirect", "a page"),
    Probe("Windows, older", "www.msftncsi.com", "/ncsi.txt", "Microsoft NCSI", _NCSI),
    Probe("Firefox", "detectportal.firefox.com", "/success.txt", "success"),
    Probe("Firefox", "detectportal.firefox.com", "/canonical.html", "a meta refresh"),
    Probe("GNOME", "nmcheck.gnome.org", "/check_network_status.txt", "NetworkManager is online"),
    Probe("Ubuntu", "connectivity-check.ubuntu.com", "/", "204"),
    Probe("Debian", "network-test.debian.org", "/nm", "NetworkManager is online"),
    Probe("ConnMan", "ipv4.connman.net", "/online/status.html", "X-ConnMan-Status: online"),
    Probe("Kindle", "spectrum.s3.amazonaws.com", "/kindle-wifi/wifistub.html", "a fixed page"),
)  # fmt: skip

_HOST = re.compile(r"([A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")


def host_of(header: str) -> str:
    """Return the host of a Host header without its port; empty if it is none (RFC 9110, 7.2)."""
    match = _HOST.fullmatch(header)
    return match[1].lower().rstrip(".") if match else ""


def is_ours(header: str, hosts: Collection[str]) -> bool:
    """Tell whether a Host header names this device by one of its addresses."""
    return host_of(header) in hosts

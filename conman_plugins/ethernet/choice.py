"""Which interfaces to use, and why none. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from conman_core.inventory import Interface
from conman_core.options import is_pattern

_MOST_NAMED = 6  #: interfaces in one sentence
#: what fits into a `priority` list
_WRITABLE = re.compile(r"[!-+\--~]+", re.ASCII)


def choose(wanted: Sequence[str], present: Sequence[Interface]) -> list[Interface]:
    """Return the interfaces to use, best first; `present` are those that there are, in order.

    What the user names may be anything that speaks Ethernet, a bridge or a VLAN say; a pattern,
    or nothing, takes wired devices only.
    """
    chosen: dict[str, Interface] = {}
    for pattern in wanted or ("*",):
        for interface in present:
            named = interface.name == pattern
            if (named or fnmatchcase(interface.name, pattern)) and not _obstacle(interface, named):
                chosen.setdefault(interface.name, interface)
    return list(chosen.values())


def holder_of_static(
    wanted: Sequence[str], present: Sequence[Interface], holder: str | None
) -> str | None:
    """Return the interface that may have the one static address, None if none can.

    The first: one that the user names in full, also while it is not there; else the first of those
    that there are, until it goes: one that comes later takes nothing from it.
    """
    if wanted and not is_pattern(wanted[0]):
        return wanted[0]
    names = [interface.name for interface in choose(wanted, present)]
    return holder if holder in names else next(iter(names), None)


def why_none(wanted: Sequence[str], present: Sequence[Interface]) -> str:
    """Return the sentence for a machine with no interface to use."""
    others = [interface for interface in present if interface.kind != "loopback"]
    # those that the user named come first: the sentence holds a few only
    others.sort(key=lambda interface: interface.name not in wanted)
    found = [_with_why(each, wanted) for each in others]
    if len(found) > _MOST_NAMED:
        found = [*found[:_MOST_NAMED], f"and {len(found) - _MOST_NAMED} more"]
    there = f"there is {', '.join(found)}" if found else "there is no interface at all"
    if not wanted:
        return f"no wired interface: {there}; plug an adapter in"
    missing = ", ".join(wanted)
    return f"no interface to use for interfaces = {missing} in [conman:ethernet]: {there}"


def _with_why(interface: Interface, wanted: Sequence[str]) -> str:
    name = interface.name if _WRITABLE.fullmatch(interface.name) else ascii(interface.name)
    return f"{name} ({_obstacle(interface, interface.name in wanted) or 'which is not named'})"


def _obstacle(interface: Interface, named: bool) -> str:
    """Return why an interface cannot be used, empty if it can."""
    if not _WRITABLE.fullmatch(interface.name):
        return "its name cannot be written in settings; rename it with: ip link set NAME name NEW"
    by_name = interface.ethernet_frames and interface.kind != "wifi" and not interface.master
    return "" if named and by_name else interface.why_not_wired

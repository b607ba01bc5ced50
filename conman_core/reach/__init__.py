"""Reachability of one link: whether the internet answers over it, and over nothing else.

`Checker.check` runs one round of echo, DNS and HTTP through sockets that are bound to the link's
device and address, and returns a `Finding` with the verdict, a sentence and all that was asked.
`judge` is the pure part: what the evidence amounts to.
"""

from conman_core.reach.checker import Checker
from conman_core.reach.http import parse_url
from conman_core.reach.path import Check, PathMemory, Targets
from conman_core.reach.round import LIMIT, Finding

__all__ = ["LIMIT", "Check", "Checker", "Finding", "PathMemory", "Targets", "parse_url"]

"""A page in evil hands: see `core`. All that is tried is imported here, as later nothing can be."""

from tests.accesspoint.compromised import files, memory, network, processes, rights
from tests.accesspoint.compromised.core import ATTACKS, FACTS, heedless, noisy, serve

__all__ = [
    "ATTACKS",
    "FACTS",
    "files",
    "heedless",
    "memory",
    "network",
    "noisy",
    "processes",
    "rights",
    "serve",
]

"""Hangs the thread that imports it, until a test lets it go on."""

from acme_commands.faults import RELEASE

RELEASE.wait()

"""Ethernet links for conman: see README.md for the settings."""

from conman_plugins.ethernet.driver import EthernetDriver

__all__ = ["EthernetDriver"]

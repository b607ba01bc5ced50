"""Provisioning for conman: an access point with a page; see README.md for the settings."""

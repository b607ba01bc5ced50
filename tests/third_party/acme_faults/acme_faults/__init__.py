"""Drivers that are wrong, each in the way that its entry point's name says."""

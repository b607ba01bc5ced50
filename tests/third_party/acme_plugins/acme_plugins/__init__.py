"""Plugins, right ones and wrong ones."""

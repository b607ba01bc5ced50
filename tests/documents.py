"""Finds the code blocks of the documents, so that tests can run them."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document: str, language: str) -> list[str]:
    """The contents of all blocks of one language, in order."""
    text = (ROOT / document).read_text()
    return [content for kind, content in _BLOCK.findall(text) if kind == language]


def commands(document: str) -> list[str]:
    """Every shell command of a document, from blocks and from its table of commands."""
    lines = [line for block in blocks(document, "sh") for line in block.splitlines()]
    table = re.findall(r"^\| `(conman [^`]*)` \|", (ROOT / document).read_text(), re.MULTILINE)
    return [line.removeprefix("sudo ") for line in lines] + table

"""Answers the shells' scripts when Tab is pressed.

The scripts of `conman completion` know the fixed words themselves, without starting Python, and
ask here for the rest: `conman __complete bash WORDBREAKS LINE`, where LINE ends at the cursor, or
`conman __complete zsh WORD...`. The answer has a line for each word, after a line `FILES` if files
may stand there as well. For zsh a tab and what the word means follow. Whatever goes wrong, a Tab
only finds nothing: there is no good place on the screen for a sentence.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

from conman_core.cli.tree import Node, Place, node_of
from conman_core.cli.walk import Answer, candidates
from conman_core.errors import ConmanError

FILES = "\tfiles"  #: as no word has a tab
LIMIT = 2.0  #: seconds for a completer


def answer(arguments: Sequence[str]) -> int:
    """Print what may stand at the end of a line."""
    out = os.dup(1)  # kept from what a stranger's code, or a program that it starts, may print
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    text = "".join(f"{line}\n" for line in lines(arguments))
    with open(out, "wb") as stream:  # noqa: PTH123 - a descriptor
        stream.write(text.encode(errors="surrogateescape"))
    return 0


def lines(arguments: Sequence[str]) -> list[str]:
    """Return the lines of the answer."""
    shell, *rest = arguments or [""]
    if shell == "bash" and len(rest) == 2:
        from conman_core.cli.quoting import cursor

        at = cursor(line=rest[1], breaks=rest[0])
        found = ask(at.before[1:], at.word)
        begun = [word for word, _ in found.words if word.startswith(at.word)]
        return [FILES] * found.files + [at.reply(word) for word in begun]
    if shell == "zsh" and rest:
        found = ask(rest[:-1], rest[-1])
        return [FILES] * found.files + [f"{word}\t{about}" for word, about in found.words]
    return []


def ask(before: Sequence[str], current: str) -> Answer:
    """Return what may follow the words after `conman`, importing as little as that needs."""
    try:
        return candidates(_tree(before[0] if before else ""), before, current, values)
    except ConmanError:
        return Answer()


def _tree(first: str) -> Node:
    from conman_core.cli.parser import add_parser, build, top
    from conman_core.cli.words import OWN

    if first in OWN:
        return node_of(build(first))
    from conman_core.cli import added

    found, _ = added.find(OWN)
    one = found.get(first)
    if one:
        command = added.load_in_time(one)
        parser, commands = top()
        described = add_parser(commands, first, command.about)
        added.within(LIMIT, lambda: added.build(one, command, described), first)
        return node_of(parser)
    node = node_of(build(""))
    empty = Node({}, (), ())
    words = {name: (one.origin, empty) for name, one in found.items() if not one.problem}
    return node._replace(words={**node.words, **words})


def values(place: Place) -> Answer:
    """Return the values of a place; a completer's may take no longer than `LIMIT`."""
    completer = place.completer
    if completer is None:
        return Answer(tuple((choice, "") for choice in place.choices), place.files)
    from conman_core.cli.added import within

    try:
        words: list[Any] = within(LIMIT, lambda: list(completer()), "a completer")
    except BaseException:  # noqa: BLE001 - a stranger's code, SystemExit included
        return Answer()
    return Answer(tuple(_sound(words)))


def _sound(words: Iterable[Any]) -> Iterable[tuple[str, str]]:
    """Yield the words that a line can hold: some are names that anybody nearby may choose."""
    for one in words:
        word, about = one if isinstance(one, tuple) and len(one) == 2 else (one, "")
        if isinstance(word, str) and word and not any(map(_steers, word)):
            yield word, "".join(" " if _steers(char) else char for char in str(about))


def _steers(char: str) -> bool:
    """Whether a character steers a terminal, ends a line or cannot be written."""
    return ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or 0xD800 <= ord(char) < 0xE000

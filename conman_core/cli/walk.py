"""What may stand at the cursor, after the words before it. Pure, but for the completers it calls.

Words are taken as argparse takes them; options must be spelt out, its abbreviations are not known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from conman_core.cli.tree import Node, Option, Place

Words = tuple[tuple[str, str], ...]  #: each with what it means
Values = Callable[[Place], "Answer"]


class Answer(NamedTuple):
    """Words with what each means, and whether files may stand there, too."""

    words: Words = ()
    files: bool = False


class _Walk:
    """The command that some words lead to, and what it has and still waits for."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.lost = False  #: there is no such command
        self.ended = False  #: `--` was there: no more options
        self._enter(node)

    def _enter(self, node: Node) -> None:
        self.node = node
        self.used: set[str] = set()
        self.waiting: Place | None = None  #: the latest option's, while it takes values
        self.got = 0  #: values of that option
        self.place, self.given = 0, 0  #: the place that is next, and its values so far

    def take(self, word: str) -> None:
        option = self._option(word)
        if self.hungry or (self.waiting and not self._dashed(word)):
            self.got += 1
            if self.waiting and self.got >= self.waiting.most:
                self.waiting = None
        elif self._dashed(word):
            self.waiting, self.got = None, 0
            self.ended = word == "--"
            if option:
                self.used.update(option.names)
                self.waiting = option.takes if option.takes.most and "=" not in word else None
        elif self.node.words:
            if word in self.node.words:
                self._enter(self.node.words[word][1])
            else:
                self.lost = True
        else:
            self.given += 1
            if self.open_place and self.given >= self.open_place.most:
                self.place, self.given = self.place + 1, 0

    def _dashed(self, word: str) -> bool:
        return not self.ended and word.startswith("-") and word != "-"

    def _option(self, word: str) -> Option | None:
        name = word.partition("=")[0]
        return None if self.ended else option_of(self.node, name)

    def allowed(self, answer: Answer) -> Answer:
        """Leave out words that would be taken for options."""
        return answer._replace(words=tuple(one for one in answer.words if not self._dashed(one[0])))

    @property
    def hungry(self) -> bool:
        """Whether the next word can only be a value of the latest option."""
        return self.waiting is not None and self.got < self.waiting.least

    @property
    def open_place(self) -> Place | None:
        places = self.node.places
        return places[self.place] if self.place < len(places) else None

    def options(self, current: str) -> Words:
        """Return the options that are not there yet; short ones only for a lone dash."""
        return tuple(
            (name, one.about)
            for one in self.node.options
            if one.repeats or not self.used.intersection(one.names)
            for name in one.names
            if name.startswith("--") or current == "-"
        )


def option_of(node: Node, name: str) -> Option | None:
    """Return the option of that name."""
    return next((one for one in node.options if name in one.names), None)


def candidates(node: Node, before: Sequence[str], current: str, values: Values) -> Answer:
    """Return what may stand in the place of `current`, after the words `before`.

    Of `current` only its dashes and its `--option=` count: the result may begin otherwise.
    """
    walk = _Walk(node)
    for word in before:
        walk.take(word)
    if walk.lost:
        return Answer()
    if walk.waiting and walk.hungry:
        return walk.allowed(values(walk.waiting))
    name, equals, _ = current.partition("=")
    if current.startswith("-") and not walk.ended:
        option = option_of(walk.node, name)
        if not equals:
            return Answer(walk.options(current))
        told = values(option.takes) if option and option.takes.most else Answer()
        return told._replace(words=tuple((f"{name}={word}", about) for word, about in told.words))
    found = [values(place) for place in (walk.waiting, walk.open_place) if place]
    words = tuple(word for one in found for word in one.words)
    words += tuple((word, about) for word, (about, _) in walk.node.words.items())
    return walk.allowed(Answer(words, any(one.files for one in found)))

"""A line of bash at the cursor: its words without quotes, and a word as it must be put there.

bash replaces not the word but what follows its last unquoted break character, such as the colon
of `ethernet:eth0`, or its opening quote (rl_complete and COMP_WORDBREAKS of readline). So a
reply is what is left of a word from there on, quoted as that place needs it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_BLANK = " \t\n"
_PLAIN = re.compile(r"[\w@%+=:,./-]")  # needs no backslash; letters of all languages
_BETWEEN = {
    '"': str.maketrans({char: f"\\{char}" for char in '"\\$`'} | {"!": '"\\!"'}),
    "'": str.maketrans({"'": "'\\''"}),
}


class Cursor(NamedTuple):
    """What stands before the cursor."""

    before: tuple[str, ...]
    word: str  #: the one at the cursor, as typed so far, without quotes
    kept: int  #: how many of its characters bash leaves as they are
    quote: str  #: the quote that is open there, or empty

    def reply(self, word: str) -> str:
        """Return what takes the place of the word at the cursor, for one that begins like it."""
        rest = word[self.kept :]
        if self.quote:
            between = rest.translate(_BETWEEN[self.quote])
            # readline takes a quote at the start for the one that is there (insert_match), and
            # one at the end for the closing one (append_to_match)
            first = self.quote * between.startswith(self.quote)
            return first + between + self.quote * between.endswith(self.quote)
        return "".join(
            char if char > "\x7f" or _PLAIN.match(char) else f"\\{char}" for char in rest
        )


def cursor(line: str, breaks: str) -> Cursor:
    """Return what a line is made of. `breaks` is COMP_WORDBREAKS; no expansions are made."""
    words: list[str] = []
    word, quote, kept, inside = "", "", 0, False
    at = 0
    while at < len(line):
        char = line[at]
        at += 1
        if quote:
            if char == quote:
                quote = ""
            elif char == "\\" and quote == '"' and line[at : at + 1] in ('"', "\\", "$", "`"):
                word, at = word + line[at : at + 1], at + 1
            else:
                word += char
        elif char in _BLANK:
            if inside:
                words.append(word)
            word, kept, inside = "", 0, False
        elif char == "\\":
            word, at, inside = word + line[at : at + 1], at + 1, True
        elif char in "'\"":
            quote, kept, inside = char, len(word), True
        else:
            word, inside = word + char, True
            if char in breaks:  # `@` and `$` belong to what follows (rl_special_prefixes)
                kept = len(word) - (char in "@$")
    return Cursor(tuple(words), word, kept, quote)

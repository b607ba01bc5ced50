"""What bash gets is what was meant, whatever is in a name."""

from __future__ import annotations

import shlex
import subprocess

from hypothesis import given, settings
from hypothesis import strategies as st

from conman_core.cli.quoting import cursor

BREAKS = " \t\n\"'@><=;|&(:"  # bash's own
_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)


@given(st.lists(st.text(st.characters(exclude_characters="\0")), max_size=4))
def test_words_are_read_as_a_shell_reads_them(words: list[str]):
    at = cursor(f"conman {shlex.join(words)} ", BREAKS)
    assert at.before == ("conman", *words)
    assert (at.word, at.kept, at.quote) == ("", 0, "")


@settings(max_examples=60)
@given(st.lists(_text | st.text("'\"!$`\\ ~:@=", min_size=1, max_size=6), min_size=1, max_size=20))
def test_a_reply_is_the_word_again_when_bash_has_read_the_line(words: list[str]):
    for quote in ("", "'", '"'):
        script = "".join(f"printf '%s\\0' {as_on_the_line(word, quote)}\n" for word in words)
        read = subprocess.run(
            ["bash", "-c", script], capture_output=True, check=True, timeout=20
        ).stdout
        assert read.decode().split("\0")[:-1] == words


def as_on_the_line(word: str, quote: str) -> str:
    """Put a reply behind an open quote as readline does (insert_match, append_to_match)."""
    reply = cursor(f"conman {quote}", BREAKS).reply(word)
    start = "" if quote and reply.startswith(quote) else quote
    end = "" if quote and reply.endswith(quote) else quote
    return start + reply + end


@given(st.text(max_size=40), st.sampled_from([BREAKS, "", " \t"]), _text)
def test_any_line_can_be_read(line: str, breaks: str, more: str):
    at = cursor(line, breaks)
    assert 0 <= at.kept <= len(at.word)
    at.reply(at.word + more)


def test_only_what_follows_the_last_break_is_replaced():
    for line, kept in (
        ("conman show ethernet:e", 9), ("conman show 'ethernet:e", 0), ("conman show a\\:b", 0),
        ("conman show x=y@z", 3), ("conman show --like=a:b", 9), ('conman show ab"cd', 2),
    ):  # fmt: skip
        assert cursor(line, BREAKS).kept == kept
    assert cursor("conman show ethernet:e", " \t").kept == 0

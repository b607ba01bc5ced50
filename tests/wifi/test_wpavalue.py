"""Values, lines and text as wpa_supplicant takes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_plugins.wifi.wpalines import Lines
from conman_plugins.wifi.wpavalue import as_written, number, shown, text, words


def line_texts(data: bytes, size: int = 512) -> list[tuple[int, bytes]]:
    lines = Lines(data)
    return [(line.number, line.text) for line in iter(lambda: lines.next(size), None)]


class TestText:
    @pytest.mark.parametrize(
        ("value", "meant"),
        [
            (b'"plain"', b"plain"),
            (b'"a"b"', b'a"b'),
            (b'"back\\slash"', b"back\\slash"),
            (b'""', b""),
            (b"", b""),
            (b"6d79", b"my"),
            (b"6D79", b"my"),
            (
                rb'P"tab\t, quote\", \x41\x4 \101\60, \e\\, \q"',
                b'tab\t, quote", A\x04 A0, \x1b\\, q',
            ),
            (rb'P"\777\1234\x"', b"\xffS4"),
            (b"6d7", None),
            (b"my", None),
            (b"6d 79", None),
            (b'"open', None),
            (b'"', None),
            (b'"closed" and more', None),
            (b'P"closed" and more', None),
        ],
    )
    def test_text_is_quoted_or_escaped_or_hex(self, value, meant):
        assert text(value) == meant

    @given(st.binary(max_size=40))
    def test_bytes_in_hex_are_those_bytes(self, content):
        assert text(content.hex().encode()) == content

    @given(st.binary(max_size=40))
    def test_any_value_is_text_or_not(self, value):
        text(value)
        text(b'P"' + value + b'"')


class TestNumber:
    @pytest.mark.parametrize(
        ("value", "meant"),
        [
            (b"", 0),
            (b"10", 10),
            (b"-1", -1),
            (b"+7", 7),
            (b" 7", 7),
            (b"0x10", 16),
            (b"010", 8),
            (b"0", 0),
            (b"08", None),
            (b"0x", None),
            (b"7 ", None),
            (b"seven", None),
            (b"4294967297", 1),
            (b"9" * 5000, -1),
            (b"-" + b"9" * 5000, 0),
        ],
    )
    def test_numbers_are_those_of_c(self, value, meant):
        assert number(value) == meant


class TestLines:
    def test_blank_lines_and_comments_say_nothing(self):
        assert line_texts(b"\n  \t\r\n# c\n\t# c\na\n") == [(5, b"a")]

    @pytest.mark.parametrize(
        ("line", "meant"),
        [
            (b"a=1 # c", b"a=1"),
            (b'a="x#y"', b'a="x#y"'),
            (b'a="x" # "c"', b'a="x"'),
            (b'a="x"y#z"', b'a="x"y'),
            (b'a="x#y', b'a="x'),
            (b'a="x#y" # c', b'a="x#y"'),
            (b"\t a \t\r", b"a"),
        ],
    )
    def test_a_comment_starts_outside_of_quotes(self, line, meant):
        assert line_texts(line + b"\n") == [(1, meant)]

    def test_a_long_line_is_cut_and_its_rest_skipped(self):
        assert line_texts(b"a" * 600 + b"\nb\n") == [(1, b"a" * 511), (2, b"b")]
        assert line_texts(b"a" * 510 + b"\nb\n") == [(1, b"a" * 510), (2, b"b")]

    def test_a_zero_byte_ends_a_line_and_at_its_start_swallows_the_next(self):
        assert line_texts(b"a\0x\nb\n") == [(1, b"a"), (2, b"b")]
        assert line_texts(b"\0x\nb\nc\n") == [(3, b"c")]

    @given(st.binary(max_size=300), st.integers(20, 300))
    def test_what_a_line_says_stands_in_the_file_where_it_says(self, data, size):
        lines = Lines(data)
        end = 0
        while line := lines.next(size):
            assert line.start >= end
            assert data[line.at : line.at + len(line.text)] == line.text
            assert line.start <= line.at < line.end
            end = line.end


@given(st.binary())
def test_any_value_can_be_shown_and_written_again(value):
    assert as_written(shown(value)) == value


def test_words_are_parted_by_blanks():
    assert words(b" a\t b  ") == [b"a", b"b"]

"""The DNS codec reads what answers its own question, and shrugs at everything else."""

from __future__ import annotations

import struct
from ipaddress import ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conman_core.model import Family
from conman_core.reach.dns import (
    NO_ERROR,
    NO_SUCH_NAME,
    Reply,
    encode_name,
    encode_query,
    parse_reply,
    record_type,
)

NAME = "Check.Example"
QUERY = encode_query(0xBEEF, NAME, 1)
QUESTION = QUERY[12:]


def record(kind=1, data=b"\xc0\x00\x02\x01", name=b"\xc0\x0c"):
    return name + struct.pack("!HHIH", kind, 1, 60, len(data)) + data


def answer(*records, identifier=0xBEEF, flags=0x8180, question=QUESTION, count=None):
    number = len(records) if count is None else count
    return struct.pack("!HHHHHH", identifier, flags, 1, number, 0, 0) + question + b"".join(records)


def test_addresses_are_read_behind_an_alias():
    alias = record(5, b"\x03www\xc0\x0c")
    second = record(data=b"\xc0\x00\x02\x02", name=b"\x03www\xc0\x0c")
    expected = (ip_address("192.0.2.1"), ip_address("192.0.2.2"))
    assert parse_reply(answer(alias, record(), second), QUERY) == Reply(NO_ERROR, expected)


def test_ipv6_addresses_are_read_too():
    query = encode_query(1, NAME, record_type(Family.IPV6))
    packed = ip_address("2001:db8::1").packed
    reply = answer(record(28, packed), record(), identifier=1, question=query[12:])
    assert parse_reply(reply, query) == Reply(NO_ERROR, (ip_address("2001:db8::1"),))


def test_an_error_is_an_answer_without_addresses():
    assert parse_reply(answer(flags=0x8183), QUERY) == Reply(NO_SUCH_NAME)
    assert parse_reply(answer(flags=0x8182), QUERY) == Reply(2)


def test_the_case_of_the_name_does_not_matter():
    assert parse_reply(answer(record(), question=QUESTION.upper()), QUERY)


@pytest.mark.parametrize(
    "other",
    [
        answer(record(), identifier=0xBEEE),
        answer(record(), flags=0x0180),
        answer(record(), flags=0xA180),
        answer(record(), question=encode_query(0, "other.example", 1)[12:]),
        answer(record(), question=encode_query(0, NAME, 28)[12:]),
        QUERY,
    ],
    ids=["identifier", "a query", "another operation", "name", "type", "the query itself"],
)
def test_what_answers_another_question_is_not_taken(other):
    assert parse_reply(other, QUERY) is None


def test_a_cut_off_answer_gives_what_is_there():
    assert parse_reply(answer(record(), count=3), QUERY) == Reply(
        NO_ERROR, (ip_address("192.0.2.1"),)
    )


def test_a_record_that_ends_in_the_middle_is_garbage():
    assert parse_reply(answer(record()[:-2]), QUERY) is None
    assert parse_reply(answer(record()[:7]), QUERY) is None


@given(st.binary(max_size=200))
@example(b"\xc0")
@example(b"\x3f" * 64)
def test_garbage_is_no_reply(data):
    assert parse_reply(data, QUERY) is None or data.startswith(QUERY[:2])
    parse_reply(answer(data, count=65535), QUERY)


@given(st.integers(0, 80), st.integers(0, 255))
def test_a_damaged_reply_never_raises(index, value):
    good = bytearray(answer(record(5, b"\x03www\xc0\x0c"), record(), record(28, bytes(16))))
    good[index % len(good)] = value
    parse_reply(bytes(good), QUERY)


@given(st.text(max_size=300))
def test_a_name_is_encoded_or_refused(name):
    try:
        encoded = encode_name(name)
    except ValueError as error:
        assert str(error)  # noqa: PT017 - either way is right
    else:
        assert encoded.endswith(b"\0")
        assert len(encoded) <= 255


@pytest.mark.parametrize("name", ["", ".", "a..b", "x" * 64, ".".join(["abc"] * 64), "müsli.de"])
def test_what_is_not_a_host_name_is_refused(name):
    with pytest.raises(ValueError, match="not a host name"):
        encode_name(name)

"""The page's process is started, judged, ended and started again, whatever it does."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conman_core.errors import SystemFault
from conman_plugins.accesspoint import door
from conman_plugins.accesspoint.page.messages import from_page
from conman_plugins.accesspoint.page.often import SUBMITS
from tests.accesspoint import actors
from tests.accesspoint.clients import ENTERED, Phone
from tests.accesspoint.pagekit import STATE, attempt, serving
from tests.accesspoint.stage import Actor, Company, a_door, descriptors, gone, played, until

# -- what dies is started again


def test_who_comes_while_the_page_is_dead_is_answered_by_the_next(tmp_path: Path) -> None:
    with serving(tmp_path) as site:
        before = site.pid
        form = Phone(site)
        fields = form.sheet()
        site.show(replace(STATE, attempt=attempt(title="Elsewhere")))
        os.kill(before, signal.SIGKILL)
        answer = Phone(site).get()
        assert answer.status == 200
        assert b"Elsewhere" in answer.body, "it shows what the one before showed"
        assert site.pid != before
        assert form.submit(fields | ENTERED).status == 200
        assert site.submissions, "a page that was loaded before still works"
        assert not site.lost


def test_one_that_dies_again_and_again_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "MOST_STARTS", 3)
    company = Company(tmp_path, *[actors.dies] * 9)
    with played(company) as site:
        until(lambda: bool(site.lost))
        assert site.lost == ["the page does not stay up: it ended 3 times in a minute"]
        assert len(company.started) == 4


@pytest.mark.parametrize("which", ["first", "second"])
def test_one_that_ends_before_it_can_answer_is_told(tmp_path: Path, which: str) -> None:
    if which == "first":
        company = Company(tmp_path, actors.dies_at_once)
        with pytest.raises(SystemFault, match=r"the page ended at once; see: journalctl"):
            played(company).__enter__()
    else:
        company = Company(tmp_path, actors.dies, actors.dies_at_once)
        with played(company) as site:
            until(lambda: bool(site.lost))
            assert "the page ended at once" in site.lost[0]
    assert all(gone(pid) for pid in company.started)


def test_one_that_does_not_begin_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "START_LIMIT", 0.3)
    company = Company(tmp_path, actors.never_begins)
    before = descriptors()
    with pytest.raises(SystemFault, match=r"did not start within 0\.3 s"):
        played(company).__enter__()
    assert all(gone(pid) for pid in company.started)
    assert descriptors() <= before


def test_one_that_heeds_no_signal_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_STOP_LIMIT", 0.2)
    company = Company(tmp_path, actors.does_not_heed_signals)
    with played(company):
        assert not gone(company.started[0])
    assert gone(company.started[0])


# -- what misbehaves is ended, and replaced

MISDEEDS = [
    (actors.talks_rubbish, "sent what it never sends (no message of the page)"),
    (actors.talks_too_long, "sent what it never sends (too long)"),
    (actors.says_nothing, "closed its end"),
    (actors.closes_its_end, "closed its end"),
    (actors.floods, "sends more than people can do"),
]


@pytest.mark.parametrize(
    ("actor", "sentence"), MISDEEDS, ids=[actor.__name__ for actor, _ in MISDEEDS]
)
def test_one_that_misbehaves_is_replaced(tmp_path: Path, actor: Actor, sentence: str) -> None:
    company = Company(tmp_path, actor, actors.behaves)
    with played(company) as site:
        until(lambda: len(company.started) == 2)
        until(site.door._ready.is_set)
        assert gone(company.started[0])
        assert f"the page {sentence}: it is ended" in company.said
        assert not site.lost


def test_one_that_never_reads_is_replaced_and_the_next_knows_the_latest(tmp_path: Path) -> None:
    company = Company(tmp_path, actors.never_reads)
    with played(company) as site:
        for number in range(2000):
            site.show(replace(STATE, attempt=attempt(number=number)))
            if "does not listen" in company.said:
                break
        latest = replace(STATE, attempt=attempt(title="The latest"))
        site.show(latest)
        assert b"The latest" in Phone(site).get().body
        assert len(company.started) == 2


def test_a_flood_lets_others_have_their_turn() -> None:
    async def hear() -> None:
        seen: list[int] = []
        made = a_door(Company(Path("/nowhere")))
        made._seen = lambda: seen.append(1)
        made._link, page = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        made._link.setblocking(False)
        with page:
            for _ in range(30):
                page.send(b'{"type":"seen"}')
            made._read(made._link)
            assert len(seen) == 20
            made._read(made._link)
            assert len(seen) == 30
        await made.close()

    asyncio.run(hear())


def test_what_is_too_much_is_not_even_taken(tmp_path: Path) -> None:
    company = Company(tmp_path, actors.floods, actors.behaves)
    with played(company) as site:
        until(lambda: len(company.started) == 2)
        assert 0 < site.looks + site.seen <= door.MOST
        assert len(site.submissions) <= SUBMITS


def test_no_more_is_tried_in_a_minute_than_people_may_whatever_the_page_says(
    tmp_path: Path,
) -> None:
    with played(Company(tmp_path, actors.submits_and_submits)) as site:
        until(lambda: site.looks == 1)
        assert [each.id for each in site.submissions] == list(range(SUBMITS))


def test_descriptors_that_it_sends_are_not_taken(tmp_path: Path) -> None:
    with played(Company(tmp_path, actors.behaves, actors.sends_descriptors)) as site:
        before = len(descriptors())
        os.kill(site.pid, signal.SIGKILL)
        until(lambda: site.seen == 30)
        assert len(descriptors()) == before


@pytest.mark.parametrize("actor", [actors.breaks_its_sockets, actors.spoils_its_sockets])
def test_sockets_that_it_broke_are_made_anew(tmp_path: Path, actor: Actor) -> None:
    company = Company(tmp_path, actor)
    with played(company) as site:
        port = site.door.port
        until(lambda: len(company.started) == 2)
        assert Phone(site).get().status == 200
        assert site.door.port == port
        (listening,) = site.door._listening
        assert listening.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) > 10_000


def test_a_fault_of_the_page_is_told_without_its_words(tmp_path: Path) -> None:
    company = Company(tmp_path, actors.has_a_fault)
    with played(company) as site:
        for _ in range(2):
            assert Phone(site).send(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") == b""
        assert Phone(site).get("/api/status").status == 200
        until(lambda: "please report it: ValueError in actors.py, line" in company.said)
        assert actors.WORDS not in company.said
        assert len(company.started) == 1


KINDS = ["submission", "told", "look", "seen", "ready", "fault", "answer", "state", 1, None]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab1", max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=3), inner),
    max_leaves=5,
)
names = st.sampled_from(["id", "driver", "values", "where", "ok", "field"])
nearly = st.builds(
    lambda kind, more: json.dumps({"type": kind, **more}).encode(),
    st.sampled_from(KINDS),
    st.dictionaries(names, anything, max_size=3),
)


@given(st.lists(st.binary(max_size=60) | nearly, min_size=1, max_size=5))
@settings(max_examples=40)
def test_any_words_of_the_page_are_taken_or_are_its_last(words: list[bytes]) -> None:
    async def hear() -> None:
        company = Company(Path("/nowhere"))
        made = a_door(company)
        made._link, page = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        made._link.setblocking(False)
        with page:
            for each in words:
                page.send(each)
            link = made._link
            made._read(link)  # no word makes it raise
            good = [each for each in words if _understood(each)]
            assert (made._link is None) == (len(good) < len(words))
        await made.close()

    asyncio.run(hear())


def _understood(word: bytes) -> bool:
    try:
        from_page(word)
    except ValueError:
        return False
    return True

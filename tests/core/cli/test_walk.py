"""What may stand at the cursor, by what argparse would take there."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conman_core.cli.complete import lines, values
from conman_core.cli.tree import Node, node_of
from conman_core.cli.walk import candidates
from conman_core.commands import complete_with
from tests.third_party import fixtures
from tests.third_party.install import install

from .canned import CannedDaemon

site = fixtures.site


def tree() -> Node:
    parser = argparse.ArgumentParser("box")
    parser.add_argument("--version", "-V", action="store_true")
    words = parser.add_subparsers()
    call = words.add_parser("call", help="Call it")
    call.add_argument("who", choices=("me", "you"))
    call.add_argument("how", nargs="*", choices=("loud", "soft"))
    call.add_argument("--times", "-t", choices=("1", "2"))
    call.add_argument("--pair", nargs=2, choices=("x", "y"))
    call.add_argument("--maybe", nargs="?", choices=("p", "q"))
    call.add_argument("--tag", action="append")
    call.add_argument("--file", type=Path)
    call.add_argument("--secret", help=argparse.SUPPRESS)
    complete_with(call.add_argument("--name"), lambda: ["a name", ("-dash", "odd")])
    words.add_parser("end")
    return node_of(parser)


def said(line: str) -> list[str]:
    *before, current = line.split(" ")
    found = candidates(tree(), before, current, values)
    words = [word for word, _ in found.words if word.startswith(current)]
    return ["FILES", *words] if found.files else words


OPTIONS = ["--times", "--pair", "--maybe", "--tag", "--file", "--name"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ["call", "end"]),
        ("e", ["end"]),
        ("-", ["-h", "--help", "--version", "-V"]),
        ("--v", ["--version"]),
        ("-V --v", []),
        ("-V ca", ["call"]),
        ("nobody ", []),
        ("nobody --", []),
        ("end ", []),
        ("end --", ["--help"]),
        ("call ", ["me", "you"]),
        ("call me ", ["loud", "soft"]),
        ("call me loud loud ", ["loud", "soft"]),
        ("call --", ["--help", *OPTIONS]),
        ("call --tag a --times 1 --", ["--help", *(o for o in OPTIONS if o != "--times")]),
        ("call -t 1 --ti", []),
        ("call --times ", ["1", "2"]),
        ("call --times=", ["--times=1", "--times=2"]),
        ("call --times=2 ", ["me", "you"]),
        ("call --pair ", ["x", "y"]),
        ("call --pair x ", ["x", "y"]),
        ("call --pair x y ", ["me", "you"]),
        ("call --maybe ", ["p", "q", "me", "you"]),
        ("call --maybe p ", ["me", "you"]),
        ("call --tag ", []),
        ("call --file ", ["FILES"]),
        ("call --file=", ["FILES"]),
        ("call --sec", []),
        ("call --version=", []),
        ("call -- ", ["me", "you"]),
        ("call -- me -", []),
        ("call --name ", ["a name"]),
        ("call --name=-", ["--name=-dash"]),
        ("call --name=", ["--name=a name", "--name=-dash"]),
    ],
)
def test_what_may_follow(line: str, words: list[str]):
    assert said(line) == words


@given(st.lists(st.sampled_from(["call", "me", "--", "--pair", "--tag=", "-", "x", "--maybe", ""])))
def test_any_words_have_an_answer(words: list[str]):
    assert all(isinstance(word, str) for word in said(" ".join([*words, ""])))


@given(st.lists(st.text(st.characters(exclude_characters="\0"))))
def test_any_question_has_an_answer(words: list[str]):
    assert lines(["zsh", "status", *words]) is not None
    lines(["bash", " ", f"conman status {' '.join(words)}"])
    lines(words)


def test_links_are_told_with_their_states(site: Path, daemon: CannedDaemon):
    install(site, ["box"])

    assert lines(["zsh", "box", "show", ""]) == [
        "ethernet:eth0\tconnected", "wwan:cdc-wdm0\tfailed",
    ]  # fmt: skip
    assert lines(["bash", " :", "conman box show ethernet:"]) == ["eth0"]
    assert lines(["bash", " ", "conman box show ethernet:"]) == ["ethernet:eth0"]


@pytest.mark.parametrize("option", ["--raises", "--exits", "--hangs", "--rubbish"])
def test_a_completer_that_fails_only_costs_its_words(
    option: str, site: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("conman_core.cli.complete.LIMIT", 0.2)
    install(site, ["completers"])

    assert lines(["zsh", "completers", option, ""]) == []
    assert f"{option}\t" in lines(["zsh", "completers", "--"])


def test_names_that_could_steer_a_terminal_or_break_a_line_are_left_out(site: Path):
    install(site, ["completers"])

    assert lines(["zsh", "completers", "--noisy", ""]) == ["fine\t"]


@pytest.mark.parametrize(
    "name", ["fails-at-command-import", "exits-at-command-import", "build-raises", "is-a-string"]
)
def test_a_command_that_is_broken_has_no_words(name: str, site: Path):
    install(site, [name, "box"])

    assert lines(["zsh", name, ""]) == []
    assert "box\tacme-commands 1.2" in lines(["zsh", ""])


def test_a_command_that_cannot_be_used_is_not_offered(site: Path):
    install(site, ["claimed", "Odd Name", "status"])

    words = [line.partition("\t")[0] for line in lines(["zsh", ""])]

    assert words.count("status") == 1
    assert not {"claimed", "Odd Name"} & set(words)

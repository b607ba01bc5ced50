"""What drivers and plugins say against settings: told like any other mistake in the file.

What is wrong with the check itself is told too, and costs nobody the settings.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from conman_core import objections
from conman_core.config import Config, ConfigProblems, load
from conman_core.options import Declared, Kind, Option
from conman_core.settings import DRIVER_OPTIONS

OPTIONS = (
    Option("kind", Kind.CHOICE, "dhcp", "Where it comes from.", ("dhcp", "static")),
    Option("address", Kind.ADDRESS, "", "The address."),
)
GOOD = "[conman:acme]\nkind = static\naddress = 192.0.2.1\n"


def fits(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The check of a well-meaning author."""
    if settings["kind"] == "static" and settings["address"] is None:
        yield "address", "kind = static needs an address; write one such as address = 192.0.2.1"
    if settings["kind"] == "dhcp" and settings["address"] is not None:
        yield "address", "address has no effect with kind = dhcp; delete it"


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Config]:
    """Read a file with a driver that has a check."""

    def reading(text: str, check: Any = fits) -> Config:
        (tmp_path / "setup.cfg").write_text(text)
        return load(tmp_path / "setup.cfg", {"acme": Declared(OPTIONS, check)})

    return reading


def problem(read: Callable[..., Config], text: str, check: Any = fits) -> str:
    with pytest.raises(ConfigProblems) as caught:
        read(text, check)
    (said,) = caught.value.problems
    return said.partition("setup.cfg ")[2]


def test_settings_that_fit_are_taken(read) -> None:
    assert read(GOOD).sections["acme"]["kind"] == "static"
    assert read("[conman]\n").warnings == ()


def test_what_does_not_fit_is_told_with_the_line_of_the_key(read) -> None:
    assert problem(read, "[conman]\n[conman:acme]\naddress = 192.0.2.1\n") == (
        "line 3: [conman:acme] address has no effect with kind = dhcp; delete it"
    )


def test_what_is_missing_is_told_with_the_line_of_the_section(read) -> None:
    assert problem(read, "[conman]\n\n[conman:acme]\nkind = static\n") == (
        "line 3: [conman:acme] kind = static needs an address; write one such as "
        "address = 192.0.2.1"
    )


@pytest.mark.parametrize("slip", ["adress = 192.0.2.1", "address = 192.0.2.300"])
def test_one_slip_is_told_once_and_not_once_more_for_what_follows_from_it(read, slip) -> None:
    assert "needs an address" not in problem(read, f"[conman:acme]\nkind = static\n{slip}\n")


def test_a_plugin_has_a_check_too(tmp_path: Path) -> None:
    file = tmp_path / "setup.cfg"
    file.write_text("[conman:acme]\nkind = static\n")
    with pytest.raises(ConfigProblems, match="needs an address"):
        load(file, {}, {"acme": Declared(OPTIONS, fits)})


def test_the_check_sees_what_the_core_understands_and_can_change_nothing(read) -> None:
    seen = []

    def looks(settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        seen.append(dict(settings))
        settings["kind"] = "dhcp"  # type: ignore[index]
        return ()

    config = read(GOOD, looks)
    cores = {option.name for option in DRIVER_OPTIONS}
    assert seen[0].keys() == {"kind", "address", *cores}
    assert config.sections["acme"]["kind"] == "static"
    assert "TypeError" in config.warnings[0]


def test_a_sentence_cannot_steer_a_terminal(read) -> None:
    said = problem(read, GOOD, lambda settings: [("kind", "red:\x1b[31m\nnew line")])
    assert said == "line 2: [conman:acme] red: [31m new line"


def _raises(settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    raise ZeroDivisionError("one by nothing")


def _exits(settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    sys.exit("no licence")


def _raises_later(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "kind", "not this one"
    raise LookupError("gone")


class _Mute(Exception):
    def __str__(self) -> str:
        raise SystemExit


def _raises_something_unreadable(settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    raise _Mute


def _for_ever(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    while True:
        yield "speed", "not allowed"


@pytest.mark.parametrize(
    ("check", "told"),
    [
        (_raises, "raised ZeroDivisionError: one by nothing"),
        (_exits, "raised SystemExit: no licence"),
        (_raises_later, "raised LookupError: gone"),
        (_raises_something_unreadable, "raised _Mute"),
        (lambda: (), "raised TypeError"),
        (lambda settings: None, "raised TypeError"),
        (lambda settings: "no", "gave something other than a key and a sentence"),
        (lambda settings: ["kind"], "gave something other than a key and a sentence"),
        (lambda settings: [("kind", 7)], "gave something other than a key and a sentence"),
        (lambda settings: [("kind", "\n")], "gave something other than a key and a sentence"),
        (lambda settings: [("speed", "slow")], "gave something other than a key and a sentence"),
        (_for_ever, "gave something other than a key and a sentence"),
    ],
)
def test_a_check_that_fails_is_its_authors_fault_and_the_settings_are_taken(
    read, check, told
) -> None:
    config = read(GOOD, check)
    assert config.sections["acme"]["kind"] == "static"
    (warning,) = config.warnings
    assert warning.startswith("[conman:acme] cannot be checked in full: its driver's check ")
    assert told in warning
    assert warning.endswith("; tell its author")


def test_a_check_that_hangs_costs_its_time_limit(read, monkeypatch, caplog) -> None:
    monkeypatch.setattr(objections, "LIMIT", 0.05)
    release = []

    def hangs(settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        while not release:
            time.sleep(0.01)
        return ()

    config = read(GOOD, hangs)
    release.append(True)
    assert "has not ended after 0.05 s" in config.warnings[0]
    assert "in hangs" in caplog.text, "the log says where"


def test_of_a_flood_of_sentences_the_first_are_told(read) -> None:
    def flood(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        while True:
            yield "kind", "not allowed"

    with pytest.raises(ConfigProblems) as caught:
        read(GOOD, flood)
    assert len(caught.value.problems) == objections.MOST


def test_a_driver_that_refuses_its_own_defaults_costs_a_warning(read) -> None:
    config = read("[conman]\n", lambda settings: [("kind", "kind is wrong")])
    assert config.warnings == (
        "[conman:acme] is refused as it is by default: kind is wrong; tell its author",
    )

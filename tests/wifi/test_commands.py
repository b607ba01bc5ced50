"""`conman wifi` without a radio: words, the list, and mistakes that a person can make."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from conman_core.cli import main

KNOWN = 'country=GB\n# mine\nnetwork={\n\tssid="Home"\n\tpsk="right-key"\n}\n'


class Person:
    """Somebody at a terminal; the list and the settings are the test's own."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.list = folder / "networks.conf"
        self.list.write_text(KNOWN)
        settings = folder / "setup.cfg"
        settings.write_text(f"[conman]\npriority = wifi\n[conman:wifi]\nnetworks = {self.list}\n")
        monkeypatch.setenv("CONMAN_CONFIG", str(settings))
        monkeypatch.setenv("RUNTIME_DIRECTORY", str(folder / "run"))
        monkeypatch.setenv("STATE_DIRECTORY", str(folder / "state"))
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def types(self, *words: str, stdin: str = "") -> tuple[int, str]:
        """Run a command; return exit code and all that it said."""
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = main(["wifi", *words])
        said = self._capsys.readouterr()
        return code, said.out + said.err


@pytest.fixture
def person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Person:
    return Person(tmp_path, monkeypatch, capsys)


def as_json(said: str) -> Any:
    return json.loads(said)


def test_list_shows_the_networks_and_what_is_wrong_with_the_file(person: Person) -> None:
    person.list.write_text(KNOWN + 'network={\n\tssid="Bad"\n\tpsk="short"\n}\n')
    code, said = person.types("list")
    assert code == 0
    assert "Home" in said
    assert f"{person.list} line 9" in said or f"{person.list} line 7" in said
    assert "right-key" not in said
    assert "short" not in said
    _, said = person.types("list", "--json")
    assert [row["ssid"] for row in as_json(said)["networks"]] == ["Home"]
    assert len(as_json(said)["problems"]) == 1


def test_without_a_daemon_a_network_is_saved_untried(person: Person) -> None:
    code, said = person.types("add", "Cafe é", stdin="cafe-key-1\n")
    assert code == 0
    assert "Cafe é is saved; conman does not run, so it was not tried" in said
    assert person.list.read_text().startswith(KNOWN)
    assert "Cafe é" in person.types("list")[1]


def test_an_open_network_asks_for_no_key(person: Person) -> None:
    assert person.types("add", "--open", "Free")[0] == 0
    _, said = person.types("list", "--json")
    assert [row["security"] for row in as_json(said)["networks"]] == ["key", "open"]


@pytest.mark.parametrize(
    ("words", "stdin", "said"),
    [
        (("add", "Home"), "short\n", "a WiFi key has 8 to 63"),
        (("add", "Home"), "", "there is no key on standard input"),
        (("add", "x" * 33), "long-enough\n", "at most 32"),
        (("forget", "Hom"), "", "did you mean Home?"),
        (("forget", "Other thing"), "", "sudo conman wifi list"),
    ],
)
def test_a_mistake_is_said_and_changes_nothing(
    person: Person, words: tuple[str, ...], stdin: str, said: str
) -> None:
    code, told = person.types(*words, stdin=stdin)
    assert code == 1
    assert said in told
    assert person.list.read_text() == KNOWN


def test_a_network_is_forgotten_and_the_rest_stays(person: Person) -> None:
    person.types("add", "--open", "Free")
    assert person.types("forget", "Free") == (0, "Free is forgotten\n")
    assert person.list.read_text() == KNOWN
    assert person.types("forget", "Home")[0] == 0
    assert person.list.read_text() == "country=GB\n# mine\n"


def test_known_names_are_completed_from_the_list_that_the_settings_name(person: Person) -> None:
    from conman_plugins.wifi.completing import known_names

    assert known_names() == ["Home"]

"""`conman provision` with a daemon that answers what the test says: words, rows, mistakes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from conman_core.cli import main
from conman_core.errors import ConmanError
from tests.accesspoint.commandkit import KEY, NOBODY, ON_AIR, Daemon, Terminal
from tests.core.cli.conftest import Ran

Conman = Callable[..., Ran]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders of root's own; this is root."""
    (tmp_path / "state").mkdir()
    (tmp_path / "state/accesspoint.key").write_text(f"{KEY}\n")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    settings = tmp_path / "setup.cfg"
    settings.write_text("[conman]\n")
    monkeypatch.setenv("CONMAN_CONFIG", str(settings))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    return tmp_path


@pytest.fixture
def daemon(folder: Path) -> Iterator[Daemon]:
    running = Daemon(folder / "conman.sock")
    yield running
    running.stop()


@pytest.fixture
def conman(folder: Path, capsys: pytest.CaptureFixture[str]) -> Conman:
    def run(*words: str) -> Ran:
        code = main(["provision", *words])
        out, err = capsys.readouterr()
        return Ran(code, out, err)

    return run


# -- what it shows


@pytest.mark.parametrize("words", [(), ("start",), ("status",)])
def test_it_shows_all_that_a_person_needs(
    conman: Conman, daemon: Daemon, words: tuple[str, ...]
) -> None:
    ran = conman(*words)
    assert (ran.code, ran.err) == (0, "")
    rows = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert rows == [
        ON_AIR["sentence"],
        "network ContinuumBridge",
        f"key {KEY}",
        "page http://10.0.0.1/",
        "radio wlan0",
        "phones there 2",
        "end it with: sudo conman provision stop",
    ]


def test_it_says_when_it_ends_if_nobody_comes(conman: Conman, daemon: Daemon) -> None:
    daemon.answer = ON_AIR | {"ends": "2026-11-27T10:05:00+00:00"}
    assert "if nobody comes" in conman("status").out


def test_an_open_network_has_no_key(conman: Conman, daemon: Daemon, folder: Path) -> None:
    (folder / "setup.cfg").write_text("[conman:accesspoint]\npassphrase = open\n")
    assert "none, it is open" in conman().out


def test_while_there_is_nothing_it_says_so(conman: Conman, daemon: Daemon) -> None:
    daemon.answer = NOBODY
    assert conman("status") == (0, "nobody is asked for settings\n", "")


def test_json_is_what_the_daemon_says_and_has_no_key(conman: Conman, daemon: Daemon) -> None:
    for words in ((), ("status",), ("stop",)):
        ran = conman(*words, "--json")
        assert json.loads(ran.out) == ON_AIR
        assert KEY not in ran.out


def test_on_a_terminal_there_is_a_code_to_join_by(
    conman: Conman, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words, shown in ((("status",), True), (("status", "--no-qr"), False)):
        terminal = Terminal()
        monkeypatch.setattr(sys, "stdout", terminal)
        assert conman(*words).code == 0
        assert ("▀" in terminal.getvalue()) is shown
    monkeypatch.setattr(Terminal, "encoding", "ascii")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    conman("status")
    assert "▀" not in terminal.getvalue(), "it could not be drawn"


def test_who_waits_sees_that_something_goes_on(
    conman: Conman, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    conman()
    assert terminal.getvalue().startswith("opening the access point ...")
    assert terminal.getvalue().endswith("\r\x1b[K"), "and it is wiped away"


# -- what it asks


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ((), {"action": "start", "lasting": None, "force": False}),
        (("--timeout", "10m", "--yes"), {"action": "start", "lasting": 600.0, "force": True}),
        (("start", "--timeout", "1m 30s"), {"action": "start", "lasting": 90.0, "force": False}),
        (("stop",), {"action": "stop"}),
        (("status",), {"action": "status"}),
    ],
)
def test_the_daemon_is_asked_for_what_the_words_say(
    conman: Conman, daemon: Daemon, words: tuple[str, ...], asked: dict[str, Any]
) -> None:
    assert conman(*words).code == 0
    assert [{k: v for k, v in one.items() if k != "command"} for one in daemon.asked] == [asked]


def test_what_the_daemon_refuses_is_told(conman: Conman, daemon: Daemon) -> None:
    daemon.answer = ConmanError("there is no WiFi radio for an access point; see: conman probe")
    ran = conman()
    assert (ran.code, ran.out) == (1, "")
    assert "there is no WiFi radio for an access point; see: conman probe" in ran.err


@pytest.mark.parametrize("words", [(), ("stop",), ("status",), ("status", "--json")])
def test_without_a_daemon_it_says_how_to_start_it(conman: Conman, words: tuple[str, ...]) -> None:
    ran = conman(*words)
    assert (ran.code, ran.out) == (3, "")
    assert "conman is not running; start it with: sudo systemctl start conman" in ran.err


# -- who may know the key


def test_who_is_not_root_gets_all_but_the_key(
    conman: Conman, daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    assert conman("status").code == 0
    said = terminal.getvalue()
    assert "for root: put sudo before it" in said
    assert "http://10.0.0.1/" in said
    assert KEY not in said
    assert "▀" not in said


def test_a_key_that_cannot_be_read_is_told(conman: Conman, daemon: Daemon, folder: Path) -> None:
    (folder / "state/accesspoint.key").unlink()
    (folder / "state/accesspoint.key").mkdir()
    ran = conman()
    assert ran.code == 1
    assert "accesspoint.key cannot be read" in ran.err


# -- the sticker


def test_a_sticker_needs_no_daemon(conman: Conman, folder: Path) -> None:
    file = folder / "sticker.svg"
    ran = conman("--label", str(file))
    assert (ran.code, ran.err) == (0, "")
    assert " ".join(ran.out.split()) == (
        f"the sticker is in {file}; it has the key: keep it to yourself"
    )
    drawn = ET.parse(file).getroot()
    shown = [each.text for each in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"ContinuumBridge", KEY, "http://10.0.0.1/"} <= set(shown)
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_sticker_is_made_from_the_settings_that_are_named(conman: Conman, folder: Path) -> None:
    other = folder / "other.cfg"
    other.write_text(
        "[conman:accesspoint]\nssid = {hostname} box\npassphrase = my own key\naddress = 10.9.9.1\n"
    )
    file = folder / "sticker.svg"
    ran = conman("--label", str(file), "--config", str(other), "--json")
    said = json.loads(ran.out)
    assert said == {"path": str(file), "ssid": said["ssid"]}
    assert said["ssid"].endswith(" box")
    assert "my own key" in file.read_text()
    assert "http://10.9.9.1/" in file.read_text()
    assert "my own key" not in ran.out


def test_a_sticker_is_for_root(
    conman: Conman, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    ran = conman("--label", str(folder / "sticker.svg"))
    assert ran.code == 1
    assert "the key of the access point is for root: put sudo before the command" in ran.err
    assert not (folder / "sticker.svg").exists()


def test_a_sticker_that_cannot_be_written_is_told(conman: Conman, folder: Path) -> None:
    ran = conman("--label", str(folder / "no/sticker.svg"))
    assert ran.code == 1
    assert "no/sticker.svg" in ran.err
    assert "Traceback" not in ran.err


# -- mistakes, and the help


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--timeout", "long"), "'long' is not a time such as 30s or 5m"),
        (("--timeout", "10"), "'10' is not a time such as 30s or 5m"),
        (("open",), "'open'"),
        (("--lable=x.svg",), "--lable"),
    ],
)
def test_a_mistake_is_told_with_what_is_allowed(
    conman: Conman, words: tuple[str, ...], said: str
) -> None:
    ran = conman(*words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_settings_that_are_wrong_are_told(conman: Conman, daemon: Daemon, folder: Path) -> None:
    (folder / "setup.cfg").write_text("[conman:accesspoint]\npassphrase = short\n")
    ran = conman("--label", str(folder / "sticker.svg"))
    assert ran.code == 1
    assert "passphrase" in ran.err
    assert "short" not in ran.err


def test_its_help_teaches(conman: Conman, capsys: pytest.CaptureFixture[str]) -> None:
    ran = conman("--help")
    assert ran.code == 0
    for taught in (
        "sudo conman provision --timeout 10m",
        "sudo conman provision --label sticker.svg",
        "a button or another program may call it",
        "exit code 3",
        "stop, or status",
        "It ends when settings work",
    ):
        assert taught in ran.out
    assert main(["--help"]) == 0
    assert "provision" in capsys.readouterr().out

"""What `conman drivers` and `conman probe` find out, alone and beside a running conman."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conman_core import inspect
from conman_core.errors import ConmanError
from conman_core.inspect import drivers_report, probe_report
from tests.third_party import fixtures
from tests.third_party.install import install

from .cli.canned import CannedDaemon

Report = dict[str, Any]
site = fixtures.site

ROOT = Path(__file__).parents[2]
SETTINGS = "[conman]\npriority = acme\n"
BROKEN_AT_WORK = "driver acme of acme-links 1.2: connect(acme:acme0) raised RuntimeError"


@pytest.fixture(autouse=True)
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a settings file, and without a running conman."""
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.delenv("CONMAN_CONFIG", raising=False)
    monkeypatch.setattr("conman_core.config.DEFAULT_FILE", tmp_path / "nowhere.cfg")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "setup.cfg"
    path.write_text(SETTINGS)
    return path


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[CannedDaemon]:
    running = CannedDaemon(tmp_path / "conman.sock")
    yield running
    running.stop()


def report(given: Path | None = None) -> Report:
    return asyncio.run(drivers_report(given))


def states(rows: list[Report]) -> dict[str, str]:
    return {row["name"]: row["state"] for row in rows}


def row_of(rows: list[Report], name: str) -> Report:
    return next(row for row in rows if row["name"] == name)


def as_known_to(daemon: CannedDaemon, path: Path | None, **more: Any) -> None:
    """Let the daemon run with a settings file, in which its driver acme broke at work."""
    acme = {
        "name": "acme", "distribution": "acme-links", "version": "1.2", "api_version": 1,
        "state": "broken", "sentence": BROKEN_AT_WORK,
    }  # fmt: skip
    used = {"path": path and str(path), "problem": None}
    daemon.answers["drivers"] = {"drivers": [acme], "plugins": [], "config": used} | more


# -- what a running conman knows


def test_a_driver_that_broke_at_work_is_shown_as_the_running_conman_has_it(
    site: Path, file: Path, daemon: CannedDaemon
) -> None:
    install(site, ["acme"])
    as_known_to(daemon, file)
    told = report(file)
    acme = row_of(told["drivers"], "acme")
    assert (acme["state"], acme["sentence"]) == ("broken", BROKEN_AT_WORK)
    assert acme["options"], "they come from the package"
    assert told["running"] is True
    assert told["notes"] == []


def test_without_a_running_conman_only_the_packages_are_judged(site: Path, file: Path) -> None:
    install(site, ["acme"])
    told = report(file)
    assert row_of(told["drivers"], "acme")["state"] == "ok"
    assert told["running"] is False
    assert told["notes"] == ["no conman runs to be asked: ok says only that it can be loaded"]


def test_a_conman_with_other_settings_says_nothing_about_these(
    site: Path, file: Path, daemon: CannedDaemon
) -> None:
    install(site, ["acme"])
    as_known_to(daemon, Path("/run/other.cfg"))
    told = report(file)
    assert row_of(told["drivers"], "acme")["state"] == "ok"
    assert told["config"]["path"] == file
    assert told["notes"] == ["the running conman has other settings: /run/other.cfg"]


@pytest.mark.parametrize("ask", [drivers_report, lambda given: probe_report(given, deep=False)])
def test_whoever_names_no_file_means_that_of_the_running_conman(
    site: Path, file: Path, daemon: CannedDaemon, ask: Callable[[Path | None], Any]
) -> None:
    """A daemon that was started with --config: its links are what a person wants to see."""
    install(site, ["acme"])
    as_known_to(daemon, file)
    told = asyncio.run(ask(None))
    assert told["config"]["path"] == file
    assert "acme" in states(told["drivers"])


def test_a_file_that_the_environment_names_counts_before_the_daemons(
    site: Path, file: Path, daemon: CannedDaemon, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.cfg"
    own.write_text("[conman]\npriority = nobody\n")
    monkeypatch.setenv("CONMAN_CONFIG", str(own))
    as_known_to(daemon, file)
    assert report()["config"]["path"] == own


@pytest.mark.parametrize("answer", [{}, {"config": None}, {"config": {"path": 7}}])
def test_an_answer_of_another_version_is_as_good_as_none(
    file: Path, daemon: CannedDaemon, answer: Report
) -> None:
    daemon.answers["drivers"] = answer
    told = report(file)
    assert told["running"] is False
    assert told["notes"] == ["conman could not be asked: it runs with another version"]


def test_a_conman_that_refuses_to_answer_says_why(file: Path, daemon: CannedDaemon) -> None:
    daemon.answers["drivers"] = ConmanError("conman is busy with other requests")
    told = report(file)
    assert told["running"] is False
    assert told["notes"] == ["conman could not be asked: conman is busy with other requests"]


@pytest.mark.parametrize("rows", [None, "acme", ["acme", {}, {"state": "ok"}]])
def test_rows_that_are_none_are_passed_over(
    site: Path, file: Path, daemon: CannedDaemon, rows: Any
) -> None:
    install(site, ["acme"])
    as_known_to(daemon, file, drivers=rows, plugins=rows)
    assert row_of(report(file)["drivers"], "acme")["state"] == "ok"


def test_settings_that_are_wrong_are_told_and_the_drivers_shown_all_the_same(
    site: Path, file: Path
) -> None:
    install(site, ["acme"])
    file.write_text("[conman]\npriority = acme\ndns = x\n")
    told = report(file)
    assert row_of(told["drivers"], "acme")["state"] == "ok"
    assert "line 3: [conman] dns = x is not allowed" in told["config"]["problem"]


# -- which drivers are shown


def test_what_nobody_named_and_is_missing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default priority has drivers whose packages a person may never want."""
    told = asyncio.run(probe_report(None, deep=False))
    assert "ethernet" in states(told["drivers"])
    assert "not_installed" not in states(told["drivers"]).values()
    assert "not_installed" not in states(report()["drivers"]).values()


def test_what_the_user_named_and_is_missing_is_shown(file: Path) -> None:
    file.write_text("[conman]\npriority = ethernet, satellite\n")
    assert states(report(file)["drivers"])["satellite"] == "not_installed"


def test_of_a_driver_that_is_not_used_the_sentence_tells_who_decided_that(
    site: Path, file: Path
) -> None:
    install(site, ["acme"])
    file.write_text("[conman]\npriority = ethernet, wifi\ndisable = wifi\n")
    rows = report(file)["drivers"]
    acme, wifi = row_of(rows, "acme"), row_of(rows, "wifi")
    assert (acme["state"], acme["sentence"]) == (
        "unused",
        "installed, but priority does not name it",
    )
    assert (wifi["state"], wifi["sentence"]) == ("disabled", "disable in [conman] names it")


# -- plugins


def test_plugins_are_shown_with_what_is_wrong_with_them(site: Path, file: Path) -> None:
    names = ("notes", "fails-at-import", "unknown-hook", "unknown-argument", "no-hook", "raises")
    install(site, names)
    file.write_text("[conman]\npriority = ethernet\ndisable = raises\n")
    rows = [row for row in report(file)["plugins"] if row["distribution"] == "acme-plugins"]
    wrong = dict.fromkeys(("fails-at-import", "unknown-hook", "unknown-argument", "no-hook"))
    assert states(rows) == {**dict.fromkeys(wrong, "broken"), "notes": "ok", "raises": "disabled"}
    for name in wrong:
        assert f"{name} of acme-plugins 3.1: " in row_of(rows, name)["sentence"]
    assert "which is no hook; the nearest is conman_" in row_of(rows, "unknown-hook")["sentence"]


def test_the_options_of_plugins_are_explained_too() -> None:
    plugin = row_of(report()["plugins"], "accesspoint")
    assert {"ssid", "address"} <= {option["name"] for option in plugin["options"]}


def test_a_plugin_is_not_made_to_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setattr(inspect._NoHost, "context", lambda self, found, _: made.append(found))
    assert "accesspoint" in states(report()["plugins"])
    assert made == []


# -- the command line


@pytest.mark.parametrize("words", ["probe", "drivers", "config check", "config show"])
def test_no_command_shows_a_traceback_of_a_driver_or_plugin_that_is_broken(
    site: Path, file: Path, words: str
) -> None:
    install(site, ["fails-at-import", "exits-at-import", "probe-raises"])
    file.write_text("[conman]\npriority = fails-at-import, exits-at-import, probe-raises\n")
    done = subprocess.run(
        [sys.executable, "-m", "conman_core.cli", *words.split(), "--config", str(file)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": f"{site}:{ROOT}"},
    )
    assert done.stdout
    assert done.stderr == ""

"""The commands that need no daemon, and those that start, poke or replace one."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from conman_core.errors import AlreadyRunning
from conman_core.options import Declared, Kind, Option
from conman_core.settings import OPTIONS
from conman_core.values import Known

from .canned import CannedDaemon
from .conftest import Ran

Conman = Callable[..., Ran]

DRIVER: dict[str, Any] = {
    "name": "ethernet", "distribution": "conman-ethernet", "version": "0.1.0", "api_version": 1,
    "state": "ok", "sentence": "",
}  # fmt: skip
LINK: dict[str, Any] = {
    "name": "ethernet:eth0", "interface": "eth0", "metered": False, "state": "available",
    "reason": None, "sentence": "", "details": {"speed": "1000 Mbit/s", "evil": "\x1b[2J"},
}  # fmt: skip
PLUGIN: dict[str, Any] = {
    "name": "accesspoint", "distribution": "conman-accesspoint", "version": "0.1.0", "state": "ok",
    "sentence": "", "options": [],
}  # fmt: skip
KNOWN = {
    "ethernet": Declared((Option("timeout", Kind.DURATION, "30s", "How long."),)),
    "wifi": Declared((Option("key", Kind.SECRET, "", "The key."),)),
}


def log_everything() -> None:
    """What may be logged while drivers are imported and called."""
    try:
        raise ImportError("no frobnicate")
    except ImportError:
        logging.getLogger("acme").exception("the box cannot be read\nand more")
        logging.getLogger("conman_core.catalog").exception("acme of acme-links 1: broken\nTrace")
    logging.getLogger("conman_core.entrypoints").warning("acme-links is damaged")
    logging.getLogger("acme").info("all is well")


class Inspect(ModuleType):
    """Stands in for `conman_core.inspect`, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__("conman_core.inspect")
        used = {"path": "/etc/conman/setup.cfg", "problem": None}
        self.probed: dict[str, Any] = {"links": [LINK], "drivers": [DRIVER], "config": used}
        self.found: dict[str, Any] = {
            "drivers": [DRIVER], "plugins": [PLUGIN], "config": used, "running": True, "notes": [],
        }  # fmt: skip
        self.asked: list[Any] = []

    async def probe_report(self, path: Path | None, deep: bool) -> dict[str, Any]:
        self.asked.append((path, deep))
        log_everything()
        return self.probed

    async def drivers_report(self, path: Path | None) -> dict[str, Any]:
        self.asked.append(path)
        log_everything()
        return self.found

    def known_options(self, path: Path | None) -> Known:
        return dict(KNOWN)

    def known_plugins(self, path: Path | None) -> Known:
        return {}


class Service(ModuleType):
    """Stands in for `conman_core.service`."""

    def __init__(self) -> None:
        super().__init__("conman_core.service")
        self.served: list[Any] = []
        self.undone: list[str] | AlreadyRunning = ["the routes of eth0 are removed"]

    def serve(self, path: Path | None, level: int) -> int:
        self.served.append((path, level))
        return 7

    def release(self, paths: Any) -> list[str]:
        if isinstance(self.undone, AlreadyRunning):
            raise self.undone
        return self.undone


@pytest.fixture
def inspect(monkeypatch: pytest.MonkeyPatch) -> Inspect:
    fake = Inspect()
    monkeypatch.setitem(sys.modules, "conman_core.inspect", fake)
    monkeypatch.setattr("conman_core.config.DEFAULT_FILE", Path("/nowhere/setup.cfg"))
    monkeypatch.setattr("conman_core.cli.config.DEFAULT_FILE", Path("/nowhere/setup.cfg"))
    return fake


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    fake = Service()
    monkeypatch.setitem(sys.modules, "conman_core.service", fake)
    return fake


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "setup.cfg"


# -- probe and drivers


def test_probe_shows_links_and_what_devices_say(inspect: Inspect, conman: Conman):
    ran = conman("probe", "--deep", "--config", "/x.cfg")
    assert ran.code == 0
    assert inspect.asked == [(Path("/x.cfg"), True)]
    assert ran.out.splitlines() == [
        "LINK           INTERFACE  STATE      METERED",
        "ethernet:eth0  eth0       available  no",
        "    speed: 1000 Mbit/s",
        "    evil: \\x1b[2J",
        "",
        "settings: /etc/conman/setup.cfg",
    ]


@pytest.mark.parametrize("command", ["probe", "drivers"])
def test_what_is_logged_meanwhile_is_a_sentence_or_nothing(
    inspect: Inspect, conman: Conman, command: str
):
    """What is broken is in the report: its traceback is for those who ask."""
    assert conman(command).err == "conman: the box cannot be read\nconman: acme-links is damaged\n"
    assert "conman: all is well\n" in conman(command, "--log-level", "info").err
    everything = conman(command, "--log-level", "debug").err
    assert "Traceback" in everything
    assert "acme of acme-links 1: broken" in everything
    assert logging.getLogger().level == logging.WARNING


def test_a_broken_driver_is_shown_and_gives_exit_code_1(inspect: Inspect, conman: Conman):
    broken = DRIVER | {"state": "broken", "sentence": "ImportError: no frobnicate"}
    inspect.probed = {"links": [], "drivers": [broken]}
    ran = conman("probe")
    assert ran.code == 1
    assert ran.out.startswith("no link could be used now\n")
    assert "ethernet  broken (conman-ethernet 0.1.0) ImportError: no frobnicate" in ran.out
    inspect.found = {"drivers": [broken]}
    ran = conman("drivers")
    assert ran.code == 1
    assert "    ImportError: no frobnicate" in ran.out
    assert conman("drivers", "--json").code == conman("probe", "--json").code == 1


@pytest.mark.parametrize(
    ("state", "code"),
    [("stuck", 1), ("wrong_version", 1), ("duplicate", 1), ("not_installed", 1), ("broken", 1),
     ("unavailable", 0), ("disabled", 0), ("unused", 0), ("ok", 0)],
)  # fmt: skip
def test_the_exit_code_tells_whether_something_needs_a_hand(
    inspect: Inspect, conman: Conman, state: str, code: int
):
    inspect.probed = {"links": [], "drivers": [DRIVER | {"state": state}]}
    inspect.found = {"drivers": [DRIVER | {"state": state}], "plugins": [PLUGIN]}
    assert conman("probe").code == conman("drivers").code == code
    inspect.found = {"drivers": [DRIVER], "plugins": [PLUGIN | {"state": state}]}
    assert conman("drivers").code == code


def test_a_driver_that_priority_does_not_name_needs_no_attention(inspect: Inspect, conman: Conman):
    inspect.probed = {"links": [LINK], "drivers": [DRIVER | {"state": "unused"}]}
    assert "attention" not in conman("probe").out
    inspect.probed = {"links": [LINK], "drivers": [DRIVER | {"state": "disabled"}]}
    assert "Drivers that need attention\n  ethernet  disabled" in conman("probe").out


def test_reports_as_json_are_complete(inspect: Inspect, conman: Conman):
    assert json.loads(conman("probe", "--json").out) == inspect.probed
    assert json.loads(conman("drivers", "--json").out) == inspect.found


def test_drivers_and_plugins_are_listed_with_the_distribution_that_they_come_from(
    inspect: Inspect, conman: Conman
):
    inspect.found["notes"] = ["the running conman has other settings: /run/x.cfg"]
    assert conman("drivers").out.splitlines() == [
        "DRIVER    STATE  DISTRIBUTION     VERSION  API",
        "ethernet  ok     conman-ethernet  0.1.0    1",
        "",
        "PLUGIN       STATE  DISTRIBUTION        VERSION",
        "accesspoint  ok     conman-accesspoint  0.1.0",
        "",
        "settings: /etc/conman/setup.cfg",
        "note: the running conman has other settings: /run/x.cfg",
    ]
    inspect.found = {"drivers": []}
    assert "no drivers are installed" in conman("drivers").out


def test_every_setting_is_explained_with_what_is_allowed(inspect: Inspect, conman: Conman):
    option = {"name": "timeout", "kind": "a time", "default": "30s", "help": "How long.",
              "choices": []}  # fmt: skip
    choice = option | {"name": "mode", "choices": ["a", "b"], "default": ""}
    inspect.found = {
        "drivers": [DRIVER | {"options": [option, choice]}],
        "plugins": [PLUGIN | {"options": [choice | {"name": "ssid"}]}],
    }
    out = conman("drivers", "--help-options").out
    for core in OPTIONS:
        assert f"{core.name} = {core.default}".removesuffix(" = ") in out
        assert core.help in out
    assert "allowed: a time such as 500ms, 10s, 12m, 2h, from 1s to 1h" in out
    assert out.endswith(
        "[conman:ethernet]\ntimeout = 30s\n    How long.\n    allowed: a time\n"
        "mode\n    How long.\n    allowed: a, b\n\n"
        "[conman:accesspoint]\nssid\n    How long.\n    allowed: a, b\n\n"
    )


# -- config


def test_right_settings_are_ok_with_the_file_used(inspect: Inspect, conman: Conman, file: Path):
    file.write_text("[conman]\ndns = none\n[conman:wwan]\napn = x\n")
    assert conman("config", "check", "--config", str(file)) == (
        0,
        f"note: {file} line 3: [conman:wwan] has no effect: conman-cellular is not installed\n"
        f"OK: {file}\n",
        "",
    )
    assert conman("config", "check").out == (
        "OK: built-in defaults, there is no /nowhere/setup.cfg\n"
    )


def test_all_problems_are_printed_one_a_line(inspect: Inspect, conman: Conman, file: Path):
    file.write_text("[conman]\ndns = x\nstagger = y\n")
    ran = conman("config", "check", "--config", str(file))
    assert (ran.code, ran.out) == (1, "")
    assert [line.partition(": [")[0] for line in ran.err.splitlines()] == [
        f"conman: {file} line 2",
        f"conman: {file} line 3",
    ]
    report = json.loads(conman("config", "check", "--json", "--config", str(file)).out)
    assert report["ok"] is False
    assert report["path"] == str(file)
    assert len(report["problems"]) == 2


def test_a_driver_that_the_user_named_and_that_is_missing_is_a_problem(
    inspect: Inspect, conman: Conman, file: Path
):
    file.write_text("[conman]\npriority = ethernet, wwan\n")
    ran = conman("config", "check", "--config", str(file))
    assert ran.code == 1
    assert "priority names wwan, which is not installed" in ran.err


def test_a_file_that_is_not_there_is_a_problem(inspect: Inspect, conman: Conman, file: Path):
    for action in ("check", "show"):
        ran = conman("config", action, "--config", str(file))
        assert (ran.code, ran.out) == (1, "")
        assert ran.err.startswith(f"conman: {file} does not exist")


def test_the_settings_that_hold_are_shown_with_their_origin_and_without_secrets(
    inspect: Inspect, conman: Conman, file: Path, monkeypatch: pytest.MonkeyPatch
):
    file.write_text(
        "[conman]\ncheck-targets =\n  1.1.1.1\n  8.8.8.8\n[conman:wifi]\nkey = s3cret\n"
    )
    monkeypatch.setenv("CONMAN_CONFIG", str(file))
    ran = conman("config", "show")
    assert ran.code == 0
    assert f"settings: {file}\n\n[conman]\n" in ran.out
    assert "  check-targets           1.1.1.1, 8.8.8.8  (line 2)\n" in ran.out
    assert "  dns                     auto  (default)\n" in ran.out
    assert "  disable                 (not set)  (default)\n" in ran.out
    assert re.search(r"^  key +\(hidden\)  \(line 6\)$", ran.out, re.MULTILINE)
    report = json.loads(conman("config", "show", "--json").out)
    assert report["path"] == str(file)
    assert {
        "section": "conman:ethernet", "key": "timeout", "value": "30s", "line": None,
    } in report["settings"]  # fmt: skip
    assert "s3cret" not in ran.out + json.dumps(report)


# -- run, rescan, release


def test_run_hands_over_to_the_daemon(service: Service, conman: Conman):
    assert conman("run").code == 7
    assert conman("run", "--config", "a.cfg", "--log-level", "debug").code == 7
    assert service.served == [(None, 20), (Path("a.cfg"), 10)]


def test_rescan_says_what_the_daemon_did(daemon: CannedDaemon, conman: Conman):
    assert conman("rescan") == (0, "looked at 2 drivers\n", "")
    assert json.loads(conman("rescan", "--json").out) == {"sentence": "looked at 2 drivers"}


def test_rescan_fails_if_the_settings_are_wrong_and_says_so_first(
    daemon: CannedDaemon, conman: Conman
):
    refused = {"sentence": "the last good ones stay in use; found 2 links", "links": 2,
               "problem": "a.cfg line 2: [conman] dns = x\na.cfg line 3: [conman] y"}  # fmt: skip
    daemon.answers["rescan"] = refused
    assert conman("rescan") == (
        1,
        "the last good ones stay in use; found 2 links\n",
        "conman: a.cfg line 2: [conman] dns = x\nconman: a.cfg line 3: [conman] y\n",
    )
    ran = conman("rescan", "--json")
    assert (ran.code, json.loads(ran.out), ran.err) == (1, refused, "")
    daemon.answers["rescan"] = refused | {"problem": None}
    assert conman("rescan").code == conman("rescan", "--json").code == 0


def test_release_says_what_was_undone(service: Service, conman: Conman):
    assert conman("release") == (0, "the routes of eth0 are removed\n", "")
    assert json.loads(conman("release", "--json").out) == {
        "undone": ["the routes of eth0 are removed"]
    }
    service.undone = []
    assert conman("release").out == "there was nothing to undo\n"


def test_release_refuses_while_a_daemon_runs(service: Service, conman: Conman):
    service.undone = AlreadyRunning("conman is running already (pid 7); stop it with: kill 7")
    assert conman("release") == (
        1,
        "",
        "conman: conman is running already (pid 7); stop it with: kill 7\n",
    )

"""`conman status` and `conman explain`."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conman_core.cli import status as status_module
from conman_core.cli.tables import Screen
from conman_core.errors import ConmanError

from .canned import ETHERNET, EXPLAIN, STATUS, WWAN, CannedDaemon
from .conftest import Ran

Conman = Callable[..., Ran]

PLAIN = """\
online through ethernet:eth0 for 2 d 5 h

LINK           ROLE    STATE      VERDICT  RX    TX   ADDRESS             GATEWAY
ethernet:eth0  uplink  connected  online   123M  99k  192.168.100.200/24  192.168.100.1
    ethernet:eth0 carries the traffic.
    address 2001:db8::1234/64; dns 192.168.100.1
wwan:cdc-wdm0  -       failed     -        -     -    -                   -
    there is no SIM card in the modem at cdc-wdm0; insert a SIM card
    metered

Drivers that need attention
  acme  broken (acme-link 3) ImportError: no module named frobnicate

settings: /etc/conman/setup.cfg
note: resolver settings are left alone
"""
NARROW = """\
online through ethernet:eth0 for 2 d 5 h

LINK           ROLE    STATE      VERDICT  RX    TX   ADDRESS
ethernet:eth0  uplink  connected  online   123M  99k  192.168.100.200/24
    ethernet:eth0 carries the traffic.
    address 2001:db8::1234/64; gateway 192.168.100.1; dns 192.168.100.1
"""


def test_a_pipe_gets_a_plain_table(daemon: CannedDaemon, conman: Conman):
    assert conman("status") == (0, PLAIN, "")


def test_json_is_what_the_daemon_said(daemon: CannedDaemon, conman: Conman):
    ran = conman("status", "--json")
    assert ran.code == 0
    assert json.loads(ran.out) == STATUS


@pytest.mark.parametrize("state", ["limited", "portal", "connecting", "provisioning", "offline"])
def test_a_machine_that_is_not_online_gives_exit_code_4(
    daemon: CannedDaemon, conman: Conman, state: str
):
    daemon.answers["status"] = STATUS | {"state": state, "uplink": None}
    ran = conman("status")
    assert ran.code == 4
    assert ran.out.startswith(f"{state} for 2 d 5 h\nthe reasons: conman explain\n")
    assert conman("status", "--json").code == 4


def test_a_daemon_that_is_not_there_gives_exit_code_3_and_the_next_command(conman: Conman):
    for words in (("status",), ("status", "--json"), ("explain",), ("watch",), ("rescan",)):
        ran = conman(*words)
        assert (ran.code, ran.out) == (3, "")
        assert ran.err.startswith("conman: conman is not running; start it with: sudo systemctl")
        assert ran.err.count("\n") == 1


def test_an_error_of_the_daemon_is_one_sentence_and_exit_code_1(
    daemon: CannedDaemon, conman: Conman
):
    daemon.answers["status"] = ConmanError("the kernel does not answer")
    assert conman("status") == (1, "", "conman: the kernel does not answer\n")


def test_what_is_wrong_with_the_settings_is_shown(daemon: CannedDaemon, conman: Conman):
    daemon.answers["status"] = STATUS | {
        "config": {"path": None, "problem": "/etc/conman/setup.cfg line 3: [conman] dns is empty"}
    }
    assert (
        "settings: built-in defaults\n          /etc/conman/setup.cfg line 3: [conman] dns is "
        "empty (the last good settings hold)\n" in conman("status").out
    )


def test_a_machine_without_links_is_told_what_to_do(daemon: CannedDaemon, conman: Conman):
    daemon.answers["status"] = {"state": "offline", "links": [], "drivers": []}
    assert "no links; what could be used: conman probe" in conman("status").out


def test_an_access_point_that_waits_for_a_person_is_shown(daemon: CannedDaemon, conman: Conman):
    asking = {"ssid": "Box\x1b[2J", "interface": "wlan0", "address": "10.0.0.1", "clients": 2}
    daemon.answers["status"] = STATUS | {"state": "provisioning", "provisioning": asking}
    said = conman("status").out
    assert "join Box\\x1b[2J, then http://10.0.0.1/; phones there: 2" in said
    assert "sudo conman provision status" in said


def test_a_link_that_is_being_repaired_says_so(daemon: CannedDaemon, conman: Conman):
    said = "Recovery step 1 has not helped yet; step 2 follows in 2 min unless it works by then."
    recovery = {"step": 2, "climbs": 3, "last": None, "next": None, "sentence": said}
    daemon.answers["status"] = STATUS | {"links": [ETHERNET, WWAN | {"recovery": recovery}]}
    lines = conman("status").out.splitlines()
    assert lines[lines.index(f"    repair: {said}") - 1].endswith("insert a SIM card")
    assert "repair" not in PLAIN


def test_what_a_link_used_of_its_limit_is_shown(daemon: CannedDaemon, conman: Conman):
    usage = {"bytes": 412_000_000, "sentence": "used 412 MB of 500 MB this month"}
    daemon.answers["status"] = STATUS | {"links": [ETHERNET, WWAN | {"usage": usage}]}
    assert "\n    metered; used 412 MB of 500 MB this month\n" in conman("status").out
    daemon.answers["status"] = STATUS | {"links": [ETHERNET, WWAN | {"usage": "\x1b[2J"}]}
    assert conman("status").out == PLAIN


def test_what_the_driver_tells_of_a_link_is_shown_below_it(daemon: CannedDaemon, conman: Conman):
    facts = {"signal": "yes", "speed": "1000 Mbit/s"}
    daemon.answers["status"] = STATUS | {"links": [ETHERNET | {"details": facts}, WWAN]}
    assert "    signal: yes; speed: 1000 Mbit/s\nwwan:" in conman("status").out
    assert daemon.asked[-1] == ("status", {"details": True})


def test_control_characters_of_a_network_never_reach_the_screen(
    daemon: CannedDaemon, conman: Conman
):
    evil = "\x1b]0;owned\x07\x9b2J\u202e\r\n\ud800"
    daemon.answers["status"] = STATUS | {
        "uplink": evil, "links": [ETHERNET | dict.fromkeys(ETHERNET, evil)], "notes": [evil],
        "drivers": [{"name": evil, "state": evil, "sentence": evil}], "config": {"path": evil},
    }  # fmt: skip
    daemon.answers["explain"] = {
        "sentence": evil,
        "links": [{"name": evil, "sentence": evil}],
        "recent": [{"time": evil, "sentence": evil}],
    }
    for command in ("status", "explain"):
        out = conman(command).out
        assert all(char.isprintable() for char in out.replace("\n", ""))
        assert "\\x1b]0;owned\\x07\\x9b2J\\u202e\\r\\n\\ud800" in out


def test_explain_says_why_and_what_happened(daemon: CannedDaemon, conman: Conman):
    ran = conman("explain")
    assert ran.code == 0
    first, empty, link, _, heading, recent, _, file = ran.out.splitlines()
    assert first == EXPLAIN["sentence"]
    assert (empty, heading) == ("", "Recently")
    assert link == "  wwan:cdc-wdm0  There is no SIM card."
    assert recent.endswith("  the uplink is ethernet:eth0")
    assert file == "settings: /etc/conman/setup.cfg"
    assert json.loads(conman("explain", "--json").out) == EXPLAIN


# -- on a terminal


def on_terminal(*words: str, **environment: str) -> str:
    """Run a command with a pseudo-terminal as its output and return what that got."""
    ours, theirs = pty.openpty()
    inherited = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    with subprocess.Popen(
        [sys.executable, "-m", "conman_core.cli", *words],
        stdout=theirs,
        env=inherited | {"TERM": "xterm", "COLUMNS": "80"} | environment,
    ) as child:
        os.close(theirs)
        got = b""
        while True:
            try:
                data = os.read(ours, 4096)
            except OSError:  # EIO: the other end is closed
                break
            got += data
        child.wait(10)
    os.close(ours)
    return got.decode().replace("\r\n", "\n")


def test_a_terminal_gets_colour_and_lines_that_fit(daemon: CannedDaemon):
    got = on_terminal("status")
    assert got.startswith("\x1b[32monline\x1b[0m through ethernet:eth0")
    assert "\x1b[31mfailed\x1b[0m" in got
    for code in ("\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[1m", "\x1b[0m"):
        got = got.replace(code, "")
    assert got.startswith(NARROW)
    assert max(map(len, got.splitlines())) <= 80


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_can_be_refused(daemon: CannedDaemon, environment: dict[str, str]):
    got = on_terminal("status", **environment)
    assert "\x1b" not in got
    assert got.startswith(NARROW)


def test_a_wide_terminal_shows_the_gateway_in_the_table(daemon: CannedDaemon):
    assert "ADDRESS             GATEWAY" in on_terminal("status", COLUMNS="100", NO_COLOR="1")


# -- any daemon

_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_a_daemon_of_another_version_cannot_break_the_output(
    data: st.DataObject, capsys: pytest.CaptureFixture[str]
):
    def other(record: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({}, optional=dict.fromkeys(record, _values))

    report = data.draw(other(STATUS))
    if data.draw(st.booleans()):
        report["links"] = data.draw(st.lists(other(WWAN), max_size=3))
        report["drivers"] = data.draw(st.lists(other(STATUS["drivers"][0]), max_size=2))
    screen = Screen(sys.stdout)
    screen.width = data.draw(st.none() | st.integers(1, 200))
    status_module.print_status(report, screen)
    explained = data.draw(other(EXPLAIN))
    status_module.print_explained(explained, screen)
    assert all(char.isprintable() for char in capsys.readouterr().out.replace("\n", ""))

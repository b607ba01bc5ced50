"""`conman watch` and `conman wait-online`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .canned import STATUS, CannedDaemon
from .conftest import Ran

Conman = Callable[..., Ran]
OFFLINE = STATUS | {"state": "connecting", "uplink": None}
EVENT = {"time": "2026-05-01T12:00:00+00:00", "sentence": "eth0 lost its carrier\x1b[2J"}


@pytest.fixture
def beside() -> Iterator[Callable[..., None]]:
    """Run something on another thread while a command runs."""
    threads: list[threading.Thread] = []

    def start(function: Callable[..., None], *arguments: object) -> None:
        threads.append(threading.Thread(target=function, args=arguments))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(10)


def test_watch_shows_the_state_and_then_each_event_until_the_daemon_ends(
    daemon: CannedDaemon, conman: Conman, beside: Callable[..., None]
):
    def happen() -> None:
        daemon.publish_to_watcher(EVENT)
        daemon.publish({"kind": "without a sentence"})
        daemon.stop()

    beside(happen)
    ran = conman("watch")
    first, second, third = ran.out.splitlines()
    assert first.startswith("online through ethernet:eth0")
    assert second.endswith("eth0 lost its carrier\\x1b[2J")
    assert second.startswith("2026-05-01 ")
    assert "without a sentence" in third
    assert ran.code == 3
    assert "the daemon has ended" in ran.err


def test_watch_as_json_is_one_object_a_line_the_full_status_first(
    daemon: CannedDaemon, conman: Conman, beside: Callable[..., None]
):
    def happen() -> None:
        daemon.publish_to_watcher(EVENT)
        daemon.stop()

    beside(happen)
    first, second = conman("watch", "--json").out.splitlines()
    assert json.loads(first) == STATUS
    assert json.loads(second) == EVENT


@pytest.fixture
def watching(daemon: CannedDaemon) -> Iterator[subprocess.Popen[str]]:
    """A `conman watch` that has printed its first line into a pipe."""
    with subprocess.Popen(
        [sys.executable, "-m", "conman_core.cli", "watch"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        assert child.stdout.readline().startswith("online"), "each line is flushed at once"
        yield child
        child.kill()


def test_ctrl_c_is_quiet(watching: subprocess.Popen[str]):
    watching.send_signal(signal.SIGINT)
    out, err = watching.communicate(timeout=10)
    assert (watching.returncode, out, err) == (130, "", "")


def test_a_reader_that_has_seen_enough_is_quiet(
    watching: subprocess.Popen[str], daemon: CannedDaemon
):
    assert watching.stdout is not None
    assert watching.stderr is not None
    watching.stdout.close()
    for _ in range(3):
        daemon.publish(EVENT)
    assert watching.stderr.read() == ""
    assert watching.wait(10) == 141


# -- wait-online


def test_a_machine_that_is_online_is_not_waited_for(daemon: CannedDaemon, conman: Conman):
    ran = conman("wait-online", "--timeout", "10m")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("online through ethernet:eth0")
    assert json.loads(conman("wait-online", "--json").out) == STATUS
    assert conman("wait-online", "--timeout", "0").code in (0, 4)


def test_the_wait_ends_with_the_event_that_brings_the_machine_online(
    daemon: CannedDaemon, conman: Conman, beside: Callable[..., None]
):
    daemon.answers["status"] = OFFLINE

    def happen() -> None:
        daemon.publish_to_watcher(EVENT)  # some other event
        daemon.answers["status"] = STATUS
        daemon.publish({"sentence": "online"})

    beside(happen)
    started = time.monotonic()
    assert conman("wait-online", "--timeout", "60s").code == 0
    assert time.monotonic() - started < 4, "by the event, not by asking again after 5 s"


def test_the_wait_notices_what_no_event_told(
    daemon: CannedDaemon, conman: Conman, beside: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
):  # fmt: skip
    monkeypatch.setattr("conman_core.cli.events._ASK_AGAIN", 0.1)
    daemon.answers["status"] = OFFLINE

    def happen() -> None:
        daemon.publish_to_watcher(EVENT)
        daemon.answers["status"] = STATUS

    beside(happen)
    assert conman("wait-online", "--timeout", "30s").code == 0


def test_a_machine_that_stays_offline_gives_exit_code_4(daemon: CannedDaemon, conman: Conman):
    daemon.answers["status"] = OFFLINE
    ran = conman("wait-online", "--timeout", "200ms")
    assert ran.code == 4
    assert ran.out.startswith("connecting")
    assert ran.err == "conman: not online after 0.2 s; the reasons: conman explain\n"


def test_a_daemon_that_never_appears_gives_exit_code_3(conman: Conman):
    ran = conman("wait-online", "--timeout", "300ms")
    assert (ran.code, ran.out) == (3, "")
    assert "conman is not running" in ran.err


def test_a_daemon_that_appears_late_is_waited_for(
    runtime: Path, conman: Conman, beside: Callable[..., None]
):
    started: list[CannedDaemon] = []
    timer = threading.Timer(0.4, lambda: started.append(CannedDaemon(runtime / "conman.sock")))
    timer.start()
    ran = conman("wait-online", "--timeout", "20s")
    timer.join()
    started[0].stop()
    assert ran.code == 0


def test_a_daemon_that_restarts_while_waited_for_is_found_again(
    runtime: Path, daemon: CannedDaemon, conman: Conman, beside: Callable[..., None]
):
    daemon.answers["status"] = OFFLINE
    started: list[CannedDaemon] = []

    def happen() -> None:
        daemon.publish_to_watcher(EVENT)
        daemon.stop()
        started.append(CannedDaemon(runtime / "conman.sock"))

    beside(happen)
    assert conman("wait-online", "--timeout", "20s").code == 0
    started[0].stop()


def test_a_daemon_that_hangs_is_given_up_at_the_time_limit(runtime: Path, conman: Conman):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(runtime / "conman.sock"))
    listener.listen()
    started = time.monotonic()
    ran = conman("wait-online", "--timeout", "300ms")
    assert time.monotonic() - started < 3
    assert ran.code == 4
    listener.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody who is not")
def test_a_user_without_permission_is_told_at_once_not_at_the_time_limit(
    runtime: Path, daemon: CannedDaemon
):
    for folder in (runtime, *runtime.parents[:2]):  # pytest's own folders are closed to others
        folder.chmod(0o755)
    code = (
        "import os, sys; from conman_core.cli import main\n"
        "main(sys.argv[1:])  # all imports are done while the interpreter's files can be read\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534); sys.exit(main(sys.argv[1:]))"
    )
    for command in (["status"], ["wait-online", "--timeout", "60s"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *command],
            capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == 1
        assert done.stderr.startswith("conman: this user may not talk to conman; put sudo before")

"""The command line as a whole: help, exit codes, start cost, and errors without tracebacks."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conman_core.cli import status
from conman_core.cli.parser import _COMMANDS, _CONFIG_COMMANDS

from .canned import CannedDaemon
from .conftest import Ran

Conman = Callable[..., Ran]
WORDS = [
    *((entry.name,) for entry in _COMMANDS),
    *(("config", entry.name) for entry in _CONFIG_COMMANDS),
]


def run(*words: str, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "conman_core.cli", *words],
        capture_output="stdout" not in options, text=True, timeout=30, check=False,
        **options,  # type: ignore[call-overload]
    )  # fmt: skip


def test_help_shows_every_command_and_what_to_type_first(conman: Conman):
    ran = conman("--help")
    assert ran.code == 0
    for words in WORDS:
        assert words[0] in ran.out
    assert "conman status" in ran.out
    assert "exit codes: 0 fine" in ran.out


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_the_help_of_each_command_has_an_example_that_is_valid(
    conman: Conman, words: tuple[str, ...]
):
    ran = conman(*words, "--help")
    assert ran.code == 0
    assert f"usage: conman {' '.join(words)} " in ran.out
    assert "example: " in ran.out
    assert f"conman {' '.join(words)}" in ran.out.partition("example: ")[2]
    assert max(map(len, ran.out.splitlines())) <= 100


REPORTS = [words for words in WORDS if words not in {("run",), ("completion",)}]


@pytest.mark.parametrize("words", REPORTS, ids=" ".join)
def test_every_command_that_reports_has_json(conman: Conman, words: tuple[str, ...]):
    assert "--json" in conman(*words, "--help").out


@pytest.mark.parametrize(
    "words",
    [
        ("stats",), ("status", "--jsn"), ("status", "x"), ("config",), ("config", "shw"),
        ("wait-online", "--timeout", "30"), ("wait-online", "--timeout"), ("--nonsense",),
        ("run", "--log-level", "loud"), ("probe", "--config"),
    ],
)  # fmt: skip
def test_a_wrong_word_is_one_sentence_that_names_the_help(conman: Conman, words: tuple[str, ...]):
    ran = conman(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("conman: ")
    assert ran.err.endswith("--help\n")
    assert ran.err.count("\n") == 1


def test_no_word_at_all_shows_the_help_and_is_wrong_usage(conman: Conman):
    ran = conman()
    assert ran.code == 2
    assert "commands:" in ran.err


def test_the_version_is_told(conman: Conman):
    ran = conman("--version")
    assert ran.code == 0
    assert ran.out.startswith("conman")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (ValueError("odd\nthing\x1b"), 1, "conman: this is a fault in conman, please report it: "
         "ValueError: odd thing\\x1b (test_main.py line "),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 141, ""),
    ],
)  # fmt: skip
def test_no_error_shows_a_traceback(error: BaseException, code: int, said: str, tmp_path: Path):
    script = tmp_path / "test_main.py"
    script.write_text(
        "import sys\nfrom conman_core.cli import main, status\n"
        f"def fail(*_):\n    raise {error!r}\n"
        "status.status = fail\nsys.exit(main(['status']))\n"
    )
    done = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": "."},
    )
    assert done.returncode == code
    assert done.stderr.startswith(said)
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == (1 if said else 0)


def test_a_disk_that_is_full_is_told_in_one_sentence(daemon: CannedDaemon):
    with Path("/dev/full").open("w") as full:
        done = run("status", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == "conman: the output cannot be written: No space left on device\n"


def test_an_output_that_is_closed_is_no_error(daemon: CannedDaemon):
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m conman_core.cli status >&- 2>&-"],
        check=False,
        timeout=20,
    )
    assert done.returncode == 0


def test_output_that_the_locale_cannot_show_is_escaped(daemon: CannedDaemon):
    daemon.answers["status"] = {"state": "online", "notes": ["caf\xe9 \u5bbf"]}
    done = run("status", env={"PYTHONIOENCODING": "ascii", "PATH": "/bin", "RUNTIME_DIRECTORY":
                              str(daemon_path(daemon))})  # fmt: skip
    assert done.returncode == 0
    assert "note: caf\\xe9 \\u5bbf\n" in done.stdout


def daemon_path(daemon: CannedDaemon) -> Path:
    return daemon._server._path.parent


def test_a_status_imports_nothing_that_it_does_not_need(daemon: CannedDaemon):
    code = (
        "import sys; from conman_core.cli import main; main(['status']); "
        "print(' '.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=20
    )
    modules = set(done.stderr.split())
    assert "conman_core.cli.status" in modules
    assert not modules & {
        "asyncio", "stevedore", "pluggy", "netifaces", "ssl", "logging", "subprocess",
        "configparser", "difflib", "unicodedata", "importlib.metadata", "conman_core.config",
        "conman_core.settings", "conman_core.control", "conman_core.hookspecs",
    }  # fmt: skip
    assert {name for name in modules if name.startswith("conman_")} == {
        "conman_core", "conman_core.cli", "conman_core.cli.parser", "conman_core.cli.status",
        "conman_core.cli.tables", "conman_core.cli.times", "conman_core.cli.words",
        "conman_core.client", "conman_core.errors", "conman_core.paths",
    }, "what other packages add is not even looked for"  # fmt: skip


def test_constants_of_exit_codes_are_those_that_are_documented():
    assert (status.FINE, status.NOT_ONLINE) == (0, 4)

"""Tab in a real bash and a real zsh, at a terminal, with the scripts that `completion` prints."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.third_party.install import install

from .canned import CannedDaemon
from .shells import Shell, need

BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"
NAMES = [
    "Living room", "it's", '5" drive', "$(touch owned)", "`touch owned`", "a;touch owned", "wow!",
    "!!", "caf\u2615 \U0001f3e0\u200d\u2642\ufe0f", "back\\slash", "~", "*", "x=y@z:w", "ends '",
    'ends "', "#1 & more > less", "'tis", '"so"', "{a,b}", "two  blanks ",
    "ethernet:eth0", "ethernet:usb 1",
]  # fmt: skip
BEGUN = ["", "'", '"']


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the example command installed, and the scripts of both shells."""
    folder = tmp_path_factory.mktemp("tab")
    install(folder / "site", ["box"])
    (folder / "names").touch()
    (folder / "functions").mkdir()
    write_scripts(folder)
    return folder


def write_scripts(folder: Path) -> None:
    for shell, path in (("bash", "conman.bash"), ("zsh", "functions/_conman")):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "conman_core.cli", "completion", shell],
            env=environment(folder), capture_output=True, text=True, check=True, timeout=20,
        )  # fmt: skip
        (folder / path).write_text(done.stdout)


def environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{folder / 'site'}:{Path(__file__).parents[3]}",
        "ACME_NAMES": str(folder / "names"),
        "RUNTIME_DIRECTORY": str(folder),
    }


@pytest.fixture(scope="module", params=["bash", "bash with bash-completion", "zsh"])
def any_shell(request: pytest.FixtureRequest, folder: Path) -> Iterator[Shell]:
    yield from start(request, folder)


@pytest.fixture(scope="module", params=["bash", "zsh"])
def shell(request: pytest.FixtureRequest, folder: Path) -> Iterator[Shell]:
    yield from start(request, folder)


def start(request: pytest.FixtureRequest, folder: Path) -> Iterator[Shell]:
    kind, _, framework = request.param.partition(" with ")
    need(kind, kind)
    load = f". {folder}/conman.bash" if kind == "bash" else ""
    if framework:
        need(BASH_COMPLETION, "bash-completion")
        load = f". {BASH_COMPLETION}; {load}"
    own = folder / re.sub(r"\W", "", f"{request.fixturename}{request.param}")
    own.mkdir()
    (own / "functions").symlink_to(folder / "functions")
    running = Shell(kind, own, load, **environment(folder))
    yield running
    running.close()


@pytest.fixture
def daemon(folder: Path) -> Iterator[CannedDaemon]:
    running = CannedDaemon(folder / "conman.sock")
    yield running
    running.stop()


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("conman st", "conman status "),
        ("conman dri", "conman drivers "),
        ("conman config sh", "conman config show "),
        ("conman config check --j", "conman config check --json "),
        ("conman drivers --help-", "conman drivers --help-options "),
        ("conman run --log-level w", "conman run --log-level warning "),
        ("conman run --log-level=w", "conman run --log-level=warning "),
        ("conman run --log-level info --c", "conman run --log-level info --config "),
        ("conman status --json --js", "conman status --json --js"),  # it is there already
        ("conman status x", "conman status x"),
        ("conman nonsense ", "conman nonsense "),
        ("conman completion z", "conman completion zsh "),
        ("conman __c", "conman __c"),
        ("conman bo", "conman box "),
        ("conman box na", "conman box name "),
        ("conman box beep high lo", "conman box beep high low "),
        ("conman box name --colour sky", "conman box name --colour sky\\ blue "),
        ("true; conman st", "true; conman status "),
    ],
)
def test_words_are_completed(any_shell: Shell, typed: str, completed: str):
    assert any_shell.tab(typed) == completed


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("conman ", ["status", "wait-online", "config", "box"]),
        ("conman box ", ["show", "name", "beep"]),
        ("conman status --", ["--json", "--help"]),
        ("conman config ", ["show", "check"]),
    ],
)
def test_several_words_are_listed(any_shell: Shell, typed: str, shown: list[str]):
    screen = any_shell.listed(typed)
    for word in shown:
        assert word in screen.split()


def test_a_settings_file_is_completed_as_a_file(any_shell: Shell, folder: Path):
    (folder / "new settings.cfg").touch()
    for option in ("--config ", "--config="):
        line = any_shell.tab(f"conman config check {option}{folder}/new")
        assert line == f"conman config check {option}{folder}/new\\ settings.cfg "


def test_a_link_is_completed_beyond_its_colon(any_shell: Shell, daemon: CannedDaemon):
    assert any_shell.tab("conman box show eth") == "conman box show ethernet:eth0 "
    assert any_shell.tab("conman box show wwan:") == "conman box show wwan:cdc-wdm0 "
    assert any_shell.tab("conman box show wwan:c") == "conman box show wwan:cdc-wdm0 "
    assert any_shell.tab("conman box show 'wwan:c") == "conman box show 'wwan:cdc-wdm0' "


def test_without_a_daemon_there_are_no_links_and_no_words_about_it(shell: Shell):
    screen = shell.listed("conman box show e")
    assert "running" not in screen
    assert shell.tab("conman box show e") == "conman box show e"


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_is_put_on_the_line_so_that_the_command_gets_it(
    shell: Shell, folder: Path, name: str
):
    (folder / "names").write_text(f"{name}\tsaid of it\n")

    for begun in BEGUN if shell.kind == "bash" else BEGUN[:1]:  # zsh itself quotes what it inserts
        assert shell.enter(f"conman box name {begun}") == ["box", "name", name]
    assert not list(folder.rglob("owned"))


@pytest.mark.parametrize(
    ("begun", "completed"),
    [
        ("Living\\ r", "Living\\ room "), ("'Living r", "'Living room' "),
        ("ethernet:usb", "ethernet:usb\\ 1 "), ("'ethernet:usb", "'ethernet:usb 1' "),
        ("--like=ethernet:us", "--like=ethernet:usb\\ 1 "), ("--like x=y@", "--like x=y@z:w "),
        ("x=", "x=y@z:w "), ("-- x", "-- x=y@z:w "), ("--like it\\'s caf", None),
    ],
)  # fmt: skip
def test_a_name_that_is_begun_is_completed(
    shell: Shell, folder: Path, begun: str, completed: str | None
):
    (folder / "names").write_text("".join(f"{name}\n" for name in NAMES))
    line = shell.tab(f"conman box name {begun}")
    expected = completed or "--like it\\'s caf\u2615\\ \U0001f3e0\u200d\u2642\ufe0f "
    assert line == f"conman box name {expected}"


def test_a_package_that_came_after_the_script_is_found_all_the_same(folder: Path, tmp_path: Path):
    for kind in ("bash", "zsh"):
        need(kind, kind)
        own = tmp_path / kind
        install(own / "site", ["box"])
        (own / "functions").mkdir()
        write_scripts(own)
        past = (own / "site").stat().st_mtime - 100
        for script in (own / "conman.bash", own / "functions/_conman"):
            os.utime(script, (past, past))
        install(own / "site", ["plain"])
        (own / "names").touch()
        load = f". {own}/conman.bash" if kind == "bash" else ""
        running = Shell(kind, own, load, **environment(own))
        try:
            assert running.tab("conman p") == "conman p", "probe is not the only one"
            assert running.tab("conman pl") == "conman plain "
            assert running.tab("conman box be") == "conman box beep "
            assert running.tab("conman st") == "conman status "
            assert running.tab(f"conman run --config={own}/nam") == (
                f"conman run --config={own}/names "
            )
            assert running.tab(f"conman run --config {own}/nam") == (
                f"conman run --config {own}/names "
            )
        finally:
            running.close()

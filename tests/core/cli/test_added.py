"""Commands of other distributions: they are found, run, and whatever they do is contained."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from conman_core.cli import added
from conman_core.cli.words import OWN
from conman_core.entrypoints import Installed, installed
from tests.third_party import fixtures
from tests.third_party.install import COMMANDS, HERE, entry_points, install

from .canned import CannedDaemon
from .conftest import Ran

Conman = Callable[..., Ran]
GROUP = "conman.commands"
ALL = sorted(entry_points("acme_commands", GROUP))
site = fixtures.site

#: what is wrong with a command is known when it is looked for, imported, described or run
FAULTS = {
    "claimed": "claimed is claimed by acme-commands 1.2 and by acme-echo 0.3: neither is used; "
    "remove one",
    "Odd Name": "the command 'Odd Name' of acme-commands 1.2 cannot be used: a command is "
    "lower-case letters, digits and dashes; tell its author",
    "no-command-module": "cannot be imported: ModuleNotFoundError: No module named "
    "'acme_commands.nowhere'; tell its author; see it fail: ",
    "fails-at-command-import": "cannot be imported: ModuleNotFoundError: No module named "
    "'acme_missing'; tell its author; see it fail: ",
    "exits-at-command-import": "cannot be imported: SystemExit: 5; tell its author; see it fail: ",
    "is-a-string": "is not a command: acme_commands.faults:A_STRING must be a module or object",
    "is-a-command-class": "is not a command: acme_commands.faults:Command must be a module or",
    "has-no-version": "must be a module or object with api_version, about and build; tell its",
    "from-the-future": "is made for version 2 of conman's commands, this conman has version 1; "
    "update the older one",
    "build-raises": "cannot describe its arguments: ValueError: the box is on fire [2J; tell its",
    "build-exits": "cannot describe its arguments: SystemExit: 3; tell its author",
    "run-raises": "conman: this is a fault in acme-commands 1.2 (run-raises), please tell its "
    "author: ValueError: the box is on fire\\x1b[2J (faults.py line ",
    "run-returns-nothing": "please tell its author: it returned None, not an exit code",
}


@pytest.fixture(autouse=True)
def only_the_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands of conman's own distributions may be installed beside these."""

    def examples(*arguments: Any) -> list[Installed]:
        return [one for one in installed(*arguments) if one.distribution.startswith("acme-")]

    monkeypatch.setattr(added, "installed", examples)


def test_a_command_gets_its_arguments_and_the_screen(
    site: Path, daemon: CannedDaemon, conman: Conman
):
    install(site, ["box"])

    table = conman("box", "show")
    report = conman("box", "show", "--json", "ethernet:eth0")

    assert (table.code, table.err) == (0, "")
    assert table.out.splitlines()[1].split() == ["ethernet:eth0", "connected"]
    assert [link["name"] for link in json.loads(report.out)] == ["ethernet:eth0"]


def test_the_errors_of_conman_keep_their_sentences_and_exit_codes(site: Path, conman: Conman):
    install(site, ["box"])

    assert conman("box", "show").code == 3, "the daemon does not run"
    assert conman("box", "beep", "low") == (
        1, "", "conman: the box has no beeper; buy the larger one\n",
    )  # fmt: skip


def test_wrong_usage_of_an_added_command_names_its_help(site: Path, conman: Conman):
    install(site, ["box"])

    ran = conman("box", "beep", "shrill")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.endswith("see: conman box beep --help\n")
    assert conman("box", "--help").out.startswith("usage: conman box [-h] ACTION ...\n\nTalk to")
    nothing = conman("box")
    assert (nothing.code, nothing.out) == (2, "")
    assert nothing.err.startswith("usage: conman box ")


def test_the_help_lists_what_is_added_with_its_origin(site: Path, conman: Conman):
    install(site, ["box", "plain"])

    ran = conman("--help")

    assert (ran.code, ran.err) == (0, "")
    own, _, others = ran.out.partition("\ncommands that other packages add:\n")
    assert "status" in own
    assert "box" not in own
    assert others == (
        "    box    Talk to the Acme box (acme-commands 1.2)\n"
        "    plain  Do 100% nothing (acme-commands 1.2)\n"
        "\nexit codes: 0 fine (status, wait-online: online), 1 error, 2 usage, 3 daemon not"
        " running,\n4 not online\n"
    )


def test_the_help_is_as_ever_where_nothing_is_added(conman: Conman):
    assert "other packages" not in conman("--help").out


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_one_sentence_that_names_the_distribution(name: str, site: Path, conman: Conman):
    install(site, [name])

    ran = conman(name)

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("conman: ")
    assert FAULTS[name] in ran.err
    assert "acme-commands 1.2" in ran.err
    assert "Traceback" not in ran.err
    assert ran.err.count("\n") == 1


def test_a_command_that_cannot_be_imported_is_seen_to_fail_with_the_command_that_is_named(
    site: Path, conman: Conman
):
    install(site, ["fails-at-command-import"])
    said = conman("fails-at-command-import").err

    done = subprocess.run(
        ["sh", "-c", said.partition("see it fail: ")[2]],
        env={"PYTHONPATH": str(site)}, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip

    assert "import acme_missing" in done.stderr


def test_no_fault_harms_the_help_or_another_command(
    site: Path, daemon: CannedDaemon, conman: Conman, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(added, "IMPORT_LIMIT", 0.3)
    install(site, ALL)

    ran = conman("--help")

    assert (ran.code, ran.err) == (0, "")
    assert "Talk to the Acme box" in ran.out
    for name in set(FAULTS) - {"build-raises", "build-exits", "run-raises", "run-returns-nothing"}:
        assert FAULTS[name] in ran.out
    assert (
        "the import of the command hangs-at-command-import of acme-commands 1.2 has not ended "
        "after 0.3 s; tell its author" in ran.out
    )
    assert "status of acme-commands 1.2 is not used: conman has that word itself" in ran.out
    assert conman("status").code == 0
    assert conman("plain") == (0, "", "")


def test_conmans_own_word_wins_and_the_other_is_not_even_imported(
    site: Path, daemon: CannedDaemon, conman: Conman
):
    install(site, ["status"])

    assert conman("status").out.startswith("online through ethernet:eth0")
    assert "acme_commands.faults" not in sys.modules


def test_a_distribution_that_is_damaged_is_named_and_harms_no_other(site: Path, conman: Conman):
    install(site, ["box", "claimed"])
    (site / "acme_echo-0.3.dist-info/entry_points.txt").write_bytes(b"[conman.commands]\n\xff\xfe")

    ran = conman("--help")
    unknown = conman("claimd")

    assert (ran.code, ran.err) == (0, "")
    assert "acme_echo-0.3.dist-info is damaged, what it adds to conman is not used" in ran.out
    assert "Talk to the Acme box" in ran.out
    assert unknown.code == 2
    assert "acme_echo-0.3.dist-info is damaged" in unknown.err


def test_an_unknown_word_is_told_with_the_words_that_there_are(site: Path, conman: Conman):
    install(site, ["box", "status", "claimed"])

    ran = conman("qqq")

    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert "'box'" in ran.err
    assert "'claimed'" not in ran.err


@pytest.mark.parametrize(
    ("typed", "meant"), [("stauts", "status"), ("confg", "config"), ("bx", "box")]
)
def test_a_word_with_a_slip_is_told_with_the_word_that_was_meant(
    typed: str, meant: str, site: Path, conman: Conman
):
    install(site, ["box"])

    assert conman(typed, "--json") == (
        2,
        "",
        f"conman: there is no command {typed}; did you mean: {meant}? See: conman --help\n",
    )


def test_a_word_of_a_missing_first_party_package_says_how_to_get_it(
    conman: Conman, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("conman_core.cli.guest._is_installed", lambda _: False)
    monkeypatch.setattr(added, "installed", lambda *_: [])

    ran = conman("provision")

    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("conman: the command provision comes with conman-accesspoint; inst")


@pytest.mark.parametrize(
    ("code", "said"),
    [(0, ""), (4, ""), (255, ""), (None, ""), ("so be it", "conman: so be it\n"), (256, None),
     (-1, None), (True, None)],
)  # fmt: skip
def test_an_exit_code_is_passed_on_if_it_is_one(
    code: object, said: str | None, site: Path, conman: Conman, monkeypatch: pytest.MonkeyPatch
):
    install(site, ["run-exits"])
    monkeypatch.setattr(sys, "exit", _raise(SystemExit(code)))

    ran = conman("run-exits")

    assert ran.code == (1 if said is None or said else code or 0)
    assert ran.err == said if said is not None else "not an exit code" in ran.err


def _raise(error: BaseException) -> Callable[[object], None]:
    def leave(_: object) -> None:
        raise error

    return leave


def test_what_argparse_cannot_stand_is_a_fault_of_the_command(site: Path, conman: Conman):
    install(site, ["odd-arguments"])

    ran = conman("odd-arguments", "--help")

    assert ran.code == 1
    assert "this is a fault in acme-commands 1.2 (odd-arguments), please tell its author" in ran.err


def test_ctrl_c_in_an_added_command_is_quiet(
    site: Path, conman: Conman, monkeypatch: pytest.MonkeyPatch
):
    install(site, ["run-exits"])
    monkeypatch.setattr(sys, "exit", _raise(KeyboardInterrupt()))

    assert conman("run-exits") == (130, "", "")


def test_conmans_own_commands_never_look_for_others(
    daemon: CannedDaemon, conman: Conman, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(added, "installed", lambda *_: pytest.fail("looked"))

    for words in (["status"], ["config", "check"], ["--version"], ["config", "--help"]):
        conman(*words)
    for word in OWN:
        assert conman(word, "--help").code == 0


def test_finding_commands_imports_no_asyncio():
    """It costs more than everything else that a Tab needs."""
    code = (
        "import sys; from conman_core.cli import added; added.find(()); "
        "assert not {'asyncio', 'stevedore', 'ssl', 'subprocess'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_the_installed_commands_are_those_that_a_real_build_makes(tmp_path: Path):
    """pip builds and installs the same distributions, so the tests' own `install` does not lie."""
    real, ours = tmp_path / "real", tmp_path / "ours"
    copies = [shutil.copytree(HERE / name, tmp_path / name) for name in COMMANDS]
    pip = ("-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation")
    subprocess.run(
        [sys.executable, *pip, "--target", str(real), *map(str, copies)],
        check=True, timeout=100, env={"PATH": "/usr/bin:/bin", "PIP_ROOT_USER_ACTION": "ignore",
                                      "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )  # fmt: skip
    install(ours, [*ALL, "claimed"])

    def parts(folder: Path) -> set[str]:
        texts = [path.read_text() for path in folder.glob("*.dist-info/entry_points.txt")]
        return {line for text in texts for line in text.splitlines() if line}

    assert parts(real) == parts(ours)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "conman_core.cli", "box", "name", "Kitchen"],
        env=os.environ | {"PYTHONPATH": str(real)},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "the box is called Kitchen\n"), done.stderr

"""The scripts: what their tables say is what conman itself answers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conman_core.cli.complete import FILES, lines
from conman_core.cli.completion import folders, script, whole_tree
from conman_core.cli.tree import Node
from conman_core.cli.words import OWN
from tests.third_party import fixtures
from tests.third_party.install import entry_points, install

from .shells import need

site = fixtures.site

_BASH = r"""
compopt() { [[ $2 == default ]] && printf '\tfiles\n'; }
_conman_ask() { printf 'ask\n'; }
_conman_self=''
while IFS= read -r COMP_LINE; do
    COMP_POINT=${#COMP_LINE}
    printf '\036\n'
    _conman
    printf '%s\n' "${COMPREPLY[@]}"
done
"""
_ZSH = r"""
_describe() {
    local entry
    for entry in "${(P@)@[-1]}"; do print -r -- "${entry%%:*}"; done
}
compadd() { shift; print -rl -- "$IPREFIX${(@)^@}" }
compset() { IPREFIX=${PREFIX%%=*}=; PREFIX=${PREFIX#*=} }
_files() { print -r -- $'\tfiles' }
compdef() { : }
. $SCRIPT
_conman_ask() { print -r -- ask }
_conman_self=''
while IFS= read -r line; do
    IPREFIX='' words=("${(@s: :)line}") CURRENT=${#words}
    PREFIX=${words[-1]}
    print $'\036'
    _conman
done
true
"""


def questions(node: Node, path: str = "conman") -> Iterator[str]:
    """Yield lines for everything that a parser knows, begun in several ways."""
    for current in ("", "-", "--", "--j", "s", "-- ", "x "):
        yield f"{path} {current}"
    for option in node.options:
        for name in option.names:
            yield from (f"{path} {name} ", f"{path} {name} x ", f"{path} {name} x --")
            yield from [f"{path} {name}="] * name.startswith("--")
    for word, (_, below) in node.words.items():
        yield from questions(below, f"{path} {word}")


def ask_script(shell: str, text: str, asked: list[str], folder: Path) -> list[list[str]]:
    path = folder / "script"
    path.write_text(text)
    program = f". {path}\n{_BASH}" if shell == "bash" else _ZSH.replace("$SCRIPT", str(path))
    done = subprocess.run(
        [shell, *(["-f"] if shell == "zsh" else []), "-c", program],
        input="".join(f"{line}\n" for line in asked),
        capture_output=True, text=True, timeout=60, check=True,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert done.stderr == ""
    parts = done.stdout.split("\x1e\n")[1:]
    return [[line for line in part.splitlines() if line] for part in parts]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_the_table_of_a_script_says_what_conman_itself_would_answer(
    shell: str, site: Path, tmp_path: Path
):
    need(shell, shell)
    install(site, ["box", "plain"])
    node, problems = whole_tree()
    assert problems == []
    asked = list(dict.fromkeys(questions(node)))
    assert len(asked) > 250

    answers = ask_script(shell, script(shell, node), asked, tmp_path)

    asking = []
    for line, answer in zip(asked, answers, strict=True):
        current = line.rpartition(" ")[2]
        if answer == ["ask"]:
            asking.append(line)
            continue
        if shell == "bash":
            expected = lines(["bash", " \t\n\"'@><=;|&(:", line])
        else:
            told = [word.partition("\t")[0] for word in lines(["zsh", *line.split(" ")[1:]])]
            expected = [word or FILES for word in told if not word or word.startswith(current)]
        # zsh filters itself what it is given
        found = [
            word for word in answer if word == FILES or shell == "bash" or word.startswith(current)
        ]
        assert sorted(found) == sorted(expected), line
    # Python is started for what is not fixed, and for words that are not known here
    assert any(line.startswith("conman box show") for line in asking)
    assert not [line for line in asking if line.split()[1] in OWN - {"config"}]


def test_a_table_has_no_word_that_a_shell_could_read_as_anything_else(site: Path):
    install(site, entry_points("acme_commands", "conman.commands").keys() - {
        "hangs-at-command-import",
    })  # fmt: skip
    node, problems = whole_tree()
    assert len(problems) > 5
    assert "fails-at-command-import" not in node.words
    nasty = Node({"$(id)": ("`id`", Node({}, (), ()))}, (), ())
    for shell in ("bash", "zsh"):
        assert "sky blue" not in script(shell, node)
        assert "$(id)" not in script(shell, node._replace(words={**nasty.words, **node.words}))


def test_problems_go_to_standard_error_and_the_script_is_whole(site: Path):
    install(site, ["box", "fails-at-command-import"])
    done = subprocess.run(
        [sys.executable, "-P", "-m", "conman_core.cli", "completion", "bash"],
        env=os.environ | {"PYTHONPATH": f"{site}:{Path(__file__).parents[3]}"},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert done.stderr.startswith("conman: the command fails-at-command-import of acme-commands")
    assert done.stdout.endswith("complete -F _conman conman\n")
    assert "'box name')" in done.stdout


def test_a_stranger_who_prints_does_not_get_onto_the_command_line(site: Path):
    install(site, ["completers"])
    done = subprocess.run(
        [sys.executable, "-P", "-m", "conman_core.cli", "__complete", "zsh", "completers",
         "--noisy", ""],
        env=os.environ | {"PYTHONPATH": f"{site}:{Path(__file__).parents[3]}"},
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "fine\t\n", "")


def test_the_folders_are_those_where_packages_are(site: Path):
    install(site, ["box"])
    assert str(site) in folders()
    assert str(Path.cwd()) not in folders()


def test_the_script_is_good_bash(tmp_path: Path):
    if not shutil.which("shellcheck"):
        need("shellcheck", "shellcheck")
    path = tmp_path / "conman.bash"
    path.write_text(script("bash", whole_tree()[0]))
    done = subprocess.run(
        ["shellcheck", path], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout

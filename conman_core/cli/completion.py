"""`conman completion`: the script by which a shell completes conman's words.

The script holds a table of all fixed words, made from the parser, so that a Tab need not start
Python. It knows the folders of installed packages, too: once one is newer than the script, words
may be missing from it, and it asks conman itself (`complete`). Values that are not fixed, such as
the names of links, it always asks for.
"""

from __future__ import annotations

import re
import shlex
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path

from conman_core.cli import FINE, added
from conman_core.cli.parser import add_parser, build, top
from conman_core.cli.tables import Screen, clean, complain
from conman_core.cli.tree import Node, Option, Place, node_of
from conman_core.cli.words import OWN
from conman_core.errors import ConmanError

_PLAIN = re.compile(r"[\w.+-]+", re.ASCII)  # a word that no shell reads as anything else
_PACKAGES = {"site-packages", "dist-packages"}
#: -P: not from the folder in which somebody presses Tab
_PROGRAM = ("-P", "-c", "import sys; from conman_core.cli import main; sys.exit(main())")
_MOST_PLACES = 9

Branch = Callable[[str, Node], str]


def completion(arguments: Namespace, screen: Screen) -> int:
    """Print the script for a shell. A command that cannot be used is told and left out."""
    node, problems = whole_tree()
    for problem in problems:
        complain(problem)
    screen.line(script(arguments.shell, node))
    return FINE


def whole_tree() -> tuple[Node, list[str]]:
    """Return all that conman's words are, those of other packages too, and what is wrong there."""
    node = node_of(build(""))
    usable, problems = added.loaded(OWN)
    words = dict(node.words)
    for one, command in usable:
        _, commands = top()
        described = add_parser(commands, one.name, command.about)
        try:
            added.build(one, command, described)
        except ConmanError as error:
            problems.append(str(error))
        else:
            words[one.name] = (command.about, node_of(described))
    return node._replace(words=words), problems


def script(shell: str, node: Node) -> str:
    """Return the script for `bash` or `zsh`, without a newline at its end."""
    branch = _bash_branch if shell == "bash" else _zsh_branch
    text = Path(__file__).with_name(f"completion.{shell}").read_text(encoding="utf-8")
    values = {
        "@TABLE@": "\n".join(_table(node, branch)),
        "@PROGRAM@": shlex.join([sys.executable or "python3", *_PROGRAM]),
        "@FOLDERS@": shlex.join(folders()),
    }
    return re.sub("|".join(values), lambda match: values[match[0]], text).rstrip("\n")


def folders() -> list[str]:
    """Return the folders that change when a package is added, upgraded or removed."""
    found = [Path(entry) for entry in dict.fromkeys(sys.path) if entry.startswith("/")]
    return [
        str(folder)
        for folder in found
        if folder.is_dir() and (folder.name in _PACKAGES or any(folder.glob("*.dist-info")))
    ]


def _table(node: Node, branch: Branch, path: str = "") -> Iterator[str]:
    """Yield the branches of the shell's `case`, of a command and all below it.

    None for what is not plain: there the script asks.
    """
    plain = all(map(_PLAIN.fullmatch, node.words)) and all(
        _PLAIN.fullmatch(name) for option in node.options for name in option.names
    )
    counted = all(option.takes[:2] in ((0, 0), (1, 1)) for option in node.options)
    if not plain or not counted or any(place.least > _MOST_PLACES for place in node.places):
        return
    yield branch(path, node)
    for word, (_, below) in node.words.items():
        yield from _table(below, branch, f"{path} {word}".strip())


def kind(place: Place) -> str:
    """Return what a place takes, in the words of the scripts' tables."""
    if not place.most:
        return "switch"
    if place.completer or not all(map(_PLAIN.fullmatch, place.choices)):
        return "ask"
    if place.choices:
        return f":{','.join(place.choices)}"
    return "file" if place.files else "none"


def _kinds(node: Node) -> list[str]:
    """Return what each place of a command takes; after one for any number none can be told."""
    kinds: list[str] = []
    for place in node.places:
        if place.most > _MOST_PLACES:
            return [*kinds, f"{kind(place)}*"]
        kinds += [kind(place)] * place.most
    return kinds


def _bash_branch(path: str, node: Node) -> str:
    options = [",".join(one.names) + "*" * one.repeats for one in node.options]
    takes = [
        f"{name}={kind(one.takes)}" for one in node.options if one.takes.most for name in one.names
    ]
    values = {
        "words": node.words, "options": options, "takes": takes, "places": _kinds(node),
    }  # fmt: skip
    said = [f"{name}={shlex.quote(' '.join(words))}" for name, words in values.items() if words]
    return f"    {shlex.quote(path)}) {' '.join(said) or ':'} ;;"


def _zsh_branch(path: str, node: Node) -> str:
    words = [f"{word}:{_line(about)}" for word, (about, _) in node.words.items()]
    values = {"subcommands": words, "options": map(_zsh_option, node.options)}
    lists = {name: shlex.join(entries) for name, entries in values.items()}
    lists["places"] = shlex.join(_kinds(node))
    said = [f"        {name}=({entries})" for name, entries in lists.items() if entries]
    return "\n".join([f"    ({shlex.quote(path)})", *said, "        ;;"])


def _zsh_option(option: Option) -> str:
    repeats = "*" if option.repeats else ""
    return f"{','.join(option.names)}|{kind(option.takes)}|{repeats}|{_line(option.about)}"


def _line(about: str) -> str:
    return clean(" ".join(about.split()))

"""`conman box (show|name|beep)`: an example of a command that is a module."""

import os
from pathlib import Path

from conman_core.cli import FINE
from conman_core.cli.tables import Screen
from conman_core.client import request
from conman_core.commands import complete_with, link_names
from conman_core.errors import ConmanError
from conman_core.paths import Paths

api_version = 1
about = "Talk to the Acme box"


def build(parser):
    actions = parser.add_subparsers(title="actions", metavar="ACTION")
    shows = actions.add_parser("show", help="Show the link of the box")
    shows.add_argument("--json", action="store_true", help="print JSON instead of text")
    complete_with(shows.add_argument("link", nargs="?", help="its link"), link_names)
    shows.set_defaults(run=show)
    naming = actions.add_parser("name", help="Give the box a name")
    complete_with(naming.add_argument("name", help="such as: Kitchen"), names)
    complete_with(naming.add_argument("--like", help="as this one", metavar="NAME"), names)
    naming.add_argument("--colour", choices=("red", "blue", "sky blue"))
    naming.add_argument("--again", "-a", action="append", help="one more name")
    naming.add_argument("--file", type=Path, help="names: one a line")
    naming.set_defaults(run=name)
    beeping = actions.add_parser("beep", help="Let the box beep: once or twice")
    beeping.add_argument("tones", nargs="+", choices=("high", "low"), help="high or low")
    beeping.set_defaults(run=beep)


def names():
    """The names that the box knows: one a line of the file $ACME_NAMES."""
    for line in Path(os.environ["ACME_NAMES"]).read_text().splitlines():
        name, _, about = line.partition("\t")
        yield name, about


def show(arguments, screen: Screen):
    report = request(Paths.from_environment(), "status")
    links = [link for link in report["links"] if arguments.link in (None, link["name"])]
    if arguments.json:
        screen.json(links)
    else:
        screen.table(("LINK", "STATE"), [((link["name"], link["state"]), ()) for link in links])
    return FINE


def name(arguments, screen: Screen):
    screen.sentence(f"the box is called {arguments.name}")
    return FINE


def beep(arguments, screen: Screen):
    raise ConmanError("the box has no beeper; buy the larger one")

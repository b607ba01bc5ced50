"""A plugin that is a module: notes what it is told, in a list and in the file $ACME_NOTES."""

import os
from pathlib import Path

from conman_core.hookspecs import hookimpl

told = []


def note(line):
    told.append(line)
    if path := os.environ.get("ACME_NOTES"):
        with Path(path).open("a") as file:
            file.write(line + "\n")


@hookimpl
def conman_started(links):
    note(f"started {','.join(links)}")


@hookimpl
def conman_link_changed(link, state):
    note(f"link {link} {state}")


@hookimpl
def conman_uplink_changed(before, after):
    note(f"uplink {before} {after}")


@hookimpl
def conman_online(link):
    note(f"online {link}")


@hookimpl
def conman_no_uplink(failures):
    note(f"no uplink {','.join(sorted(failures))}")


@hookimpl
def conman_driver_broken(driver, sentence):
    note(f"broken {driver}: {sentence}")


@hookimpl
def conman_stopping():
    note("stopping")

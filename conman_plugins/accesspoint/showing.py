"""`conman provision`: opens, ends and shows the access point."""

from __future__ import annotations

import os
import socket
import sys
from argparse import Namespace
from typing import TYPE_CHECKING, Any

from conman_core.client import request
from conman_core.errors import ConmanError
from conman_core.paths import Paths
from conman_core.store import write_atomic
from conman_plugins.accesspoint import label
from conman_plugins.accesspoint.credentials import expand_ssid, passphrase
from conman_plugins.accesspoint.options import NAME, Settings, read

if TYPE_CHECKING:
    from conman_core.cli.tables import Screen

_START_LIMIT = 40.0  #: seconds
_ROOT = "the key of the access point is for root: put sudo before the command"


def provision(arguments: Namespace, screen: Screen) -> int:
    """Do what the command says; see its help."""
    if arguments.label is not None:
        return _label(arguments, screen)
    paths = Paths.from_environment()
    action = arguments.action
    if action == "stop":
        said = request(paths, "provision", timeout=_START_LIMIT, action="stop")
    elif action == "status":
        said = request(paths, "provision", action="status")
    else:
        said = _start(arguments, paths)
    if arguments.json:
        screen.json(said)
        return 0
    screen.sentence(said["sentence"])
    if said.get("ssid"):
        _show(said, arguments, screen)
    return 0


def _start(arguments: Namespace, paths: Paths) -> dict[str, Any]:
    shown = sys.stderr.isatty()
    if shown:
        print("opening the access point ...", end="", file=sys.stderr, flush=True)
    try:
        return request(
            paths,
            "provision",
            timeout=_START_LIMIT,
            action="start",
            lasting=arguments.timeout,
            force=arguments.yes,
        )
    finally:
        if shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def _show(said: dict[str, Any], arguments: Namespace, screen: Screen) -> None:
    root = os.geteuid() == 0  # members of the group may ask for all but the key
    key = _key(arguments) if root else None
    known = "none, it is open" if key is None else key
    rows = [("network", said["ssid"]), ("key", known if root else "for root: put sudo before it")]
    rows += [("page", f"http://{said['address']}/"), ("radio", said["interface"])]
    rows += [("phones there", str(said["clients"]))]
    if said.get("ends"):
        from conman_core.cli.times import clock

        rows.append(("ends at", f"{clock(said['ends'])}, if nobody comes"))
    screen.pairs(rows)
    if root and not arguments.no_qr and sys.stdout.isatty() and _draws():
        screen.line()
        print(label.for_terminal(said["ssid"], key))
        screen.line()
    screen.line("end it with: sudo conman provision stop")


def _draws() -> bool:
    return (sys.stdout.encoding or "").lower().startswith("utf")


def _label(arguments: Namespace, screen: Screen) -> int:
    settings = _settings(arguments)
    ssid = expand_ssid(settings.ssid, settings.interface).decode(errors="replace")
    text = label.sticker(ssid, _key(arguments), str(settings.address.ip), socket.gethostname())
    write_atomic(arguments.label, text.encode())
    said = {"path": str(arguments.label), "ssid": ssid}
    if arguments.json:
        screen.json(said)
    else:
        screen.sentence(f"the sticker is in {arguments.label}; it has the key: keep it to yourself")
    return 0


def _key(arguments: Namespace) -> str | None:
    if os.geteuid() != 0:
        raise ConmanError(_ROOT)
    return passphrase(_settings(arguments), Paths.from_environment())


def _settings(arguments: Namespace) -> Settings:
    """Return the settings of the access point. Raises ConfigError."""
    from conman_core.config import load, locate
    from conman_core.inspect import known_options, known_plugins

    path = arguments.config
    found = load(locate(path), known_options(path), known_plugins(path))
    return read(found.sections[NAME])

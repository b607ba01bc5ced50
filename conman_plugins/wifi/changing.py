"""`conman wifi add` and `forget`."""

from __future__ import annotations

import difflib
import sys
from argparse import Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from conman_core.client import request
from conman_core.errors import ConmanError, NotRunning
from conman_plugins.wifi.desk import Desk
from conman_plugins.wifi.network import Network, make_network
from conman_plugins.wifi.places import NAME

if TYPE_CHECKING:
    from conman_core.cli.tables import Screen

_TRIAL = 70.0  #: seconds: the driver's own limit and some


def add(arguments: Namespace, screen: Screen) -> int:
    """Try a network and save it; see the help of the command."""
    desk = Desk(arguments.config)
    key = None if arguments.open else _key(arguments.ssid)
    try:
        network = make_network(arguments.ssid, key, arguments.hidden)
    except ValueError as error:
        raise ConmanError(str(error)) from None
    said = _try_or_save(desk, network, key, arguments)
    if arguments.json:
        screen.json(said)
    else:
        screen.sentence(said["sentence"])
    return 0


def forget(arguments: Namespace, screen: Screen) -> int:
    """Remove a network from the list."""
    desk = Desk(arguments.config)
    networks = desk.known.load().networks
    found = next((n for n in networks if arguments.ssid in {n.name, _typed(n)}), None)
    if found is None or not desk.known.forget(found.ssid):
        raise ConmanError(_unknown(arguments.ssid, [network.name for network in networks]))
    sentence = f"{found.name} is forgotten"
    if arguments.json:
        screen.json({"sentence": sentence, "saved": True})
    else:
        screen.sentence(sentence)
    return 0


def _try_or_save(
    desk: Desk, network: Network, key: str | None, arguments: Namespace
) -> dict[str, Any]:
    """Have the daemon try it; without one, or without leave to disturb, only save it."""
    name = network.name
    try:
        links = request(desk.paths, "status")["links"]
    except NotRunning:
        desk.known.add(network)
        return _saved(f"{name} is saved; conman does not run, so it was not tried", tried=False)
    radios = [link for link in links if link["driver"] == NAME]
    if not radios:
        desk.known.add(network)
        return _saved(f"{name} is saved; conman has no radio to try it with now", tried=False)
    if any(link["role"] == "uplink" for link in radios) and not arguments.now:
        return _undisturbed(desk, network)
    values = {"ssid": arguments.ssid, "key": key or ""}
    values["hidden"] = "yes" if network.hidden else "no"
    _say(f"trying {name} ...")
    try:
        request(desk.paths, "apply", timeout=_TRIAL, driver=NAME, values=values)
    finally:
        _say("")
    return _saved(f"{name} works and is saved; see: conman status", tried=True)


def _undisturbed(desk: Desk, network: Network) -> dict[str, Any]:
    name = network.name
    if any(known.ssid == network.ssid for known in desk.known.load().networks):
        raise ConmanError(
            f"{name} is known already and its key stays as it is, as the new one cannot be tried"
            " now: the radio carries the traffic; to try it all the same, add --now"
        )
    desk.known.add(network)
    sentence = f"{name} is saved untried, as the radio carries the traffic; try it with --now"
    return _saved(sentence, tried=False)


def _saved(sentence: str, *, tried: bool) -> dict[str, Any]:
    return {"sentence": sentence, "saved": True, "tried": tried}


def _key(name: str) -> str:
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass(f"Key of {name} (it is not shown): ")
    line = sys.stdin.readline()
    if not line.strip("\r\n"):
        raise ConmanError("there is no key on standard input; for a network without one: --open")
    return line.rstrip("\r\n")


def _typed(network: Network) -> str:
    return network.ssid.decode(errors="surrogateescape")


def _unknown(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    hint = f"; did you mean {near[0]}?" if near else "; see: sudo conman wifi list"
    return f"{name} is not a known network{hint}"


def _say(text: str) -> None:
    """Show what goes on, on a terminal only."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)

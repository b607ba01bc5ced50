"""What plugins are told. A plugin is an object, or module, in entry-point group `conman.plugins`.

Hooks are called one after another on a thread of the plugin's own: a slow or failing plugin
delays and costs itself only. Arguments that a plugin does not need may be left out.
"""

from __future__ import annotations

import pluggy

from conman_core.model import Reason, Verdict

PROJECT = "conman"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def conman_started(version: str, links: tuple[str, ...]) -> None:
    """Called once, after the first probe of all drivers ended.

    :param version: conman's version
    :param links: the names of the links found, best first
    """


@hookspec
def conman_link_changed(
    link: str, state: str, verdict: Verdict | None, reason: Reason | None, sentence: str
) -> None:
    """Called when a link's state or verdict has changed.

    :param link: the link's name
    :param state: absent, unused, idle, connecting, connected or failed
    :param verdict: what reachability found, None before the first check
    :param reason: why it failed, None if it did not
    :param sentence: the same for a person
    """


@hookspec
def conman_uplink_changed(before: str | None, after: str | None, sentence: str) -> None:
    """Called after the machine's traffic has moved to another link.

    :param before: the link that carried it, None if there was none
    :param after: the link that carries it now, None if there is none
    :param sentence: why
    """


@hookspec
def conman_online(link: str) -> None:
    """Called when the machine reaches the internet again after it did not.

    :param link: the uplink
    """


@hookspec
def conman_no_uplink(failures: dict[str, str]) -> None:
    """Called when the last verified link is lost, and once after start if there never was one.

    :param failures: for each known link a sentence that says why it does not work
    """


@hookspec
def conman_provision(sentence: str, by_hand: bool, failures: dict[str, str]) -> None:
    """Called when a person is to be asked for settings: nothing works, or a person wants it.

    Whoever can ask opens what it has, and tells with `PluginContext.on_air` or `gave_up`. It goes
    on until `conman_provision_end` is called.

    :param sentence: why
    :param by_hand: a person wants it now: known networks do not end it
    :param failures: for each known link a sentence that says why it does not work
    """


@hookspec
def conman_provision_soon() -> None:
    """Called seconds before a person is asked, if nothing works until then.

    Whoever can ask may load what it needs, so that it is quick then, but shows and claims nothing
    yet. `conman_provision` follows, or `conman_provision_end` if there is no need any more.
    """


@hookspec
def conman_provision_end(sentence: str) -> None:
    """Called when nobody needs to be asked any more; what was opened is closed.

    :param sentence: why
    """


@hookspec
def conman_driver_broken(driver: str, distribution: str, sentence: str) -> None:
    """Called when a driver has failed in a way that is not a `ConnectError`.

    :param driver: its entry-point name
    :param distribution: name and version of the package that it came from
    :param sentence: what happened
    """


@hookspec
def conman_stopping() -> None:
    """Called when the daemon was told to end; a plugin has one second to finish."""

"""What a plugin gets from the core if it does more than listen: its context, as a driver has one.

A plugin whose class derives from `Plugin` is made with a `PluginContext` and may have settings in
a section `[conman:<plugin>]`. What it is told are the hooks of `hookspecs`, as for any plugin. All
its code runs on a thread of its own with an event loop of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from conman_core.model import Form, Outcome

if TYPE_CHECKING:
    import logging
    from pathlib import Path

    from conman_core.driver import Finished, Running, Store
    from conman_core.options import Option


@dataclass(frozen=True, slots=True)
class Loan:
    """An interface that a plugin may have: `link` is the one that gives way, `sentence` why not.

    An empty `sentence`: it can be had. `carries` says that the link carries the traffic now.
    """

    interface: str
    link: str
    sentence: str = ""
    carries: bool = False


@dataclass(frozen=True, slots=True)
class OnAir:
    """What a person finds who is to be asked for settings: for `status` and `conman provision`.

    `timeout` is how long it stays without anybody there, in seconds.
    """

    ssid: str
    interface: str
    address: str
    clients: int = 0
    timeout: float | None = None


class UndoContext(Protocol):
    """What a plugin's class gets to undo what an object of it has left."""

    @property
    def log(self) -> logging.Logger: ...

    @property
    def store(self) -> Store: ...

    @property
    def runtime(self) -> Path:
        """A folder of the plugin's own for sockets and generated files, readable by root alone.

        It exists; a reboot empties it.
        """

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 10.0,  # noqa: ASYNC109 - the whole process group is ended by it
        stdin: str | None = None,
        secrets: Sequence[str] = (),
    ) -> Finished:
        """Run a program to its end, as `DriverContext.run` does."""


class PluginContext(UndoContext, Protocol):
    """All that a plugin gets from the core. To be used on the plugin's own thread."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The plugin's own options, parsed."""

    def now(self) -> float:
        """Seconds of a clock that never jumps."""

    async def sleep(self, seconds: float) -> None: ...

    async def start(
        self,
        argv: Sequence[str],
        *,
        name: str,
        on_line: Callable[[str], None] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Running:
        """Start a program that runs until it is stopped, as `DriverContext.start` does.

        The descriptors `pass_fds` stay open in it, under the same numbers.
        """

    # -- asking a person for settings

    async def forms(self) -> tuple[Form, ...]:
        """Return what the drivers ask a person for; one that fails to tell has no form."""

    async def look(self) -> None:
        """Let the drivers look around for what their forms offer. Takes up to 20 s."""

    async def validate(self, driver: str, values: Mapping[str, str]) -> None:
        """Check what a person entered, without trying it.

        Raises BadValue, or another ValueError if it is not about one field; ConmanError.
        """

    async def try_out(self, driver: str, values: Mapping[str, str]) -> Outcome:
        """Try what a person entered until it is clear whether the internet is reached with it.

        Takes up to a minute and a half. Raises ValueError as `validate` does, and ConmanError.
        """

    async def loans(self) -> tuple[Loan, ...]:
        """Return the radios of the machine, the one whose loss is felt least first."""

    async def borrow(
        self, interface: str, *, share: bool, wanted: Callable[[str], None] = lambda _: None
    ) -> None:
        """Have the interface of a link until `give_back`; its link is not connected meanwhile.

        With `share` its driver may go on looking around on it, else it lets go of it. `wanted` is
        called, with a sentence, when the driver has found something worth connecting to, like a
        known network that has come in sight. Raises ConnectError(BUSY).
        """

    async def give_back(self, interface: str) -> None:
        """Let the link of an interface be used again. Never raises; may come twice.

        A plugin that hangs for a minute, that fails while people are asked, or that is not used
        any more loses what it has: its programs are ended, and its class is to `undo` the rest.
        """

    async def try_known(self, interface: str) -> bool:
        """After `give_back`: let its link connect with what is known, at once.

        Returns whether the internet is reached over it. Takes up to a minute and a half.
        """

    def on_air(self, what: OnAir | None, *, attended: bool = False) -> None:
        """Tell what a person finds now, None for nothing; `attended`: somebody was just there."""

    def gave_up(self, sentence: str) -> None:
        """Tell that nobody can be asked, and why; it is tried again later."""

    def say(self, sentence: str, **event: Any) -> None:
        """Tell an event to people: in the log, `conman watch` and `conman log`."""


class Plugin:
    """Base of plugins that need a context. Hooks are marked with `hookspecs.hookimpl`."""

    def __init__(self, context: PluginContext) -> None:
        self.context = context

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Return every setting of section `[conman:<plugin>]`."""
        return ()

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Tell what is wrong with settings, as `LinkDriver.check_settings` does."""
        del settings
        return ()

    @classmethod
    async def undo(cls, context: UndoContext) -> str:
        """Undo what an object of this class did to the machine and cannot undo any more.

        It was killed, or hangs; its programs have been ended. Called on a thread of its own, also
        by `conman release`, if the plugin's store holds anything: so say there what is changed
        before it is. Returns a sentence of what was undone, empty for nothing.
        """
        del context
        return ""

"""The driver contract: what a package must provide to teach conman a kind of link.

A driver is a class derived from `LinkDriver`, named by an entry point in group `conman.drivers`.
The core makes one object of it, on a thread of its own with an event loop of its own, and calls
every method there. A method may be plain or `async def`; each has a time limit.
"""

from __future__ import annotations

import abc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from conman_core.model import Connection, DriverEvent, FormField, Link, Unavailable

if TYPE_CHECKING:
    import logging
    from contextlib import AbstractContextManager
    from pathlib import Path

    from conman_core.options import Option

API_VERSION = 1  #: the contract of this file; a driver written for another one is refused

Probed = Sequence[Link] | Unavailable


class Finished(Protocol):
    """How a child process ended. `returncode` is negative when a signal ended it."""

    @property
    def returncode(self) -> int: ...
    @property
    def stdout(self) -> str: ...
    @property
    def stderr(self) -> str: ...


class Running(Protocol):
    """A child process that runs until it is stopped, or ends by itself."""

    @property
    def running(self) -> bool: ...

    async def wait(self) -> int:
        """Wait for its end; return the exit code, negative when a signal ended it."""

    async def stop(self, limit: float = 5.0) -> None:
        """End its process group: SIGTERM, after `limit` seconds SIGKILL. May come twice."""


class Lease(Protocol):
    """A running DHCP client on one interface."""

    async def acquire(self) -> Connection:
        """Start the client and wait for a lease.

        Ends only with a lease or an error: the time limit is the caller's. If it fails or is
        cancelled no client is left running. Raises ConnectError with NO_TOOL, BUSY or NO_ADDRESS.
        """

    def changes(self) -> AsyncIterator[Connection | None]:
        """Yield each later lease, and None when the lease was lost."""

    async def release(self) -> None:
        """Give the address back to the server and end the client. Never raises; may come twice."""


class Store(Protocol):
    """A driver's own small memory that survives restarts: JSON values, atomic, readable by root."""

    def load(self) -> dict[str, Any]: ...
    def save(self, values: Mapping[str, Any]) -> None: ...


class SharedStore(Store, Protocol):
    """A memory that several drivers have together, such as those of one distribution."""

    def changing(self) -> AbstractContextManager[dict[str, Any]]:
        """Give what is saved, to be changed in a `with` block; it is saved at the block's end.

        No other driver's change comes in between: never wait inside. After an exception nothing
        is saved.
        """


class DriverContext(Protocol):
    """All that a driver gets from the core; nothing else is global."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """The driver's own options, parsed."""

    @property
    def log(self) -> logging.Logger: ...

    @property
    def store(self) -> Store: ...

    def shared(self, name: str) -> SharedStore:
        """Return the memory of a name, the same one for every driver that asks for it.

        Choose a name that no stranger takes: that of your distribution, and what it is for.
        """

    @property
    def runtime(self) -> Path:
        """A folder of the driver's own for sockets and generated files, readable by root alone.

        It exists; a reboot empties it.
        """

    def now(self) -> float:
        """Seconds of a clock that never jumps."""

    async def sleep(self, seconds: float) -> None: ...

    async def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float = 10.0,  # noqa: ASYNC109 - the whole process group is ended by it
        stdin: str | None = None,
        secrets: Sequence[str] = (),
    ) -> Finished:
        """Run a program to its end; its process group is killed at the time limit.

        `secrets` are blacked out in what is logged. Raises ToolMissing, SystemFault if it cannot
        be started, TimeoutError.
        """

    async def start(
        self,
        argv: Sequence[str],
        *,
        name: str,
        on_line: Callable[[str], None] | None = None,
    ) -> Running:
        """Start a program that runs until it is stopped; it ends with conman at the latest.

        `name` stands for it in logs, such as "wpa_supplicant wlan0"; each line that it prints goes
        to `on_line`. Raises ToolMissing, SystemFault.
        """

    def dhcp(self, interface: str) -> Lease:
        """Return a DHCP client for an interface; nothing starts before `acquire`."""

    def claim(self, interface: str) -> None:
        """Say that this driver uses an interface that is not in its `Link`.

        Raises ConnectError(BUSY) if another driver or another program uses it.
        """


class LinkDriver(abc.ABC):
    """One kind of link. Only `probe`, `connect` and `disconnect` must be written.

    Any exception other than those named makes the core show the driver as broken, with its
    distribution, and go on with the others; it is given another chance later.
    """

    #: the version of this contract that the driver was written for: 1. Each driver writes it
    #: itself, as an inherited one would always fit.
    api_version: ClassVar[int]
    #: time limits in seconds of the calls that may take long
    probe_limit: ClassVar[float] = 2.0
    connect_limit: ClassVar[float] = 45.0
    disconnect_limit: ClassVar[float] = 10.0
    details_limit: ClassVar[float] = 5.0
    recover_limit: ClassVar[float] = 30.0
    alternative_limit: ClassVar[float] = 30.0
    lend_limit: ClassVar[float] = 10.0
    look_limit: ClassVar[float] = 20.0
    apply_limit: ClassVar[float] = 50.0  #: at most 55: who asks waits for a minute

    def __init__(self, context: DriverContext) -> None:
        self.context = context

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Return every setting of section `[conman:<driver>]`, with type, default and help."""
        return ()

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Tell what is wrong with settings that are right each by itself, before they are used.

        Gets all values, parsed; gives for each fault the key that it is about, and a sentence with
        what may be written in its place. Looks at nothing but the values; never put a value of
        kind SECRET into a sentence. Settings with a fault are never taken.
        """
        del settings
        return ()

    @abc.abstractmethod
    def probe(self) -> Probed | Awaitable[Probed]:
        """Return the links that could be used now, or why there are none.

        Changes nothing and never talks to a modem; ends within `probe_limit`.
        """

    @abc.abstractmethod
    def connect(self, link: Link) -> Connection | Awaitable[Connection]:
        """Bring a link up and describe it; the core then sets addresses, routes and DNS.

        The core has set `link.interface` up before, but for a radio that is switched off
        (rfkill). May be cancelled at its time limit or when the link vanishes, and must then leave
        nothing behind.
        Raises ConnectError: the core shows its reason and tries again with back-off.
        """

    @abc.abstractmethod
    def disconnect(self, link: Link) -> Awaitable[None] | None:
        """Take a link down. Never raises; a link that is not connected is fine."""

    async def events(self) -> AsyncIterator[DriverEvent]:
        """Yield what the driver notices by itself. Called once, runs as long as the driver."""
        return
        yield  # makes this an empty generator

    def details(self, link: Link) -> Mapping[str, str] | Awaitable[Mapping[str, str]]:
        """Return slow facts for people: signal, operator. For `status` and `probe --deep`."""
        del link
        return {}

    def recover(self, link: Link, step: int) -> bool | Awaitable[bool]:
        """Take step `step`, from 0, the mildest first, of what may bring a hung device back.

        Returns False for a step that the driver does not have, without doing anything. May come at
        any time, for a link that is not connected, too; ends within `recover_limit`. Step 0 keeps
        a connection that there is; before a later one the core has called `disconnect`. Touches
        this link's device alone.
        """
        del link, step
        return False

    def alternative(self, link: Link) -> bool | Awaitable[bool]:
        """Say whether there is another way than the present connection: another network, say.

        Asked when the internet is not reached over it. After True the core disconnects the link,
        and the next `connect` must take the other way.
        """
        del link
        return False

    def lend(self, link: Link) -> bool | Awaitable[bool]:
        """Let go of the interface of a link that is not connected: a plugin uses it from now on.

        Nothing of the driver touches it until `connect`, `look` or `apply` comes; after these it
        may come again. Returns False, and keeps the interface, if that cannot be done.
        """
        del link
        return False

    def close(self) -> Awaitable[None] | None:
        """End what still runs: the driver is not used any more, or made anew for other settings.

        Comes once, after the last `disconnect`; not when conman ends, which ends all programs.
        """
        return None

    def form(self) -> Sequence[FormField] | Awaitable[Sequence[FormField]]:
        """Return what a person should be asked for while provisioning."""
        return ()

    def look(self) -> Awaitable[None] | None:
        """Look around afresh for what `form` offers to choose from: a person asked for it."""
        return None

    def validate(self, values: Mapping[str, str]) -> Awaitable[None] | None:
        """Check what a person entered into `form`, without trying it.

        Raises BadValue, or another ValueError if it is not about one field: a sentence for them.
        """
        del values
        return None

    def apply(self, values: Mapping[str, str]) -> Awaitable[None] | None:
        """Try what a person entered into `form`, and keep it if a connection comes about.

        Raises ValueError as `validate` does, or ConnectError: nothing is changed then.
        """
        del values
        return None

"""One wpa_supplicant as a child on one radio, and what is asked of it.

It reads no list of networks: each is handed over on its control socket when it is to be joined, so
one that it refuses never costs another, and its configuration holds no secret.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from conman_core import ConnectError, DriverContext, Reason
from conman_core.driver import Running
from conman_core.errors import ConmanError, ToolMissing
from conman_core.net.hostapctrl import Control, ControlError
from conman_plugins.wifi.eventlines import parse_event
from conman_plugins.wifi.events import Connected, Disconnected, Event, ScanResults

_START_LIMIT = 10.0
_PING_LIMIT = 5.0
_TAKE_PART_LIMIT = 1.0
_ASK_AGAIN = 0.05
_STOP_LIMIT = 3.0

#: wpa_supplicant.conf(5). `update_config`: it cannot read back what it writes. `sae_pwe`: both ways
#: of SAE, or access points that insist on the newer one refuse us.
_SETTINGS = (
    "ctrl_interface=DIR={folder}\nupdate_config=0\np2p_disabled=1\nsae_pwe=2\ncountry={country}\n"
)


class Supplicant:
    """A wpa_supplicant on `interface`. `on_end` is told how it ended, if nobody stopped it."""

    def __init__(
        self, context: DriverContext, interface: str, on_end: Callable[[str], None]
    ) -> None:
        self.interface = interface
        self._context = context
        self._on_end = on_end
        self._folder = context.runtime / "ctrl"
        self._child: Running | None = None
        self._control: Control | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._catching_up: asyncio.Task[None] | None = None
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self._last_line = ""
        self._country = ""

    @property
    def running(self) -> bool:
        """Whether it runs and answers on its socket."""
        return self._control is not None and self._child is not None and self._child.running

    async def start(self, country: str) -> None:
        """Start it, unless it runs well with this country already. Raises ConnectError."""
        if self.running and country == self._country and await self._well():
            return
        await self.stop()
        await self._end_predecessor()
        self._country = country
        socket = self._folder / self.interface
        settings = self._folder.parent / f"{self.interface}.conf"
        try:
            _prepare(self._folder, socket, settings, country)
            argv = ["wpa_supplicant", "-i", self.interface, "-D", "nl80211,wext"]
            self._child = await self._context.start(
                [*argv, "-c", str(settings)],
                name=f"wpa_supplicant {self.interface}",
                on_line=self._remember,
            )
            self._control = await self._answering(self._child, socket)
        except ToolMissing as error:
            raise ConnectError(Reason.NO_TOOL, str(error)) from error
        except (ConmanError, ControlError, OSError) as error:
            await self.stop()
            raise ConnectError(Reason.BROKEN, self.complaint(str(error))) from error
        except BaseException:
            await self.stop()
            raise
        self._watch = asyncio.create_task(
            self._wait(self._child), name=f"driver:wpa_supplicant {self.interface}"
        )

    async def _well(self) -> bool:
        with contextlib.suppress(ConnectError):
            return (await self.request("PING", limit=_PING_LIMIT)).strip() == "PONG"
        return False

    async def take_part(self) -> bool:
        """Ask and listen to one that somebody else started; return whether there is one."""
        with contextlib.suppress(ControlError, OSError, TimeoutError):
            async with asyncio.timeout(_TAKE_PART_LIMIT):
                self._control = await Control.open(self._folder / self.interface, self._hear)
        return self._control is not None

    async def _end_predecessor(self) -> None:
        """End the wpa_supplicant of the driver object before this one: it has other settings."""
        if (self._folder / self.interface).exists() and await self.take_part():
            with contextlib.suppress(ConnectError, TimeoutError):
                async with asyncio.timeout(_STOP_LIMIT):
                    await self.request("TERMINATE")
                    while True:  # ends with an error as soon as nobody answers
                        await self.request("PING")
                        await asyncio.sleep(_ASK_AGAIN)
            await self.let_go()

    async def let_go(self) -> None:
        """Ask and listen no more to one that somebody else started."""
        control, self._control = self._control, None
        if control:
            await control.close()

    async def stop(self) -> None:
        """End it, even if cancelled. Never raises; one that does not run is fine."""
        watch, child, control = self._watch, self._child, self._control
        self._watch = self._child = self._control = None
        if watch:
            watch.cancel()
        if self._catching_up:
            self._catching_up.cancel()
        if child or control:
            self._stopping = asyncio.create_task(self._end(child, control))
        if self._stopping:  # also of who stops it already
            await asyncio.shield(self._stopping)

    async def _end(self, child: Running | None, control: Control | None) -> None:
        if control:
            await control.close()
        if child:
            await child.stop(_STOP_LIMIT)
        self._announce(None)

    async def request(self, command: str, *, limit: float = 5.0) -> str:
        """Ask it something. Raises ConnectError if it does not answer."""
        if self._control is None:
            raise ConnectError(Reason.LOST, f"wpa_supplicant on {self.interface} does not run")
        try:
            return await self._control.request(command, limit=limit)
        except ControlError as error:
            raise ConnectError(Reason.BROKEN, self.complaint(str(error))) from error

    async def order(self, command: str) -> bool:
        """Tell it to do something; return whether it agreed. Raises ConnectError."""
        return (await self.request(command)).strip() == "OK"

    @contextlib.contextmanager
    def listen(self) -> Iterator[asyncio.Queue[Event | None]]:
        """Give a queue of what happens from now on; None: wpa_supplicant has ended."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    async def add(self, pairs: Sequence[tuple[str, str]]) -> str:
        """Make it know a network, disabled; return its number there.

        Raises ConnectError(MISCONFIGURED) naming the variable that it refuses, never the value.
        """
        number = (await self.request("ADD_NETWORK")).strip()
        if not number.isdigit():
            raise ConnectError(Reason.BROKEN, self.complaint("it takes no further network"))
        for name, value in pairs:
            if not await self.order(f"SET_NETWORK {number} {name} {value}"):
                await self.order(f"REMOVE_NETWORK {number}")
                sentence = f"wpa_supplicant refuses the value of {name}"
                raise ConnectError(Reason.MISCONFIGURED, sentence)
        return number

    async def _answering(self, child: Running, socket: Path) -> Control:
        """Wait until it answers on its socket, or has ended."""
        opening = asyncio.create_task(Control.open(socket, self._hear, on_gap=self._missed))
        ending = asyncio.create_task(child.wait())
        taken = False
        try:
            await asyncio.wait(
                {opening, ending}, timeout=_START_LIMIT, return_when=asyncio.FIRST_COMPLETED
            )
            if taken := opening.done():
                return opening.result()
            what = "it ended at once" if ending.done() else f"no answer within {_START_LIMIT:g} s"
            raise ControlError(what)
        finally:
            ending.cancel()
            if not taken:
                opening.cancel()
                await asyncio.wait({opening})
                if not opening.cancelled() and not opening.exception():  # just when we gave up
                    await opening.result().close()

    async def _wait(self, child: Running) -> None:
        code = await child.wait()
        sentence = self.complaint(f"it ended with code {code}")
        self._watch = None
        await self.stop()
        self._on_end(sentence)

    def _hear(self, line: str) -> None:
        event = parse_event(line)
        if event is not None:
            self._announce(event)

    def _missed(self) -> None:
        """Make good for events that were lost: whoever waits for one may go on, or look again."""
        self._announce(ScanResults())
        self._catching_up = asyncio.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        with contextlib.suppress(ConnectError):
            status = await self.request("STATUS")
            if "wpa_state=COMPLETED" in status:
                self._announce(Connected("", -1))
            else:
                self._announce(Disconnected("", 0, locally_generated=False))

    def _announce(self, event: Event | None) -> None:
        for listener in self._listeners:
            listener.put_nowait(event)

    def _remember(self, line: str) -> None:
        if line.strip():
            self._last_line = line.strip()

    def complaint(self, what: str) -> str:
        """Return a sentence about it, with what it said last."""
        last = f"; it said last: {self._last_line}" if self._last_line else ""
        return f"wpa_supplicant on {self.interface}: {what}{last}"


def _prepare(folder: Path, socket: Path, settings: Path, country: str) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(FileNotFoundError):
        socket.unlink()  # of one that was killed: it would keep the next from starting
    settings.write_text(_SETTINGS.format(folder=folder, country=country))

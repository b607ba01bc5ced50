"""Modems that are dialled over a serial port: with pppd, or with the program sakis3g."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

from conman_core import (
    ConnectError,
    Connection,
    DriverContext,
    FormField,
    Link,
    LinkDriver,
    Lost,
    Option,
    Reason,
    Retry,
    Unavailable,
)
from conman_core.errors import SystemFault
from conman_core.model import DriverEvent
from conman_plugins.cellular import dialling, modemmanager, sakisconf
from conman_plugins.cellular.at import open_port
from conman_plugins.cellular.dialler import Dialler, Line
from conman_plugins.cellular.dialling import Entered, Wishes, wishes_of
from conman_plugins.cellular.modeswitch import Switcher
from conman_plugins.cellular.sakisoptions import OPTIONS
from conman_plugins.cellular.seriallinks import SerialLinks
from conman_plugins.cellular.serialmodem import SerialModem
from conman_plugins.cellular.serialports import Opener, find_port
from conman_plugins.cellular.turns import TRYING, Turn
from conman_plugins.cellular.usb import Usb, UsbDevice
from conman_plugins.cellular.usbpower import power_cycle, take_anew
from conman_plugins.cellular.watching import Watch


class Sakis3gDriver(LinkDriver):
    """Offers each serial modem as a link, named by its place on USB or by its port."""

    api_version: ClassVar[int] = 1
    connect_limit: ClassVar[float] = 180.0
    details_limit: ClassVar[float] = 10.0
    recover_limit: ClassVar[float] = 60.0
    apply_limit: ClassVar[float] = 55.0

    def __init__(
        self,
        context: DriverContext,
        usb: Usb | None = None,
        switcher: Switcher | None = None,
        *,
        opener: Opener = open_port,
        conf: Path = sakisconf.FILE,
        in_use: Callable[[UsbDevice], None] = modemmanager.must_be_free,
    ) -> None:
        super().__init__(context)
        self._usb = usb or Usb()
        self._links = SerialLinks(self._usb)
        self._switcher = switcher or Switcher(context, self._usb)
        self._watch = Watch(context, self._switcher)
        self._opener = opener
        self._conf = conf
        self._must_be_free = in_use
        self._entered = Entered(context.store)
        self._dialler = Dialler(context, opener)
        self._calls: dict[str, Line] = {}
        self._turns: dict[str, Turn] = {}

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return OPTIONS

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        return dialling.faults(settings)

    # -- links ------------------------------------------------------------------------------------

    def probe(self) -> Sequence[Link] | Unavailable:
        wishes = self._wishes()
        if found := self._links.offered(wishes):
            return found
        for disc in self._switcher.discs():
            return Unavailable(*self._switcher.why(disc))
        what = wishes.port or wishes.ids
        named = f"{what}, which {wishes.place} names, is not there" if what else "no serial modem"
        return Unavailable(Reason.NO_DEVICE, f"{named}; plug a modem in")

    def _wishes(self) -> Wishes:
        """Return what counts now."""
        return self._entered.over(self._written())

    def _written(self) -> Wishes:
        """Return what is written; without /etc/sakis3g.conf if that cannot be read."""
        wishes = wishes_of(self.context.settings)
        try:
            return wishes.with_file(sakisconf.read(self._conf))
        except ConnectError as error:
            self.context.log.debug("%s", error)  # `connect` tells it
            return wishes

    # -- connections ------------------------------------------------------------------------------

    async def connect(self, link: Link) -> Connection:
        return await self._turn(link).attempt(
            lambda: self._connect(link, self._wishes()), lambda: self._end(link)
        )

    async def _connect(self, link: Link, wishes: Wishes) -> Connection:
        """Dial; whoever calls has the modem's turn. Raises ConnectError, ToolMissing."""
        await self._end(link)
        by_script = self._dialler.program() == "sakis3g"
        sakisconf.read(self._conf).must_be_sound(self._conf, for_script=by_script)
        device = self._links.device(link)
        if device:
            self._must_be_free(device)
        paths = self._links.ports(link, wishes)
        what = device.name if device else wishes.port

        def lost(reason: Reason, words: str) -> None:
            self._watch.tell(Lost(link.name, reason, f"{what}: {words}"))

        def progress(words: str) -> None:
            self.context.log.info("%s: %s", link.name, words)

        line = Line(paths, device.ids if device else "", lost, progress)
        try:
            connection = await self._dialler.dial(line, wishes)
        except ConnectError as error:
            sentence = f"{what}: {error.sentence}"
            raise ConnectError(error.reason, sentence) from None
        self._calls[link.name] = line
        return connection

    async def disconnect(self, link: Link) -> None:
        if not self._turn(link).trials:  # else it is about the call that the trial has ended
            await self._end(link)

    async def _end(self, link: Link) -> None:
        if line := self._calls.pop(link.name, None):
            await line.end()

    def events(self) -> AsyncIterator[DriverEvent]:
        return self._watch.events()

    def _turn(self, link: Link) -> Turn:
        return self._turns.setdefault(link.name, Turn())

    # -- facts and repairs ------------------------------------------------------------------------

    async def details(self, link: Link) -> Mapping[str, str]:
        device = self._links.device(link)
        about = {"modem": f"{device.name} ({device.ids})"} if device else {}
        if self._turn(link).lock.locked():
            return about  # it is being dialled
        try:
            if device:
                self._must_be_free(device)
            async with self._modem(link) as modem:
                return about | dict(await modem.facts())
        except ConnectError as error:  # no port is left, or ModemManager has it
            self.context.log.debug("%s tells nothing: %s", link.name, error)
            return about

    @asynccontextmanager
    async def _modem(self, link: Link) -> AsyncIterator[SerialModem]:
        """Give a modem to ask, over a port that no call has. Raises ConnectError."""
        call = self._calls.get(link.name)
        taken = call.terminal if call else ""
        async with self._turn(link).lock:
            paths = [path for path in self._links.ports(link, self._wishes()) if path != taken]
            found = await find_port(paths, self._opener)
            try:
                yield SerialModem(self.context, found.port)
            finally:
                found.port.close()

    async def recover(self, link: Link, step: int) -> bool:
        """0: radio off and on. 1: start the modem anew. 2: take it anew from USB. 3: power."""
        device = self._links.device(link)
        if device:
            self._must_be_free(device)
        if step in (0, 1):
            await self._hang_up(link)
            await self._start_anew(link, device, radio_alone=step == 0)
        elif step == 2 and device:
            await take_anew(self.context, self._usb, device.place)
        elif step == 3 and device:
            return await power_cycle(self.context, device.place)
        else:
            return False
        return True

    async def _start_anew(self, link: Link, device: UsbDevice | None, *, radio_alone: bool) -> None:
        """Switch it off and on by AT; one that answers nothing any more is taken anew from USB."""
        try:
            async with self._modem(link) as modem:
                await (modem.airplane() if radio_alone else modem.reset())
        except ConnectError as error:
            if error.reason is not Reason.WEDGED or not device:
                raise
            await take_anew(self.context, self._usb, device.place)

    async def _hang_up(self, link: Link) -> None:
        if line := self._calls.pop(link.name, None):
            sentence = "it is hung up to switch its radio off and on"
            self._watch.tell(Lost(link.name, Reason.LOST, sentence))
            await line.end()

    # -- what a person enters ---------------------------------------------------------------------

    def form(self) -> Sequence[FormField]:
        return (
            FormField("apn", "APN (empty: as it is set)", required=False),
            FormField("user", "User", required=False),
            FormField("password", "Password", "secret", required=False),
            FormField("pin", "PIN of the SIM card", "secret", required=False),
        )

    def validate(self, values: Mapping[str, str]) -> None:
        dialling.must_be_usable(values)

    async def apply(self, values: Mapping[str, str]) -> None:
        dialling.must_be_usable(values)
        found = self.probe()
        if isinstance(found, Unavailable):
            raise ConnectError(found.reason, found.sentence)
        link = found[0]
        try:
            async with self._turn(link).trial():
                if link.name in self._calls:
                    self._watch.tell(Lost(link.name, Reason.LOST, TRYING))
                await self._connect(link, self._wishes().with_entered(values))
                await self._end(link)
            self._keep(values)
        finally:
            self._watch.tell(Retry(link.name, TRYING))

    def _keep(self, values: Mapping[str, str]) -> None:
        try:
            self._entered.keep(self._written(), values)
        except SystemFault as error:
            sentence = f"it works, but is not kept: {error}"
            raise ConnectError(Reason.MISCONFIGURED, sentence) from error

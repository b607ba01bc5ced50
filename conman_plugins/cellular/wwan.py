"""Links of modems that speak QMI: /dev/cdc-wdm0 with wwan0."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any, ClassVar

from conman_core import (
    ConnectError,
    Connection,
    DriverContext,
    FormField,
    Link,
    LinkDriver,
    Option,
    Reason,
    Specificity,
    Unavailable,
)
from conman_core.errors import SystemFault
from conman_core.model import DriverEvent
from conman_plugins.cellular.modeswitch import Switcher
from conman_plugins.cellular.ports import MBIM, Port
from conman_plugins.cellular.qmidetails import Details
from conman_plugins.cellular.qmimodem import NAME, QmiModem
from conman_plugins.cellular.qmirepair import repair
from conman_plugins.cellular.wanted import FORM, Entered
from conman_plugins.cellular.watching import Watch
from conman_plugins.cellular.wwanmachine import Machine
from conman_plugins.cellular.wwanoptions import OPTIONS, faults


class WwanDriver(LinkDriver):
    """Offers each modem that speaks QMI as a link."""

    api_version: ClassVar[int] = 1
    connect_limit: ClassVar[float] = 90.0
    disconnect_limit: ClassVar[float] = 12.0
    recover_limit: ClassVar[float] = 40.0
    apply_limit: ClassVar[float] = 55.0

    def __init__(
        self,
        context: DriverContext,
        machine: Machine | None = None,
        switcher: Switcher | None = None,
    ) -> None:
        super().__init__(context)
        self._machine = machine or Machine()
        self._entered = Entered(context.store, context.settings)
        self._modems: dict[str, QmiModem] = {}  # by the name of the control port
        self._details: dict[str, Details] = {}
        self._switcher = switcher or Switcher(context, self._machine.ports.usb)
        self._watch = Watch(context, self._switcher)

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return OPTIONS

    @classmethod
    def check_settings(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        return faults(settings)

    def probe(self) -> Sequence[Link] | Unavailable:
        ports = self._machine.ports.all()
        found = [port for port in ports if port.speaks_qmi and port.interface]
        if found:
            return [_link(port, number) for number, port in enumerate(found)]
        for disc in self._switcher.discs():
            return Unavailable(*self._switcher.why(disc))
        mbim = next((port for port in ports if port.driver in MBIM), None)
        if mbim:
            name = mbim.device.name if mbim.device else mbim.name
            return Unavailable(
                Reason.NO_DEVICE,
                f"{name} ({mbim.path}) speaks MBIM, which is not supported; see its manual for how"
                " to have it speak QMI",
            )
        return Unavailable(Reason.NO_DEVICE, "no modem that speaks QMI is plugged in; plug one in")

    async def connect(self, link: Link) -> Connection:
        return await self._modem(link).connect(self._entered.wanted)

    async def disconnect(self, link: Link) -> None:
        if modem := self._modems.get(link.device):
            await modem.disconnect()

    async def events(self) -> AsyncIterator[DriverEvent]:
        async for event in self._watch.events():
            yield event

    async def details(self, link: Link) -> Mapping[str, str]:
        modem = self._modem(link)
        return await self._details.setdefault(link.device, Details(modem)).read()

    async def recover(self, link: Link, step: int) -> bool:
        return await repair(self.context, self._machine, self._modem(link), step)

    async def close(self) -> None:
        for details in self._details.values():
            await details.close()
        for modem in self._modems.values():
            await modem.close()

    def form(self) -> Sequence[FormField]:
        return FORM

    def validate(self, values: Mapping[str, str]) -> None:
        self._entered.with_values(values)

    async def apply(self, values: Mapping[str, str]) -> None:
        wanted = self._entered.with_values(values)
        port = next((port for port in self._machine.ports.all() if port.speaks_qmi), None)
        if port is None:
            raise ConnectError(Reason.NO_DEVICE, "there is no modem to try it with; plug it in")
        link = Link(NAME, port.name, port.interface)
        await self._modem(link).try_out(wanted)
        try:
            self._entered.keep(wanted)
        except SystemFault as error:
            raise ConnectError(
                Reason.MISCONFIGURED, f"it works, but is not kept: {error}"
            ) from error

    def _modem(self, link: Link) -> QmiModem:
        modem = self._modems.get(link.device)
        if modem is None:
            modem = QmiModem(self.context, self._machine, link.device, self._watch.tell)
            self._modems[link.device] = modem
        return modem


def _link(port: Port, number: int) -> Link:
    return Link(
        NAME,
        port.name,
        port.interface,
        preference=number,
        specificity=Specificity.DEVICE,
        metered=True,
        note=port.device.name if port.device else "",
        hardware=port.device.hardware if port.device else "",
    )

"""Dongles that are routers of their own: a network interface with DHCP behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from ipaddress import IPv4Interface
from typing import ClassVar

from conman_core import (
    ConnectError,
    Connection,
    DriverContext,
    Family,
    Kind,
    Link,
    LinkDriver,
    Lost,
    Option,
    Reason,
    Retry,
    Specificity,
    Unavailable,
)
from conman_core.inventory import Inventory
from conman_core.model import DriverEvent
from conman_plugins.cellular.dongles import MAKERS, ROUTERS
from conman_plugins.cellular.leases import Leases
from conman_plugins.cellular.modeswitch import Switcher
from conman_plugins.cellular.usb import Function, Usb, UsbDevice
from conman_plugins.cellular.usbpower import power_cycle, take_anew
from conman_plugins.cellular.watching import Watch
from conman_plugins.cellular.webapi import StillOff, WebApi

NAME = "hilink"

_LONGEST_DHCP = 120.0
_DEFAULT_DHCP = 30.0
#: kernel drivers of interfaces with Ethernet frames
_DRIVERS = frozenset({"cdc_ether", "rndis_host", "cdc_ncm", "huawei_cdc_ncm"})


class HilinkDriver(LinkDriver):
    """Offers each dongle that is a router as a link, named by its place on USB."""

    api_version: ClassVar[int] = 1
    connect_limit: ClassVar[float] = _LONGEST_DHCP + 15.0
    details_limit: ClassVar[float] = 12.0
    recover_limit: ClassVar[float] = 45.0

    def __init__(
        self,
        context: DriverContext,
        usb: Usb | None = None,
        inventory: Inventory | None = None,
        switcher: Switcher | None = None,
    ) -> None:
        super().__init__(context)
        self._usb = usb or Usb()
        self._inventory = inventory or Inventory()
        self._switcher = switcher or Switcher(context, self._usb)
        self._watch = Watch(context, self._switcher)
        self._leases = Leases(context, self._watch.tell)
        self._off: set[str] = set()  # links whose mobile data conman has left switched off
        self._waiting: dict[str, str] = {}  # links that were refused, and whose the network is

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        return (
            Option(
                "dhcp-timeout",
                Kind.DURATION,
                f"{_DEFAULT_DHCP:g}s",
                "How long to wait for an address from the dongle, at most"
                f" {_LONGEST_DHCP / 60:g}m.",
            ),
        )

    def probe(self) -> Sequence[Link] | Unavailable:
        found = [(device, part) for device in self._usb.devices() if (part := router_of(device))]
        if found:
            return [
                Link(
                    NAME,
                    device.place,
                    part.interface,
                    preference=number,
                    specificity=Specificity.DEVICE,
                    metered=True,
                    note=device.name,
                    hardware=device.hardware,
                )
                for number, (device, part) in enumerate(found)
            ]
        for disc in self._switcher.discs():
            return Unavailable(*self._switcher.why(disc))
        return Unavailable(Reason.NO_DEVICE, "no HiLink dongle is plugged in; plug one in")

    async def connect(self, link: Link) -> Connection:
        device, part = self._find(link)
        interface = self._inventory.describe(part.interface or "")
        if interface is not None and interface.carrier is False:
            raise ConnectError(
                Reason.NO_CARRIER,
                f"{device.name} at USB {device.place} has no connection on {interface.name} yet;"
                " if it stays so, pull it out and plug it in again",
            )
        self._waiting.pop(link.name, None)
        limit = min(self.context.settings["dhcp-timeout"] or _DEFAULT_DHCP, _LONGEST_DHCP)

        def check(connection: Connection) -> None:
            self._must_differ(link, device, connection)

        try:
            return await self._leases.acquire(link.name, part.interface or "", limit, check)
        except ConnectError as error:
            where = f"{device.name} at USB {device.place} ({part.interface})"
            raise ConnectError(error.reason, f"{where}: {error.sentence}") from None

    async def disconnect(self, link: Link) -> None:
        await self._leases.end(link.name)
        for name in [name for name, holder in self._waiting.items() if holder == link.name]:
            del self._waiting[name]
            self._watch.tell(Retry(name, f"{link.name} is down, so its network is free"))

    def events(self) -> AsyncIterator[DriverEvent]:
        return self._watch.events()

    async def details(self, link: Link) -> Mapping[str, str]:
        device = self._usb.at(link.device)
        about = {"modem": f"{device.name} ({device.ids})"} if device else {}
        pages = self._pages(link)
        if not pages:
            return about
        try:
            return about | await pages.facts()
        except ConnectError as error:  # other makes have no such pages, and work all the same
            self.context.log.debug("%s tells nothing of its radio: %s", link.name, error)
            return about

    async def recover(self, link: Link, step: int) -> bool:
        """0: have it dial anew. 1: take it anew from USB. 2: switch its port off and on."""
        if step == 0:
            await self._redial(link)
        elif step == 1:
            await take_anew(self.context, self._usb, link.device)
        elif step == 2:
            return await power_cycle(self.context, link.device)
        else:
            return False
        return True

    async def _redial(self, link: Link) -> None:
        """Have a dongle dial anew; one that answers nothing at all is taken anew from USB."""
        if pages := self._pages(link):
            try:
                await pages.redial(ours=link.name in self._off)
            except ConnectError as error:
                if isinstance(error, StillOff):
                    self._off.add(link.name)
                if isinstance(error, StillOff) or error.reason is Reason.MISCONFIGURED:
                    where = f"the dongle at USB {link.device}"
                    self.context.log.warning("%s: %s", where, error)
                if error.reason is not Reason.TIMEOUT:
                    return  # it lives, but it has no such pages
            else:
                self._off.discard(link.name)
                return
            sentence = f"the dongle at USB {link.device} answers nothing: it is taken anew"
            self._watch.tell(Lost(link.name, Reason.WEDGED, sentence))
            await self._leases.end(link.name)
        await take_anew(self.context, self._usb, link.device)

    def _find(self, link: Link) -> tuple[UsbDevice, Function]:
        device = self._usb.at(link.device)
        part = router_of(device) if device else None
        if not device or not part or part.interface != link.interface:
            sentence = f"no dongle is at USB {link.device} any more; plug it in again"
            raise ConnectError(Reason.NO_DEVICE, sentence)
        return device, part

    def _must_differ(self, link: Link, device: UsbDevice, connection: Connection) -> None:
        """Raise ConnectError if another dongle gives the same network: both are at one address."""
        networks = {address.interface.network for address in connection.addresses}
        for name, other in self._leases.connections().items():
            for address in other.addresses:
                network = address.interface.network
                if name == link.name or not any(network.overlaps(own) for own in networks):
                    continue
                self._waiting[link.name] = name
                page = connection.gateways.get(Family.IPV4)
                where = f" http://{page}" if page else ""
                raise ConnectError(
                    Reason.MISCONFIGURED,
                    f"it gives addresses of {network}, as {name} does, so that the two cannot be"
                    f" told apart; unplug {name} and give this one another network on its page"
                    f"{where}",
                )

    def _pages(self, link: Link) -> WebApi | None:
        connection = self._leases.connections().get(link.name)
        host = connection.gateways.get(Family.IPV4) if connection else None
        if host is None and link.interface:  # another conman may have it connected
            found = self._inventory.addresses(link.interface)
            networks = [each.network for each in found if isinstance(each, IPv4Interface)]
            host = networks[0].network_address + 1 if networks else None
        return WebApi(link.interface, host) if link.interface and host else None


def router_of(device: UsbDevice) -> Function | None:
    """Return the part of a dongle that leads to its router, None if it is no such dongle."""
    if device.vendor not in MAKERS or (device.terminals and device.vendor not in ROUTERS):
        return None
    # with serial ports that one is no router, but wants to be dialled
    drivers = _DRIVERS - ({"huawei_cdc_ncm"} if device.terminals else set())
    parts = (part for part in device.functions if part.driver in drivers and part.interface)
    return next(parts, None)

"""The access point on the air: interface, addresses, firewall, hostapd and dnsmasq together."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable, Mapping
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

from conman_core import ConnectError, PluginContext, Reason
from conman_core.errors import SystemFault
from conman_core.net import nl80211
from conman_core.net.netlink import Netlink
from conman_core.plugin import UndoContext
from conman_plugins.accesspoint import channel, hostapd, wall
from conman_plugins.accesspoint.dnsmasq import Dnsmasq
from conman_plugins.accesspoint.hostapd import Client, Hostapd
from conman_plugins.accesspoint.plan import OWN, SYSFS, Plan, quietest
from conman_plugins.accesspoint.ports import free_port
from conman_plugins.accesspoint.wall import Ports
from conman_plugins.accesspoint.wanted import Wanted

_LOCAL = 0x02  #: the bit of an address that nobody assigned, IEEE 802-2014, 8.4.4


class Apart(ConnectError):
    """The radio does not do both after all: try `plan.alone()`."""


class Air:
    """Made for one time on the air. `lost` is told why it ended, if nobody stopped it."""

    def __init__(
        self,
        context: PluginContext,
        wanted: Wanted,
        *,
        joined: Callable[[str], None],
        left: Callable[[str], None],
        lost: Callable[[str], None],
    ) -> None:
        self.page_port = 80
        self._context = context
        self._wanted = wanted
        self._joined, self._left, self._lost = joined, left, lost
        self._names_port = 53
        self._plan: Plan | None = None
        self._hostapd: Hostapd | None = None
        self._dnsmasq: Dnsmasq | None = None

    async def prepare(self, plan: Plan) -> None:
        """Make interface and addresses, so that the page can be opened. Raises ConnectError."""
        self._plan = plan
        try:
            if plan.together:
                _add(plan)
            self._close_in(plan)
            ports = self._ports()
            ips = [address.ip for address in self._addresses()]
            walls = asyncio.create_task(wall.build(self._context, plan.ap_interface, ips, ports))
            try:
                await asyncio.sleep(0)  # its program runs meanwhile
                self._warn_of_overlaps(plan)
                with Netlink() as link:
                    index = link.link(plan.ap_interface).index
                    for address in self._addresses():
                        link.replace_address(index, address, noprefixroute=False)
                await walls
            finally:
                walls.cancel()
                await asyncio.wait({walls})
            self.page_port, self._names_port = ports.page, ports.names
        except SystemFault as error:
            await self.stop()
            raise ConnectError(Reason.BROKEN, str(error)) from error
        except BaseException:
            await self.stop()
            raise

    async def start(self) -> None:
        """Go on the air, after `prepare`. Raises ConnectError, ToolMissing; then it is stopped."""
        plan, wanted = self._plan, self._wanted
        assert plan  # noqa: S101 - for mypy: `prepare` set it
        self._hostapd = Hostapd(
            self._context,
            plan.ap_interface,
            joined=self._joined,
            left=self._left,
            ended=self._ended,
        )
        self._dnsmasq = Dnsmasq(self._context, plan.ap_interface, self._ended)
        text = hostapd.configuration(
            plan.ap_interface,
            ssid=wanted.ssid,
            passphrase=wanted.passphrase,
            channel=channel.number(quietest(plan)),
            country=wanted.country,
            throughput=plan.throughput,
            folder=self._hostapd.folder,
        )
        answer = wanted.portal or wanted.address.ip
        starting = [
            asyncio.create_task(self._hostapd.start(text)),
            asyncio.create_task(self._dnsmasq.start(wanted.address, answer, self._names_port)),
        ]
        try:
            await asyncio.gather(*starting)
        except BaseException:
            for task in starting:
                task.cancel()
            await asyncio.wait(starting)
            await self.stop()
            raise

    def _close_in(self, plan: Plan) -> None:
        """Begin to change things; what is changed can be undone by another conman, too."""
        before = wall.close_in(plan.ap_interface)
        self._context.store.save(
            {
                "interface": plan.interface,
                "own": plan.together,
                "before": before,
                "addresses": [str(address) for address in self._addresses()],
            }
        )

    def _ended(self, sentence: str) -> None:
        self._lost(sentence)

    def _addresses(self) -> list[IPv4Interface]:
        portal = self._wanted.portal
        more = [IPv4Interface(f"{portal}/32")] if portal else []
        return [self._wanted.address, *more]

    def _ports(self) -> Ports:
        """Return the usual ports where they are free, else others."""
        ips = [str(address.ip) for address in self._addresses()]
        return Ports(
            free_port([socket.SOCK_STREAM], ips, 80),
            free_port([socket.SOCK_DGRAM, socket.SOCK_STREAM], ips, 53),
        )

    def _warn_of_overlaps(self, plan: Plan) -> None:
        mine = self._wanted.address.network
        with Netlink() as link:
            names = {each.index: each.name for each in link.links()}
            for each in link.addresses():
                name = names.get(each.index, "")
                network = each.interface.network
                other = name not in {plan.ap_interface, plan.interface}
                if other and isinstance(network, IPv4Network) and network.overlaps(mine):
                    self._context.say(
                        f"the access point's network {mine} is also that of {name}"
                        f" ({each.interface}): set another address in [conman:accesspoint]"
                    )

    async def move(self, frequency: int) -> bool:
        """Go to another channel of 2.4 GHz together with all phones; False if that fails."""
        return self._hostapd is not None and await self._hostapd.move(frequency)

    async def clients(self) -> list[Client] | None:
        """Return the phones that are there; None if that cannot be known."""
        return await self._hostapd.clients() if self._hostapd else None

    async def stop(self) -> None:
        """Leave the air, and the radio as it was. Never raises."""
        if self._hostapd:
            await self._hostapd.stop()
        if self._dnsmasq:
            await self._dnsmasq.stop()
        plan = self._plan
        if plan:
            try:
                await _restore(self._context, plan.interface)
            except (SystemFault, OSError) as error:
                self._context.log.warning("%s: %s", plan.interface, error)
            self._plan = None  # if it was cancelled, the next one does it

    @staticmethod
    async def tidy(context: UndoContext) -> str:
        """Remove what a conman that was killed left; say what. Raises SystemFault, OSError."""
        interface = context.store.load().get("interface")
        if not isinstance(interface, str):
            return ""
        await _restore(context, interface)
        return f"removed the access point that was left on {interface}"


def _add(plan: Plan) -> None:
    """Give the radio an interface for its access point. Raises Apart, SystemFault."""
    _remove_own()
    try:
        mac = bytes.fromhex((SYSFS / plan.interface / "address").read_text().replace(":", ""))
        mac = bytes([mac[0] ^ _LOCAL]) + mac[1:]
        nl80211.add_interface(plan.phy, plan.ap_interface, nl80211.ACCESS_POINT, mac)
    except (OSError, ValueError) as error:
        what = f"{plan.interface} gets no second interface: {error}"
        raise Apart(Reason.BROKEN, what) from error


def _remove_own() -> None:
    with contextlib.suppress(OSError):
        nl80211.remove_interface(socket.if_nametoindex(OWN))


async def _restore(context: UndoContext, interface: str) -> None:
    """Leave a radio as it was before. Raises SystemFault, OSError."""
    left = context.store.load()
    await wall.tear_down(context)
    _remove_own()
    if not left.get("own") and left.get("interface") == interface:
        _make_client(interface, _kept_addresses(left))
        before = left.get("before")
        wall.open_up(interface, before if isinstance(before, dict) else {})
    context.store.save({})


def _kept_addresses(left: Mapping[str, Any]) -> list[IPv4Interface]:
    kept = left.get("addresses")
    with contextlib.suppress(ValueError):  # somebody else wrote it
        return [IPv4Interface(str(each)) for each in kept] if isinstance(kept, list) else []
    return []


def _make_client(interface: str, addresses: list[IPv4Interface]) -> None:
    with contextlib.suppress(OSError), Netlink() as link:  # one that is gone needs nothing
        index = link.link(interface).index
        for address in addresses:
            link.delete_address(index, address)
        if nl80211.interface_types().get(index) == nl80211.ACCESS_POINT:
            link.set_up(index, False)
            nl80211.set_type(index, nl80211.STATION)

"""The machine's network as the engine sees it: interfaces, addresses, routes and names.

Everything that is changed goes into the ledger first. Only this module writes routes and DNS.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from ipaddress import ip_interface
from pathlib import Path

from conman_core.errors import ConnectError, SystemFault
from conman_core.ledger import Ledger
from conman_core.model import Connection, Family, IPAddress, IPInterface, Reason
from conman_core.net import rtmessage as rt
from conman_core.net import sysctl
from conman_core.net.adoption import Adoption
from conman_core.net.managers import Managers
from conman_core.net.netlink import Netlink
from conman_core.net.resolver import Resolver
from conman_core.net.routing import PROTOCOL, Router

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Interface:
    """What the kernel says of an interface."""

    index: int
    up: bool
    carrier: bool


class Network:
    """Changes the network of this namespace. To be used from one thread."""

    def __init__(
        self,
        ledger: Ledger,
        resolver: Resolver,
        own_groups: Callable[[], Collection[int]] = tuple,
        resolv_conf: Path = Path("/etc/resolv.conf"),
    ) -> None:
        self.ledger = ledger
        self.notes: dict[str, str] = {}  #: what people should know, by subject
        self._resolver = resolver
        self._own_groups = own_groups
        self._managers = Managers()
        self._netlink = Netlink()
        self._adoption = Adoption(self._netlink, resolv_conf)
        self._router = Router(self._netlink)
        self._interfaces: dict[str, Interface] = {}
        self.look()

    def close(self) -> None:
        """Close the sockets; everything stays as it is in the kernel."""
        self._netlink.close()

    # -- interfaces

    def look(self) -> dict[str, Interface]:
        """Ask the kernel for all interfaces afresh."""
        self._interfaces = {
            link.name: Interface(link.index, link.up, link.carrier)
            for link in self._netlink.links()
        }
        return self._interfaces

    def interfaces(self) -> dict[str, Interface]:
        """Return what is known of all interfaces, by name."""
        return self._interfaces

    def interface(self, name: str) -> Interface | None:
        """Return what is known of an interface, None if there is none."""
        return self._interfaces.get(name)

    def name_of(self, index: int) -> str | None:
        """Return the name of an interface by its number."""
        return next((n for n, known in self._interfaces.items() if known.index == index), None)

    def heard(self, link: rt.LinkMessage) -> None:
        """Take the kernel's news of an interface."""
        former = self.name_of(link.index)
        if former is not None and (link.gone or former != link.name):
            del self._interfaces[former]
        if not link.gone:
            self._interfaces[link.name] = Interface(link.index, link.up, link.carrier)

    async def prepare(self, name: str) -> None:
        """Make an interface ready for its driver: free, with an uplink's settings, and up.

        Raises ConnectError with NO_DEVICE, or BUSY if another program manages it, and SystemFault.
        """
        known = self.interface(name)
        if known is None:
            raise ConnectError(Reason.NO_DEVICE, f"there is no interface {name} any more")
        owner = await self._owner(name, known)
        if owner is not None:
            raise ConnectError(Reason.BUSY, owner)
        try:
            sysctl.prepare(name, self.ledger)
            self.note(name, None)
        except SystemFault as fault:  # in a container, say: a lone link works all the same
            self.note(name, str(fault))
        if not known.up:
            self.ledger.remember_interface(name)
            try:
                self._netlink.set_up(known.index, True)
            except SystemFault as fault:
                if fault.errno != errno.ERFKILL:  # a radio that its driver has to switch on first
                    raise
            link = self._netlink.link(name)
            self._interfaces[name] = Interface(link.index, link.up, link.carrier)

    async def look_for_owner(self, name: str) -> None:
        """Note a program that has come to manage a working link's interface.

        The link is not given up for that: both may get along, and it works now.
        """
        known = self.interface(name)
        if known is not None:
            self.note(f"owner of {name}", await self._owner(name, known))

    async def _owner(self, name: str, known: Interface) -> str | None:
        """Say who else manages an interface and how to hand it over, None if nobody does."""
        groups = self._own_groups()
        owner = await asyncio.to_thread(self._managers.owner, name, known.index, groups)
        if owner is None:
            return None
        lasting = f", for good: {owner.lasting}" if owner.lasting != owner.command else ""
        return f"{owner.sentence}; hand it over with: {owner.command}{lasting}"

    def found(self, name: str) -> Connection | None:
        """Describe what somebody, perhaps an earlier conman, has configured on an interface."""
        known = self.interface(name)
        if known is None:
            return None
        return self._adoption.found_on(name, known.index)

    # -- addresses and routes

    def configure(self, connection: Connection, metric: int) -> None:
        """Give an interface the addresses and routes of a connection. Raises SystemFault."""
        name = connection.interface
        new = self._router.new_addresses(connection)
        with self.ledger.batch():
            for interface in new:
                self.ledger.remember_address(name, str(interface))
        self._router.configure(connection, metric, self._owned(name))
        self._prolong(connection)

    def _owned(self, name: str) -> tuple[IPInterface, ...]:
        """Return the addresses on an interface that conman added, by the ledger."""
        return tuple(
            ip_interface(text) for where, text in self.ledger.entries.addresses if where == name
        )

    def _prolong(self, connection: Connection) -> None:
        """Give addresses that were there before conman the lifetime of the lease that names them.

        They stay their maker's otherwise: `release` leaves them. One that never ends stays so.
        """
        index = self._netlink.link(connection.interface).index
        wanted = {address.interface: address for address in connection.addresses}
        for found in self._netlink.addresses(index):
            address = wanted.get(found.interface)
            foreign = found.protocol != PROTOCOL
            if address is None or found.valid is None or not foreign:
                continue
            if found.interface not in self._owned(connection.interface):
                self._netlink.replace_address(
                    index,
                    found.interface,
                    address.valid,
                    address.preferred,
                    protocol=found.protocol,
                )

    def set_metric(self, interface: str, metric: int) -> None:
        """Change the metric of a configured interface, never without a route. SystemFault."""
        self._router.set_metric(interface, metric)

    def unconfigure(self, interface: str) -> None:
        """Remove what is ours from an interface. What cannot be removed is gone or logged."""
        self.note(f"owner of {interface}", None)
        try:
            self._router.unconfigure(interface, self._owned(interface))
        except SystemFault as fault:
            log.warning("%s: %s", interface, fault)
            return
        with self.ledger.batch():
            for name, address in list(self.ledger.entries.addresses):
                if name == interface:
                    self.ledger.forget_address(name, address)

    def remove_foreign_defaults(self, interfaces: Iterable[str]) -> None:
        """Remove other programs' default routes on these interfaces; `release` puts them back.

        A route of metric 0 would beat every rank. What the kernel refuses is noted.
        """
        try:
            self._remove_foreign_defaults(list(interfaces))
        except SystemFault as fault:
            self.note("foreign routes", f"another program's default route stays: {fault}")
        else:
            self.note("foreign routes", None)

    def _remove_foreign_defaults(self, interfaces: list[str]) -> None:
        for route in self._router.foreign_defaults(interfaces):
            if route.family != Family.IPV4:
                continue  # the kernel's own, from router advertisements; conman has none of its own
            self.ledger.remember_route(self._router.remember(route))
            log.info("removed another program's default route, kept for release: %s", route)
            self._router.remove(route)

    def sweep(self, keep: Collection[str]) -> None:
        """Remove what an earlier conman left on interfaces that are no links any more."""
        owned = {name: self._owned(name) for name in self._interfaces}
        try:
            self._router.sweep(keep, owned)
        except SystemFault as fault:
            log.warning("what an earlier conman left cannot be removed: %s", fault)

    # -- names

    def use_dns(self, servers: Collection[IPAddress]) -> None:
        """Make these the machine's DNS servers, as far as the resolver file is conman's."""
        self.note("dns", self._resolver.apply(tuple(servers)))

    def note(self, subject: str, sentence: str | None) -> None:
        """Keep what people should know of a subject, None if nothing; log what is new."""
        if sentence is None:
            self.notes.pop(subject, None)
        elif self.notes.get(subject) != sentence:
            log.warning("%s", sentence)
            self.notes[subject] = sentence

    # -- giving everything back

    def release(self) -> list[str]:
        """Undo everything that this conman or an earlier one did; return a sentence for each."""
        done = [*self._resolver.restore()]
        done += self._release_routes()
        done += self._release_addresses()
        try:
            count = len(self.ledger.entries.sysctls)
            sysctl.restore(self.ledger)
            if count:
                done.append(f"put back {count} kernel settings")
        except SystemFault as fault:
            done.append(str(fault))
        return done + self._release_interfaces()

    def _release_routes(self) -> list[str]:
        done = []
        for record in list(self.ledger.entries.routes):
            where = f"the default route on {record.get('interface')}"
            try:
                self._router.restore(record)
                done.append(f"put back {where}")
            except SystemFault as fault:
                done.append(f"could not put back {where}: {fault}")
            self.ledger.forget_route(record)
        try:
            if any(route.protocol == PROTOCOL for route in self._netlink.routes()):
                done.append("removed conman's routes and rules")
            self._router.release({name: self._owned(name) for name in self._interfaces})
        except SystemFault as fault:
            done.append(f"not all of conman's routes and rules could be removed: {fault}")
        return done

    def _release_addresses(self) -> list[str]:
        """Forget the addresses that went with the routes."""
        done = []
        for name, text in list(self.ledger.entries.addresses):
            done.append(f"removed {text} from {name}")
            self.ledger.forget_address(name, text)
        return done

    def _release_interfaces(self) -> list[str]:
        done = []
        for name in list(self.ledger.entries.interfaces):
            known = self.interface(name)
            if known is not None:
                try:
                    self._netlink.set_up(known.index, False)
                    done.append(f"set {name} down")
                except SystemFault as fault:
                    if fault.errno != errno.ENODEV:
                        done.append(str(fault))
            self.ledger.forget_interface(name)
        return done
